"""The vector cache: what a model once made of a text is never computed again.

A SQLite file beside the snapshots. Losing it costs time, never data; it may be deleted. What is
damaged in it is unknown, never used.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.float16]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    model TEXT NOT NULL, text TEXT NOT NULL, vectors BLOB NOT NULL, PRIMARY KEY (model, text)
);
"""
_ASK_AT_ONCE = 500  # SQLite's oldest limit on parameters is 999
_CHECKSUM = 4  # bytes after the vectors, which SQLite itself would not prove


class VectorCache:
    """Vectors by (model hash, text hash). One writer at a time: the build that holds the lock."""

    def __init__(self, path: Path, model: str, dimension: int) -> None:
        self._path = path
        self._model = model
        self._dimension = dimension
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            raise OSError(f"The vector cache cannot be opened: {error}") from error
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

    def get(self, keys: Sequence[str]) -> dict[str, Halves]:
        """The vectors of those texts that are known, each ``(1 + sentences, d)``."""
        try:
            return self._get(keys)
        except sqlite3.DatabaseError:
            self._begin_anew()
            return {}

    def _get(self, keys: Sequence[str]) -> dict[str, Halves]:
        found: dict[str, Halves] = {}
        for start in range(0, len(keys), _ASK_AT_ONCE):
            part = keys[start : start + _ASK_AT_ONCE]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                f"SELECT text, vectors FROM vectors WHERE model = ? AND text IN ({marks})",  # noqa: S608
                (self._model, *part),
            )
            for key, blob in rows:
                data, checksum = blob[:-_CHECKSUM], blob[-_CHECKSUM:]
                if _checksum(data) == checksum:
                    found[key] = np.frombuffer(data, np.float16).reshape(-1, self._dimension)
        return found

    def put(self, items: Iterable[tuple[str, Halves]]) -> None:
        """Remember vectors; what is written survives a killed process.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        blobs = ((key, vectors.tobytes()) for key, vectors in items)
        rows = [(self._model, key, blob + _checksum(blob)) for key, blob in blobs]
        try:
            self._put(rows)
        except sqlite3.OperationalError as error:
            raise OSError(f"The vector cache cannot be written: {error}") from error
        except sqlite3.DatabaseError:
            self._begin_anew()
            self._put(rows)

    def _put(self, rows: list[tuple[str, str, bytes]]) -> None:
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM, "little")
