"""The caches: what was once made of a text or a file is not made again.

SQLite files beside the snapshots. Losing one costs time, never data; it may be deleted. What is
damaged in it is unknown, never used.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.float16]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cache (
    kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)
);
"""
_ASK_AT_ONCE = 500  # SQLite's oldest limit on parameters is 999
_CHECKSUM = 4  # bytes after each value, which SQLite itself would not prove


class Cache:
    """Bytes by key, of one kind. One writer at a time: the build that holds the lock.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self._path = path
        self._kind = kind
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            raise OSError(f"The cache '{self._path.name}' cannot be opened: {error}") from error
        except sqlite3.DatabaseError:
            self._remove()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path)
        try:
            connection.executescript("PRAGMA journal_mode = WAL;" + _SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _begin_anew(self) -> None:
        """Drop a damaged cache: that is only lost time."""
        self._connection.close()
        self._remove()
        self._connection = self._open()

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The values of those keys that are known."""
        try:
            return self._get(keys)
        except sqlite3.DatabaseError:
            self._begin_anew()
            return {}

    def _get(self, keys: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), _ASK_AT_ONCE):
            part = keys[start : start + _ASK_AT_ONCE]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                f"SELECT key, value FROM cache WHERE kind = ? AND key IN ({marks})",  # noqa: S608
                (self._kind, *part),
            )
            for key, blob in rows:
                data, checksum = blob[:-_CHECKSUM], blob[-_CHECKSUM:]
                if _checksum(data) == checksum:
                    found[key] = data
        return found

    def known(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a value."""
        try:
            rows = self._connection.execute("SELECT key FROM cache WHERE kind = ?", (self._kind,))
            return {key for (key,) in rows}.intersection(keys)
        except sqlite3.DatabaseError:
            self._begin_anew()
            return set()

    def put(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Remember values; what is written survives a killed process.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        rows = [(self._kind, key, value + _checksum(value)) for key, value in items]
        try:
            self._put(rows)
        except sqlite3.OperationalError as error:
            reason = f"The cache '{self._path.name}' cannot be written: {error}"
            raise OSError(reason) from error
        except sqlite3.DatabaseError:
            self._begin_anew()
            self._put(rows)

    def _put(self, rows: list[tuple[str, str, bytes]]) -> None:
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO cache VALUES (?, ?, ?)", rows)

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all others."""
        with contextlib.suppress(sqlite3.DatabaseError), self._connection:
            self._connection.execute("CREATE TEMP TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY)")
            self._connection.execute("DELETE FROM kept")
            rows = ((key,) for key in keys)
            self._connection.executemany("INSERT OR IGNORE INTO kept VALUES (?)", rows)
            self._connection.execute("DELETE FROM cache WHERE key NOT IN (SELECT key FROM kept)")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class VectorCache(Cache):
    """Vectors by the hash of their text, for one model."""

    def __init__(self, path: Path, model: str, dimension: int) -> None:
        super().__init__(path, model)
        self.dimension = dimension

    def vectors(self, keys: Sequence[str]) -> dict[str, Halves]:
        """The vectors of those texts that are known, each ``(1 + sentences, d)``."""
        return {
            key: np.frombuffer(value, np.float16).reshape(-1, self.dimension)
            for key, value in self.get(keys).items()
        }

    def put_vectors(self, items: Iterable[tuple[str, Halves]]) -> None:
        """Remember vectors; raises as ``put`` does."""
        self.put((key, vectors.tobytes()) for key, vectors in items)


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM, "little")
