"""Proof that the index says what the documents say: every checksum, every passage, every source."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from index.corpus import scan
from index.errors import ParseError
from index.parsers import parse
from index.store import Store


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was proved. ``damaged`` names what is wrong in the snapshot; the other three lists
    name the documents whose sources were edited, removed or added since the build.
    """

    snapshot: str
    documents: int
    passages: int
    damaged: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the snapshot is whole and each quote stands in its source."""
        return not self.damaged

    @property
    def current(self) -> bool:
        """Whether a build now would change nothing."""
        return not (self.changed or self.missing or self.added)


def verify(corpus: Path | str, store: Store) -> VerifyReport:
    """Read snapshot and sources again and compare them character by character.

    Each file of the snapshot must have its checksum. Each source that has not changed is parsed
    anew, and every passage must be the slice of its text that it claims to be.

    Raises:
        IndexMissingError, IndexMismatchError, IndexDamagedError: the snapshot cannot be opened.
        CorpusError: the corpus folder is missing.
    """
    snapshot = store.open()
    sources, _ = scan(Path(corpus))
    paths = {source.document_id: source.path for source in sources}
    damaged = [f"file {name}" for name in snapshot.damaged()]
    changed, missing = [], []
    passages = 0
    known = snapshot.table.documents()
    for summary in known:
        path = paths.get(summary.id)
        if path is None:
            missing.append(summary.id)
            continue
        try:
            document = parse(path, summary.id)
        except ParseError:
            changed.append(summary.id)
            continue
        if document.digest != summary.digest:
            changed.append(summary.id)
            continue
        for passage in snapshot.table.passages(summary.id):
            passages += 1
            if document.text[passage.start : passage.end] != passage.text:
                damaged.append(f"passage {passage.number} of {summary.id}")
    digests = {summary.digest for summary in known}
    for file in snapshot.table.files():
        # What was left out may have been mended since.
        if file.state != "indexed" and file.path in paths:
            with contextlib.suppress(ParseError):
                if parse(paths[file.path], file.path).digest not in digests:
                    changed.append(file.path)
    seen = {summary.id for summary in known} | {file.path for file in snapshot.table.files()}
    return VerifyReport(
        snapshot=snapshot.id,
        documents=len(known),
        passages=passages,
        damaged=tuple(damaged),
        changed=tuple(sorted(changed)),
        missing=tuple(missing),
        added=tuple(sorted(set(paths) - seen)),
    )
