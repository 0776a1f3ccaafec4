"""Snapshots in a place that many machines reach: a folder, or object storage, named by a URL.

All of a snapshot but its passages' vectors is files that never change; they are put here by the
build and fetched by each server that lacks them. The manifest is written last, so what has one is
whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from index.errors import EngineError, EngineUnreachableError, IndexDamagedError, MissingExtraError

MANIFEST = "manifest.json"
_NAME = re.compile(r"\d{6,}-[0-9a-f]{8}")  # as the store makes them; all else is not ours


class Shared:
    """The place at ``url``, as fsspec understands it. Making one connects to nothing.

    All methods raise these:

    Raises:
        MissingExtraError: what speaks to such a place is not installed.
        EngineUnreachableError: it cannot be reached, read or written.
        EngineError: there is no such kind of place.
    """

    def __init__(self, url: str) -> None:
        self.url = re.sub(r"//[^/]*@", "//", url)
        """The place, without a password."""
        self._url = url

    def snapshots(self) -> set[str]:
        """The names of those that are whole."""
        return {name for name in self._names() if self._has(f"{name}/{MANIFEST}")}

    def manifest(self, snapshot: str) -> str:
        """The text of a snapshot's manifest.

        Raises:
            IndexDamagedError: it is not there, or no text.
        """
        if not self._has(f"{snapshot}/{MANIFEST}"):
            raise IndexDamagedError(
                f"Snapshot {snapshot} is not in '{self.url}'. Run: python -m app build"
            )
        content = bytes(self._do("cat_file", self._at(f"{snapshot}/{MANIFEST}")))
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise IndexDamagedError(
                f"The manifest of snapshot {snapshot} in '{self.url}' cannot be read ({error}). "
                "Run: python -m app build"
            ) from error

    def put(self, folder: Path, snapshot: str, files: Iterable[str]) -> None:
        """Copy a finished snapshot there: its files, and the manifest that names them."""
        for name in [*files, MANIFEST]:
            target = self._at(f"{snapshot}/{name}")
            self._do("makedirs", target.rpartition("/")[0], exist_ok=True)
            self._do("put_file", str(folder / name), target)

    def fetch(
        self, snapshot: str, text: str, files: Mapping[str, tuple[int, str]], aside: Path
    ) -> None:
        """Copy a snapshot into a new folder, and prove each file by its checksum.

        ``text`` is its manifest, ``files`` those that it names, as ``Manifest`` has them.

        Raises:
            IndexDamagedError: a file is not what was written.
        """
        aside.mkdir(parents=True)
        for name, (_, expected) in files.items():
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._do("get_file", self._at(f"{snapshot}/{name}"), str(path))
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    raise IndexDamagedError(
                        f"'{name}' of snapshot {snapshot} in '{self.url}' is not what was written. "
                        "Run: python -m app build --force"
                    )
        (aside / MANIFEST).write_text(text, encoding="utf-8")

    def remove(self, snapshot: str) -> None:
        """Remove a snapshot, its manifest first, so that nobody begins to fetch it."""
        if self._has(f"{snapshot}/{MANIFEST}"):
            self._do("rm_file", self._at(f"{snapshot}/{MANIFEST}"))
        if self._has(snapshot):
            self._do("rm", self._at(snapshot), recursive=True)

    def remains(self) -> set[str]:
        """The names of what a build that was killed has left."""
        return self._names() - self.snapshots()

    def _names(self) -> set[str]:
        if not self._has(""):
            return set()
        paths = self._do("ls", self._at(""), detail=False)
        names = {str(path).rstrip("/").rpartition("/")[2] for path in paths}
        return {name for name in names if _NAME.fullmatch(name)}

    def _has(self, path: str) -> bool:
        self._do("invalidate_cache")
        return bool(self._do("exists", self._at(path)))

    def _at(self, path: str) -> str:
        return f"{self._place[1]}/{path}".rstrip("/")

    @cached_property
    def _place(self) -> tuple[Any, str]:
        try:
            import fsspec

            files, root = fsspec.core.url_to_fs(self._url)
        except ImportError as error:
            raise MissingExtraError(
                f"The setting shared = '{self.url}' needs one package more: {error}"
            ) from error
        except ValueError as error:
            raise EngineError(f"The setting shared = '{self.url}': {error}.") from error
        except Exception as error:  # some kinds connect at once
            raise self._unusable(error) from error
        return files, str(root).rstrip("/")

    def _do(self, method: str, *paths: str, **named: Any) -> Any:
        work = getattr(self._place[0], method)
        try:
            return work(*paths, **named)
        except Exception as error:  # each kind of storage has errors of its own
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> EngineUnreachableError:
        reason = str(error) or type(error).__name__
        return EngineUnreachableError(f"The shared place '{self.url}' cannot be used: {reason}.")
