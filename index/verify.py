"""Proof that the index says what the documents say: every checksum, every passage, every source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from index.corpus import scan
from index.parsers.workers import SECONDS, Limits, parse_all
from index.records import Document, DocumentSummary
from index.snapshot import Snapshot
from index.store import Store


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was proved. ``damaged`` names what is wrong in the snapshot; the next three lists
    name the documents whose sources were edited, removed or added since the build. What OCR reads
    otherwise now counts as edited. ``unproved`` are those that it had no time to read whole, and
    of which it has read more or less now.
    """

    snapshot: str
    documents: int
    passages: int
    damaged: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    unproved: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the snapshot is whole and each quote stands in its source."""
        return not self.damaged

    @property
    def current(self) -> bool:
        """Whether a build now would change nothing."""
        return not (self.changed or self.missing or self.added)


def verify(corpus: Path | str, store: Store, file_seconds: float = SECONDS) -> VerifyReport:
    """Read snapshot and sources again and compare them character by character.

    Each file of the snapshot must have its checksum. Each source that has not changed is parsed
    anew, within the same limits, and every passage must be the slice of its text that it claims
    to be. Give it the ``file_seconds`` of the build.

    Raises:
        IndexMissingError, IndexMismatchError, IndexDamagedError: the snapshot cannot be opened.
        CorpusError: the corpus folder is missing.
    """
    snapshot = store.open()
    sources, _ = scan(Path(corpus))
    paths = {source.document_id: source.path for source in sources}
    damaged = [f"file {name}" for name in snapshot.damaged()]
    if lacking := snapshot.incomplete():
        damaged.append(lacking)
    known = {summary.id: summary for summary in snapshot.table.documents()}
    digests = {summary.digest for summary in known.values()}
    reported = {file.path for file in snapshot.table.files()}
    # What was left out may have been mended since.
    names = [name for name in [*known, *sorted(reported - set(known))] if name in paths]
    changed, unproved = [], []
    passages = 0
    files = ((paths[name], name) for name in names)
    for name, parsed in zip(names, parse_all(files, Limits(file_seconds)), strict=True):
        document, summary = parsed.document, known.get(name)
        if summary is None:
            if document is not None and document.digest not in digests:
                changed.append(name)
        elif document is None or _changed(document, summary, snapshot):
            changed.append(name)
        elif _cut_short(document, summary) and document.text != snapshot.table.text(name):
            unproved.append(name)
        else:
            for passage in snapshot.table.passages(name):
                passages += 1
                if document.text[passage.start : passage.end] != passage.text:
                    damaged.append(f"passage {passage.number} of {name}")
    return VerifyReport(
        snapshot=snapshot.id,
        documents=len(known),
        passages=passages,
        damaged=tuple(damaged),
        changed=tuple(sorted(changed)),
        missing=tuple(name for name in known if name not in paths),
        added=tuple(sorted(set(paths) - set(known) - reported)),
        unproved=tuple(unproved),
    )


def _changed(document: Document, summary: DocumentSummary, snapshot: Snapshot) -> bool:
    """Whether a source is not what it was, or OCR, another one perhaps, reads it otherwise now."""
    engine = document.metadata.get("ocr")
    if document.digest != summary.digest or engine != summary.metadata.get("ocr"):
        return True
    if engine is None or _cut_short(document, summary):
        return False
    return document.text != snapshot.table.text(document.id)


def _cut_short(document: Document, summary: DocumentSummary) -> bool:
    """Whether OCR had no time to read all of it, now or when the index was built."""
    return "unreached" in document.metadata or "unreached" in summary.metadata
