"""Nearest passages by vector: the ``VectorIndex`` protocol and its FAISS implementation.

Vectors are unit vectors, so the inner product is the cosine. Row *i* is passage *i*.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexDamagedError

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class VectorIndex(Protocol):
    """What a vector engine must offer: search by vector, scores of given rows, and its size."""

    def __len__(self) -> int: ...

    def search(self, query: Floats, k: int) -> tuple[Rows, Floats]:
        """The ``k`` rows of highest cosine to ``query`` ``(d,)``, best first, with the cosines."""

    def score(self, query: Floats, rows: Sequence[int] | Rows) -> Floats:
        """The cosine of ``query`` ``(d,)`` to each of ``rows``."""


class FaissIndex:
    """Exact search over all vectors with FAISS (``IndexFlatIP``)."""

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def empty(cls, dimension: int) -> FaissIndex:
        """An index without vectors yet."""
        import faiss

        return cls(faiss.IndexFlatIP(dimension))

    def add(self, vectors: NDArray[np.floating]) -> None:
        """Append vectors ``(n, d)`` as the next rows; they are brought to unit length."""
        rows = vectors.astype(np.float32)
        self._index.add(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    @classmethod
    def load(cls, path: Path) -> FaissIndex:
        """Read an index that ``save`` wrote.

        Raises:
            IndexDamagedError: the file is missing or is no FAISS index.
        """
        import faiss

        try:
            return cls(faiss.read_index(str(path)))
        except (RuntimeError, MemoryError) as error:
            raise IndexDamagedError(
                f"'{path.name}' is no readable FAISS index. Run: python -m app build"
            ) from error

    def save(self, path: Path) -> None:
        """Write the index to one file.

        Raises:
            OSError: the file cannot be written.
        """
        import faiss

        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:
            raise OSError(f"FAISS cannot write '{path}': {error}") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self._index.d)

    def search(self, query: Floats, k: int) -> tuple[Rows, Floats]:
        """The ``k`` rows of highest cosine to ``query`` ``(d,)``, best first, with the cosines."""
        import faiss

        # One question is quickest on one core, and leaves the others to other questions.
        faiss.omp_set_num_threads(1)
        scores, rows = self._index.search(query[np.newaxis, :], min(k, len(self)))
        return rows[0], scores[0]

    def score(self, query: Floats, rows: Sequence[int] | Rows) -> Floats:
        """The cosine of ``query`` ``(d,)`` to each of ``rows``."""
        vectors: Floats = self._index.reconstruct_batch(np.asarray(rows, dtype=np.int64))
        return vectors @ query
