"""The vectors of all sentences, in one file: written front to back, read a few rows at a time.

They are the largest part of an index and are looked at only for candidates, so those of a large one
are not kept in memory. They are read, not mapped: a map would hold 64 kB for each row touched.
"""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexDamagedError

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Rows = NDArray[np.int64]

SENTENCES, SENTENCE_ROWS = "sentences.npy", "sentence_rows.npy"


class SentenceWriter:
    """Writes the vectors of ``total`` sentences of ``dimension`` numbers, passage by passage.

    Raises:
        OSError: the disk is full or cannot be written.
    """

    def __init__(self, folder: Path, total: int, dimension: int) -> None:
        self._folder = folder
        # From front to back: a sparse map of the file would die without a word on a full disk.
        self._file = (folder / SENTENCES).open("wb")
        head = {"descr": "<f2", "fortran_order": False, "shape": (total, dimension)}
        np.lib.format.write_array_header_1_0(self._file, head)
        self._ends = array("q", [0])

    def add(self, passages: Iterable[Halves]) -> None:
        """Append the sentences' vectors, ``(s, d)``, of each passage."""
        for vectors in passages:
            self._file.write(vectors.astype("<f2").tobytes())
            self._ends.append(self._ends[-1] + len(vectors))

    def close(self) -> None:
        """Make the files complete."""
        self._file.close()
        np.save(self._folder / SENTENCE_ROWS, np.frombuffer(self._ends, dtype=np.int64))


class SentenceVectors:
    """Reads what a ``SentenceWriter`` wrote, from memory if it is ``held``; safe for threads.

    Raises:
        IndexDamagedError: a file is missing or unreadable, or the two do not fit together.
    """

    def __init__(self, folder: Path, *, held: bool = False) -> None:
        mode: Literal["r"] | None = None if held else "r"
        try:
            stored = np.load(folder / SENTENCES, mmap_mode=mode)
            self.rows: Rows = np.load(folder / SENTENCE_ROWS, mmap_mode=mode)
            self._file = os.open(folder / SENTENCES, os.O_RDONLY)
        except (OSError, ValueError) as error:
            raise IndexDamagedError(
                f"The sentence vectors cannot be read: {error}. Run: python -m app build"
            ) from error
        weakref.finalize(self, os.close, self._file)
        if stored.ndim != 2 or stored.dtype != np.float16 or self.rows[-1] != len(stored):
            raise IndexDamagedError(
                f"'{SENTENCES}' and '{SENTENCE_ROWS}' do not fit together. Run: python -m app build"
            )
        self._held = stored if held else None
        self._begin = 0 if held else stored.offset
        self.dimension = stored.shape[1]

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self.rows) - 1

    def of(self, passages: Rows) -> tuple[Halves, Rows]:
        """The vectors of the sentences of some passages, ``(s, d)``, and where each begins.

        Those of ``passages[i]`` are rows ``begins[i]`` to ``begins[i + 1]``.
        """
        first, last = self.rows[passages], self.rows[passages + 1]
        begins: Rows = np.concatenate([[0], np.cumsum(last - first)])
        if self._held is not None:
            rows = [self._held[start:end] for start, end in zip(first, last, strict=True)]
            return np.concatenate(rows or [self._held[:0]]), begins
        width = 2 * self.dimension
        places = (self._begin + width * first).tolist()
        sizes = (width * (last - first)).tolist()
        content = b"".join(map(os.pread, repeat(self._file), sizes, places))
        if len(content) != sum(sizes):
            raise IndexDamagedError(f"'{SENTENCES}' is too short. Run: python -m app build")
        return np.frombuffer(content, "<f2").reshape(-1, self.dimension), begins

    def scores(self, query: Floats, passages: Rows) -> tuple[Floats, Rows]:
        """The cosines of ``query`` ``(d,)`` to the sentences of some passages, and the begins."""
        vectors, begins = self.of(passages)
        scores: Floats = vectors.astype(np.float32) @ query
        return scores, begins
