"""The vector cache: what a model once made of a text is never computed again.

A SQLite file beside the snapshots. Losing it costs time, never data; it may be deleted.
"""

from __future__ import annotations

import sqlite3
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


class VectorCache:
    """Vectors by (model hash, text hash). One writer at a time: the build that holds the lock."""

    def __init__(self, path: Path, model: str, dimension: int) -> None:
        self._path = path
        self._model = model
        self._dimension = dimension
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self._path)
            connection.executescript("PRAGMA journal_mode = WAL;" + _SCHEMA)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise OSError(f"The vector cache cannot be opened: {error}") from error
            # A damaged cache is only lost time: begin a new one.
            self._path.unlink()
            connection = sqlite3.connect(self._path)
            connection.executescript("PRAGMA journal_mode = WAL;" + _SCHEMA)
        return connection

    def get(self, keys: Sequence[str]) -> dict[str, Halves]:
        """The vectors of those texts that are known, each ``(1 + sentences, d)``."""
        found: dict[str, Halves] = {}
        for start in range(0, len(keys), _ASK_AT_ONCE):
            part = keys[start : start + _ASK_AT_ONCE]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                f"SELECT text, vectors FROM vectors WHERE model = ? AND text IN ({marks})",  # noqa: S608
                (self._model, *part),
            )
            for key, blob in rows:
                found[key] = np.frombuffer(blob, np.float16).reshape(-1, self._dimension)
        return found

    def put(self, items: Iterable[tuple[str, Halves]]) -> None:
        """Remember vectors; what is written survives a killed process.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        try:
            with self._connection:
                self._connection.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                    ((self._model, key, vectors.tobytes()) for key, vectors in items),
                )
        except sqlite3.OperationalError as error:
            raise OSError(f"The vector cache cannot be written: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
