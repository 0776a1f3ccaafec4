"""Snapshots on disk: written aside, published by one rename, never changed, rolled back.

``CURRENT`` holds one line, the id of the live snapshot. Readers resolve it once. What is inside
a snapshot is filled in by ``build`` and read through ``Snapshot``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from index.errors import (
    BuildRunningError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    SnapshotError,
    StoreError,
)
from index.lexical import LexicalIndex
from index.map import Map
from index.sentences import SentenceVectors
from index.table import Table
from index.vectors import FaissIndex, Nearest

FORMAT = 5
"""Changes whenever older code could not read a snapshot, or newer code an older one."""

TABLE, LEXICAL = "passages.sqlite", "lexical"
MANIFEST, CURRENT, MODELS = "manifest.json", "CURRENT", "models"
VECTORS, DOCUMENTS = "vectors.cache", "documents.cache"
CALIBRATION, BIN = "calibration.json", "bin"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a snapshot was made with; another recipe makes other passages or vectors."""

    model: str
    """The SHA-256 of the model's files."""
    model_name: str
    splitter: str
    analyzer: str
    vectors: str
    exact_up_to: int
    dimension: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot knows of itself. ``files`` maps its files to (size, SHA-256)."""

    id: str
    parent: str | None
    created: str
    recipe: Recipe
    corpus: str
    corpus_digest: str
    documents: int
    passages: int
    sentences: int
    words: int
    seconds: float
    nearest: Nearest
    files: dict[str, tuple[int, str]]
    format: int = FORMAT


class Snapshot:
    """One published index, open for reading; safe to share between threads.

    One of at most ``hold`` bytes is proved by its checksums and held in memory, where nothing that
    happens to its files can reach it; a larger one is read from them as it is needed.

    Raises:
        IndexMismatchError: another version of Passages made it.
        IndexDamagedError: a file is missing, has another size, or the parts do not fit together.
    """

    def __init__(self, folder: Path, hold: int = 0) -> None:
        self.folder = folder
        self.manifest = _read_manifest(folder)
        for name, (size, _) in self.manifest.files.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != size:
                raise IndexDamagedError(
                    f"'{name}' of snapshot {self.id} is missing or has another size than it was "
                    "written with. Run: python -m app build"
                )
        held = self.size <= hold
        if held and (damaged := next(self.damaged(), "")):
            raise IndexDamagedError(
                f"'{damaged}' of snapshot {self.id} is not what was written. "
                "Run: python -m app build"
            )
        self.table = Table(folder / TABLE, held=held)
        self.vectors = FaissIndex.load(folder, held=held)
        self.lexical = LexicalIndex.load(folder / LEXICAL, self.manifest.passages, held=held)
        self.sentences = SentenceVectors(folder, held=held)
        self.map = Map.load(folder)
        rows = {len(self.table), len(self.vectors), len(self.sentences)}
        rows |= {len(self.map)} if self.map else set()
        if rows != {self.manifest.passages}:
            raise IndexDamagedError(
                f"The parts of snapshot {self.id} disagree on the number of passages: "
                f"{sorted(rows)}. Run: python -m app build"
            )

    @property
    def id(self) -> str:
        """The snapshot's name, unique in its store."""
        return self.manifest.id

    @cached_property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for size, _ in self.manifest.files.values())

    def damaged(self) -> Iterator[str]:
        """The files whose content is not what was written, by checksum."""
        for name, (_, expected) in self.manifest.files.items():
            with (self.folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    yield name


class Store:
    """A folder of snapshots, of which one is current. Making a ``Store`` touches no file.

    The newest ``keep`` snapshots are kept, and always the current one and the one before it.
    """

    def __init__(self, folder: Path | str, *, keep: int = 2) -> None:
        self.folder = Path(folder)
        self.keep = keep

    @property
    def cache(self) -> Path:
        """Where the vectors of texts are kept."""
        return self.folder / VECTORS

    @property
    def documents(self) -> Path:
        """Where the documents that files were read as are kept."""
        return self.folder / DOCUMENTS

    @property
    def bin(self) -> Path:
        """Where files that were taken out of the corpus are kept for a while."""
        return self.folder / BIN

    @property
    def models(self) -> Path:
        """Where converted models are kept."""
        return self.folder / MODELS

    @property
    def calibration(self) -> Path:
        """Where a confidence that was fitted to questions of one's own is kept."""
        return self.folder / CALIBRATION

    def size(self) -> int:
        """Bytes on disk, of whatever is there: a build may come and go meanwhile."""
        return size_of(self.folder)

    def current(self) -> str | None:
        """The id of the live snapshot, or ``None`` where nothing was published yet."""
        try:
            return (self.folder / CURRENT).read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise IndexDamagedError(
                f"'{self.folder / CURRENT}' cannot be read: {error}. Run: python -m app build"
            ) from error

    def open(self, snapshot: str | None = None, hold: int = 0) -> Snapshot:
        """Open a snapshot, the current one unless another is named; ``hold`` is as in ``Snapshot``.

        Raises:
            IndexMissingError: there is none.
            IndexMismatchError, IndexDamagedError: as ``Snapshot`` does.
        """
        for _ in range(3):
            name = snapshot or self.current()
            if name is None:
                raise IndexMissingError("There is no index yet. Run: python -m app build")
            folder = self._snapshots / Path(name).name
            try:
                return Snapshot(folder, hold)
            except IndexDamagedError:
                # Another process may have published and pruned since CURRENT was read.
                if snapshot is not None or self.current() == name:
                    raise
        raise IndexMissingError("The index changes faster than it can be opened. Try again.")

    def table(self, snapshot: str) -> Table:
        """The passages and documents of a snapshot, without all else; to be closed.

        Raises:
            IndexDamagedError: it is not kept, or damaged.
        """
        return Table(self._snapshots / Path(snapshot).name / TABLE)

    def manifests(self) -> list[Manifest]:
        """The snapshots that are kept, oldest first; unreadable ones are left out."""
        found = []
        for folder in sorted(self._snapshots.glob("*")) if self._snapshots.is_dir() else []:
            with contextlib.suppress(IndexDamagedError, IndexMismatchError):
                found.append(_read_manifest(folder))
        return found

    def rollback(self, to: str | None = None) -> str:
        """Make the snapshot before the current one current again, or the one named ``to``.

        Raises:
            SnapshotError: there is no such snapshot.
            BuildRunningError: a build is running.
        """
        with self.lock():
            kept = {manifest.id: manifest for manifest in self.manifests()}
            current = self.current()
            if to is None and current in kept:
                to = kept[current].parent
            if to is None or to not in kept:
                names = ", ".join(name for name in kept if name != current) or "none"
                raise SnapshotError(
                    f"There is no snapshot {to or 'before this one'} to go back to. "
                    f"Others that are kept: {names}."
                )
            Snapshot(self._snapshots / to)  # never point at what cannot be opened
            self._point_to(to)
            return to

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to write to this store; the system frees it if the process dies.

        Raises:
            BuildRunningError: another process holds it.
            StoreError: the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "build.lock", timeout=0, is_singleton=False)
            lock.acquire()
        except Timeout:
            raise BuildRunningError(
                f"Another build is running in '{self.folder}'. Wait for it to end, then try again."
            ) from None
        except OSError as error:
            raise StoreError(
                f"The store '{self.folder}' cannot be written: {error.strerror or error}."
            ) from error
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """A new folder to build a snapshot in; call with the lock held.

        What an earlier build left behind when it was killed is removed first. The folder is
        removed if the build fails.
        """
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(parents=True)
        try:
            yield self._aside
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)

    def publish(self, folder: Path, **facts: Any) -> Manifest:
        """Make a filled folder the current snapshot, for all readers at once.

        ``facts`` are the manifest's fields that only the build knows. Older snapshots than are to
        be kept are removed.
        """
        files = {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            files[path.relative_to(folder).as_posix()] = (path.stat().st_size, digest)
        parent = None
        with contextlib.suppress(IndexDamagedError):
            parent = self.current()
        manifest = Manifest(
            id=self._next_id(files),
            parent=parent,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            files=files,
            **facts,
        )
        _write_durably(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))
        for inner in [path for path in folder.rglob("*") if path.is_dir()]:
            _sync_folder(inner)
        _sync_folder(folder)
        self._snapshots.mkdir(exist_ok=True)
        folder.rename(self._snapshots / manifest.id)
        _sync_folder(self._snapshots)
        self._point_to(manifest.id)
        self._prune({manifest.id, parent})
        return manifest

    def _next_id(self, files: dict[str, tuple[int, str]]) -> str:
        """Numbers go up whatever the clock says; the hash tells two stores' snapshots apart."""
        numbers = [path.name.split("-")[0] for path in self._snapshots.glob("*-*")]
        number = max([int(name) for name in numbers if name.isdigit()], default=0) + 1
        content = hashlib.sha256(json.dumps(files).encode()).hexdigest()
        return f"{number:06d}-{content[:8]}"

    def _point_to(self, name: str) -> None:
        try:
            _write_durably(self.folder / CURRENT, name + "\n")
        except OSError as error:
            raise StoreError(f"'{self.folder / CURRENT}' cannot be written: {error}.") from error

    def _prune(self, needed: set[str | None]) -> None:
        folders = sorted(self._snapshots.glob("*"), key=lambda folder: folder.name)
        others = [folder for folder in folders if folder.name not in needed]
        for folder in others[: max(0, len(folders) - self.keep)]:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _snapshots(self) -> Path:
        return self.folder / "snapshots"

    @property
    def _aside(self) -> Path:
        return self.folder / "building"


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is none."""
    total = 0
    with contextlib.suppress(OSError):
        total = path.stat().st_size if path.is_file() else 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).lstat().st_size
    return total


def _read_manifest(folder: Path) -> Manifest:
    try:
        fields = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = fields["format"]
        if version != FORMAT:
            raise IndexMismatchError(
                f"Snapshot {folder.name} has format {version}, this version of Passages reads "
                f"format {FORMAT}. Run: python -m app build"
            )
        files = {name: (int(size), str(digest)) for name, (size, digest) in fields["files"].items()}
        parts = {
            "recipe": Recipe(**fields["recipe"]),
            "nearest": Nearest(**fields["nearest"]),
            "files": files,
        }
        return Manifest(**{**fields, **parts})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexDamagedError(
            f"The manifest of snapshot {folder.name} cannot be read ({error}). "
            "Run: python -m app build"
        ) from error


def _write_durably(path: Path, text: str) -> None:
    """Replace a file's content so that a crash leaves the old or the new one, never less."""
    aside = path.with_name(path.name + ".new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
