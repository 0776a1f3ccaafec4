"""Adding files to the corpus folder, replacing and removing them, and taking that back.

What is removed or replaced is moved into a bin in the store and comes back byte for byte. The index
knows nothing of it before the next build.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from index.errors import CorpusError
from index.parsers import SUFFIXES, digest_of, supported

CHANGES = 20
"""Changes that can be taken back."""

LONGEST_NAME = 200  # bytes of a name; file systems end at 255, and a suffix is added while writing
RESERVED = frozenset(
    "con prn aux nul".split() + [f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)]
)
"""Names that Windows keeps for devices."""


class ExistsError(CorpusError):
    """There is a file with this name already."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the corpus folder; ``when`` is seconds since 1970.

    ``digest`` is the SHA-256 of the file that was put there, or nothing where one was removed.
    """

    id: str
    what: Literal["added", "replaced", "removed"]
    document_id: str
    digest: str
    when: float


class Uploads:
    """The corpus folder as it is changed through the page. ``most`` are bytes of one file."""

    def __init__(self, corpus: Path, bin: Path, most: int) -> None:
        self._corpus = corpus
        self._bin = bin
        self._most = most
        self._lock = threading.Lock()

    def add(self, name: str, data: bytes, *, replace: bool = False) -> Change:
        """Put a file into the corpus folder, whole or not at all.

        ``name`` may have folders in it, as browsers give them.

        Raises:
            ExistsError: there is one with this name, and it is not to be replaced.
            CorpusError: the name or the file cannot be taken, or not be written.
        """
        document_id = checked(name)
        if not data:
            raise CorpusError(f"'{document_id}' is empty.")
        if len(data) > self._most:
            raise CorpusError(
                f"'{document_id}' has {len(data) / 1e6:,.1f} MB, more than the "
                f"{self._most / 1e6:,g} MB of the setting upload_mb. Raise it, or put the file "
                "into the folder yourself."
            )
        path = self._inside(document_id)
        with self._lock, _said(document_id):
            there = path.exists() or path.is_symlink()
            if there and not replace:
                raise ExistsError(f"There is a file '{document_id}' already.")
            if there and not path.is_file():
                raise CorpusError(f"'{document_id}' is a folder.")
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._written(path, data)
            try:
                change = self._changed("replaced" if there else "added", document_id, aside)
                if there:
                    self._move_to_bin(path, change)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
            return change

    def remove(self, document_id: str) -> Change:
        """Take a file out of the corpus folder.

        Raises:
            CorpusError: there is no such file, or it cannot be moved.
        """
        path = self._inside(checked(document_id, known=True))
        with self._lock, _said(document_id):
            if not path.is_file() or path.is_symlink():
                raise CorpusError(f"There is no file '{document_id}' in the corpus folder.")
            change = self._changed("removed", document_id, None)
            self._move_to_bin(path, change)
            return change

    def undo(self, change_id: str) -> Change:
        """Take a change back; what stands there now is put into the bin first.

        Raises:
            CorpusError: there is no such change, or the file was changed since.
        """
        with self._lock:
            change = next((one for one in self.changes() if one.id == change_id), None)
            if change is None:
                raise CorpusError("This change can no longer be taken back.")
            path = self._inside(change.document_id)
            entry = self._bin / change.id
            with _said(change.document_id):
                now = digest_of(path) if path.is_file() else ""
                if now != change.digest:
                    raise CorpusError(
                        f"'{change.document_id}' was changed since. What was there before is kept "
                        f"in '{entry}'."
                    )
                if change.what == "added":
                    path.unlink()
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _move(entry / "file", path)
                shutil.rmtree(entry)
            return change

    def changes(self) -> list[Change]:
        """The changes that can be taken back, the last one first."""
        found = []
        for path in self._bin.glob("*/change.json"):
            with contextlib.suppress(OSError, ValueError, TypeError):
                found.append(Change(**json.loads(path.read_text(encoding="utf-8"))))
        return sorted(found, key=lambda change: change.id, reverse=True)

    def _inside(self, document_id: str) -> Path:
        path = self._corpus / document_id
        corpus = self._corpus.resolve()
        # A folder in the corpus may be a link to elsewhere.
        if not path.parent.resolve().is_relative_to(corpus):
            raise CorpusError(f"'{document_id}' lies outside the corpus folder.")
        return path

    def _written(self, path: Path, data: bytes) -> Path:
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        Path(name).chmod(0o644)
        return Path(name)

    def _changed(
        self, what: Literal["added", "replaced", "removed"], document_id: str, new: Path | None
    ) -> Change:
        self._bin.mkdir(parents=True, exist_ok=True)
        last = max((int(one.id) for one in self.changes() if one.id.isdigit()), default=0)
        digest = digest_of(new) if new else ""
        change = Change(f"{last + 1:06d}", what, document_id, digest, time.time())
        entry = self._bin / change.id
        entry.mkdir()
        (entry / "change.json").write_text(json.dumps(asdict(change)), encoding="utf-8")
        for old in self.changes()[CHANGES:]:
            shutil.rmtree(self._bin / old.id, ignore_errors=True)
        return change

    def _move_to_bin(self, path: Path, change: Change) -> None:
        try:
            _move(path, self._bin / change.id / "file")
        except OSError:
            shutil.rmtree(self._bin / change.id, ignore_errors=True)
            raise


def checked(name: str, *, known: bool = False) -> str:
    """A file's name as the id of a document; a ``known`` one need be no file that is read.

    Raises:
        CorpusError: it cannot be one.
    """
    shown = name if len(name) <= 80 else f"{name[:80]}…"
    parts = PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0].startswith("/") or ":" in parts[0]:
        raise CorpusError(f"'{shown}' is no name for a file in the corpus folder.")
    for part in parts:
        bad = any(unicodedata.category(character) in ("Cc", "Cs") for character in part)
        if bad or part != part.strip() or part.split(".")[0].lower() in RESERVED:
            raise CorpusError(f"'{shown}' has a part that is no name for a file: {part!r}.")
        if part.startswith("."):
            raise CorpusError(f"'{shown}' is hidden: names that begin with a dot are not read.")
        if len(part.encode("utf-8", "surrogateescape")) > LONGEST_NAME:
            raise CorpusError(f"'{shown}' is too long a name.")
    document_id = "/".join(parts)
    if not known and not supported(Path(document_id)):
        readable = " ".join(sorted(SUFFIXES))
        raise CorpusError(f"'{shown}' is of a kind that no parser reads. Readable are: {readable}.")
    return document_id


def _move(source: Path, target: Path) -> None:
    """Move a file, to another disk too; what was at the target stays until all of it is there."""
    try:
        source.replace(target)
    except OSError:
        aside = target.with_name(f".{target.name[:LONGEST_NAME]}.new")
        try:
            shutil.copy2(source, aside)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
        source.unlink()


@contextlib.contextmanager
def _said(document_id: str) -> Iterator[None]:
    """Say errors of the system in our own words."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"'{document_id}' cannot be written: {error.strerror or error}. Nothing was changed."
        ) from error
