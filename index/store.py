"""Snapshots on disk: written aside, published by one rename, never changed, rolled back.

``CURRENT`` holds one line, the id of the live snapshot. Readers resolve it once. What is inside
a snapshot is filled in by ``build`` and read through ``Snapshot``.

Where a Milvus server keeps the passages' vectors, its alias is what ``CURRENT`` is else, for all
machines at once. The other parts of a snapshot are the same files; where there is a shared place,
they are published there, too, and a store that lacks the current snapshot fetches it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.errors import (
    BuildRunningError,
    EngineError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    SnapshotError,
    StoreError,
)
from index.milvus import Milvus
from index.shared import MANIFEST, Shared
from index.snapshot import (
    IN_MILVUS,
    TABLE,
    Manifest,
    Snapshot,
    kind_of,
    parse_manifest,
    read_manifest,
)
from index.table import Table

CURRENT, MODELS = "CURRENT", "models"
VECTORS, DOCUMENTS = "vectors.cache", "documents.cache"
CALIBRATION, BIN = "calibration.json", "bin"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A snapshot's name, and its files with (size, SHA-256), before it is published."""

    id: str
    files: dict[str, tuple[int, str]]


class Store:
    """A folder of snapshots, of which one is current. Making a ``Store`` touches no file.

    The newest ``keep`` snapshots are kept, and always the current one and the one before it.
    With a ``server`` all methods raise what ``Milvus`` does, with a ``shared`` place what
    ``Shared`` does.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        keep: int = 2,
        server: Milvus | None = None,
        shared: Shared | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self.server = server
        self.shared = shared if server else None
        self._known: dict[str, Manifest] = {}

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
        if self.server is not None:
            return self.server.current()
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
            try:
                return Snapshot(self._at_hand(name), hold, self.server)
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
        return Table(self._at_hand(snapshot) / TABLE)

    def manifests(self) -> list[Manifest]:
        """The snapshots that are kept, oldest first; unreadable ones are left out."""
        found = []
        for name in sorted(self._names()):
            with contextlib.suppress(IndexDamagedError, IndexMismatchError):
                manifest = self._manifest(name)
                if manifest.recipe.vectors == kind_of(self.server):
                    found.append(manifest)
        return found

    def _names(self) -> set[str]:
        """The snapshots that are kept, readable or not."""
        if self.shared is not None:
            return self.shared.snapshots()
        there = self._snapshots.glob("*") if self._snapshots.is_dir() else []
        return {folder.name for folder in there}

    def _manifest(self, name: str) -> Manifest:
        folder = self._snapshots / name
        if self.shared is None or folder.is_dir():
            return read_manifest(folder)
        if name not in self._known:
            self._known[name] = parse_manifest(name, self.shared.manifest(name))
        return self._known[name]

    def _at_hand(self, snapshot: str) -> Path:
        """The folder of a snapshot, which is fetched from the shared place if it is only there."""
        folder = self._snapshots / Path(snapshot).name
        if self.shared is None:
            if self.server is not None and not folder.is_dir():
                raise IndexDamagedError(
                    f"Snapshot {snapshot}, which {self.server} names, is not in '{self.folder}'. "
                    "Where several machines answer, the setting shared says where its files are; "
                    "else run: python -m app build --force"
                )
            return folder
        if not folder.is_dir():
            self._fetch(folder, self.shared)
        return folder

    def _fetch(self, folder: Path, shared: Shared) -> None:
        from filelock import FileLock

        try:
            self._snapshots.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "fetch.lock", is_singleton=False):
                if not folder.is_dir():
                    text = shared.manifest(folder.name)
                    files = parse_manifest(folder.name, text).files
                    aside = self.folder / "fetching"
                    shutil.rmtree(aside, ignore_errors=True)
                    free = shutil.disk_usage(self.folder).free
                    if free < sum(size for size, _ in files.values()):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    shared.fetch(folder.name, text, files, aside)
                    aside.rename(folder)
                    self._forget()
        except OSError as error:
            raise StoreError(
                f"Snapshot {folder.name} cannot be fetched to '{self.folder}': "
                f"{error.strerror or error}. Make room or choose another store."
            ) from error

    def _forget(self) -> None:
        """Remove from this machine what the shared place no longer has."""
        names = self._names()
        for folder in self._snapshots.glob("*"):
            with contextlib.suppress(IndexDamagedError, IndexMismatchError):
                if folder.name not in names and read_manifest(folder).recipe.vectors == IN_MILVUS:
                    shutil.rmtree(folder, ignore_errors=True)

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
            # Never point at what cannot be opened.
            Snapshot(self._at_hand(to), server=self.server)
            self._point_to(to)
            self._rest({to, current})
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
    def building(self, *, take_over: bool = False) -> Iterator[Path]:
        """A new folder to build a snapshot in; call with the lock held.

        What an earlier build left behind when it was killed is removed first. The folder is
        removed if the build fails. ``take_over`` allows to replace what another store published.

        Raises:
            EngineError: the server's alias is another store's.
        """
        self.sweep()
        self._aside.mkdir(parents=True)
        if self.server is not None:
            self._clear(self.server, take_over)
        try:
            yield self._aside
        finally:
            self.sweep()

    def sweep(self) -> None:
        """Remove what a build that was killed has left here; call with the lock held."""
        shutil.rmtree(self._aside, ignore_errors=True)

    def _clear(self, server: Milvus, take_over: bool) -> None:
        names, current = self._names(), server.current()
        if not take_over and current is not None and current not in names:
            where = f"'{self.shared.url}'" if self.shared else f"'{self.folder}'"
            raise EngineError(
                f"In {server} '{server.name}' is snapshot {current}, which is not in {where}: "
                "another store has published it. Choose another milvus_name, or set shared to "
                "the place of that store; to replace it, run: python -m app build --force"
            )
        if self.shared is not None:
            for name in self.shared.remains():
                self.shared.remove(name)
        for name in server.kept() - names:
            server.drop(name)

    def seal(self, folder: Path) -> Sealed:
        """Flush the files of a filled folder to the disk; they get their checksums and a name."""
        files = {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            files[path.relative_to(folder).as_posix()] = (path.stat().st_size, digest)
        return Sealed(self._next_id(files), files)

    def publish(self, folder: Path, sealed: Sealed, **facts: Any) -> Manifest:
        """Make a sealed folder the current snapshot, for all readers at once.

        ``facts`` are the manifest's fields that only the build knows. Older snapshots than are to
        be kept are removed.
        """
        parent = None
        with contextlib.suppress(IndexDamagedError):
            parent = self.current()
        manifest = Manifest(
            id=sealed.id,
            parent=parent,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            files=sealed.files,
            **facts,
        )
        _write_durably(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))
        for inner in [path for path in folder.rglob("*") if path.is_dir()]:
            _sync_folder(inner)
        _sync_folder(folder)
        self._snapshots.mkdir(exist_ok=True)
        folder.rename(self._snapshots / manifest.id)
        _sync_folder(self._snapshots)
        if self.shared is not None:
            self.shared.put(self._snapshots / manifest.id, manifest.id, manifest.files)
        self._point_to(manifest.id)
        self._prune({manifest.id, parent})
        return manifest

    def _next_id(self, files: dict[str, tuple[int, str]]) -> str:
        """Numbers go up whatever the clock says; the hash tells two stores' snapshots apart."""
        there = self._names() | {folder.name for folder in self._snapshots.glob("*")}
        there |= self.server.kept(patient=True) if self.server else set()
        numbers = [name.split("-")[0] for name in there]
        number = max([int(name) for name in numbers if name.isdigit()], default=0) + 1
        content = hashlib.sha256(json.dumps(files).encode()).hexdigest()
        return f"{number:06d}-{content[:8]}"

    def _point_to(self, name: str) -> None:
        if self.server is not None:
            self.server.point_to(name)
            return
        try:
            _write_durably(self.folder / CURRENT, name + "\n")
        except OSError as error:
            raise StoreError(f"'{self.folder / CURRENT}' cannot be written: {error}.") from error

    def _prune(self, needed: set[str | None]) -> None:
        # What cannot be removed now the next build will remove; this one is done.
        with contextlib.suppress(EngineError, IndexDamagedError):
            names = sorted(self._names())
            others = [name for name in names if name not in needed]
            for name in others[: max(0, len(names) - self.keep)]:
                self._remove(name)
            if self.shared is not None:
                self._forget()
        self._rest(needed)

    def _remove(self, name: str) -> None:
        if self.shared is not None:
            self.shared.remove(name)
        if self.server is not None and name in self.server.kept():
            self.server.drop(name)
        shutil.rmtree(self._snapshots / name, ignore_errors=True)

    def _rest(self, needed: set[str | None]) -> None:
        """Let the server keep in memory only what answers, and what may still be asked."""
        if self.server is not None:
            with contextlib.suppress(EngineError, IndexDamagedError):
                self.server.rest({name for name in needed if name})

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
