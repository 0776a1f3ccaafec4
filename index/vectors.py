"""Nearest passages by vector: the ``VectorIndex`` protocol and its FAISS implementation.

Vectors are unit vectors, so the inner product is the cosine. Row *i* is passage *i*. All vectors
are kept in half precision in one memory-mapped file. While they are few, a question is compared
with each; past that, with those of the nearest clusters, on one byte a number, and the best of
these again with the vectors as they are kept.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexDamagedError
from index.filters import Filter

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

VECTORS, CLUSTERS = "vectors.faiss", "clusters.faiss"

EXACT_UP_TO = 250_000
"""Passages up to which every vector is compared: some 6 ms for a question on one core."""

_FEWEST = 1_000  # fewer vectors than this cannot be clustered in any useful way
_AIM = 0.98
_MOST_PROBES = 1 / 4  # of the clusters; past that, comparing every vector is as quick
_RERANKED = 2  # candidates for each result
_TRAINING = 48  # vectors for each cluster
_BLOCK = 65_536  # vectors that are in memory at once


@dataclass(frozen=True, slots=True)
class Nearest:
    """How the nearest vectors are found: ``kind`` is ``"exact"``, ``"HNSW"`` (the graph of a
    server) or a FAISS factory string.

    ``recall`` is the share of the true ten nearest passages found, over ``queries`` vectors that
    were neither in the index nor used to choose ``probes``, the clusters that are looked into or
    the candidates that the graph keeps.
    """

    kind: str = "exact"
    probes: int = 0
    recall: float = 1.0
    queries: int = 0


EXACT = Nearest()


class VectorIndex(Protocol):
    """What a vector engine must offer: search by vector, scores of given rows, and its size."""

    def __len__(self) -> int: ...

    def search(
        self,
        query: Floats,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        only: Filter | None = None,
    ) -> tuple[Rows, Floats]:
        """The ``k`` rows of highest cosine to ``query`` ``(d,)``, best first, with the cosines.

        ``allowed`` ``(n,)`` says which rows may be among them. ``only`` is the filter that these
        come from, if they do, for an engine that knows the documents itself.
        """

    def score(self, query: Floats, rows: Sequence[int] | Rows) -> Floats:
        """The cosine of ``query`` ``(d,)`` to each of ``rows``."""


class FaissIndex:
    """Search over all vectors with FAISS; safe to share between threads."""

    def __init__(self, stored: Any, clusters: Any = None) -> None:
        self._stored = stored
        self._clusters = clusters

    @classmethod
    def empty(cls, dimension: int) -> FaissIndex:
        """An index without vectors yet."""
        import faiss

        half = faiss.ScalarQuantizer.QT_fp16
        return cls(faiss.IndexScalarQuantizer(dimension, half, faiss.METRIC_INNER_PRODUCT))

    def add(self, vectors: NDArray[np.floating]) -> None:
        """Append vectors ``(n, d)`` as the next rows; they are brought to unit length."""
        rows = vectors.astype(np.float32)
        self._stored.add(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    def cluster(self, queries: Floats) -> Nearest:
        """Search approximately from now on; say how, and how well it finds what exact search does.

        Half of ``queries`` ``(q, d)`` choose how many clusters are looked into, the other half
        measure. Vectors are clustered (IVF) and coded in one byte a number (SQ8). An index that
        is too small stays exact.
        """
        import faiss

        size = len(self)
        if size < _FEWEST:
            return EXACT
        faiss.omp_set_num_threads(os.cpu_count() or 1)
        lists = min(2 ** round(math.log2(4 * math.sqrt(size))), size // _TRAINING)
        kind = f"IVF{lists},SQ8"
        clusters: Any = faiss.index_factory(self.dimension, kind, faiss.METRIC_INNER_PRODUCT)
        clusters.cp.max_points_per_centroid = _TRAINING
        clusters.cp.niter = 10
        choice = np.random.default_rng(0).choice(size, lists * _TRAINING, replace=False)
        clusters.train(self._stored.reconstruct_batch(np.sort(choice)))
        nearest = faiss.ResultHeap(len(queries), 10, keep_max=True)
        for start in range(0, size, _BLOCK):
            block = self._stored.reconstruct_n(start, min(_BLOCK, size - start))
            clusters.add(block)
            scores, rows = faiss.knn(queries, block, 10, metric=faiss.METRIC_INNER_PRODUCT)
            nearest.add_result(scores, rows + start)
        nearest.finalize()
        exact: Rows = nearest.I
        self._clusters = clusters
        chosen, measured = np.arange(0, len(queries), 2), np.arange(1, len(queries), 2)
        clusters.nprobe = 8
        while clusters.nprobe < lists * _MOST_PROBES:
            clusters.nprobe *= 2
            if self._recall(queries[chosen], exact[chosen]) >= _AIM:
                break
        recall = self._recall(queries[measured], exact[measured])
        return Nearest(kind, clusters.nprobe, recall, len(measured))

    def _recall(self, queries: Floats, exact: Rows) -> float:
        found = [self.search(query, 10)[0] for query in queries]
        shared = [len(np.intersect1d(*pair)) for pair in zip(found, exact, strict=True)]
        return sum(shared) / max(1, exact.size)

    @classmethod
    def load(cls, folder: Path, *, held: bool = False) -> FaissIndex:
        """Open an index that ``save`` wrote, memory-mapped or, if it is ``held``, in memory.

        Raises:
            IndexDamagedError: a file is missing or is no FAISS index.
        """
        import faiss

        try:
            stored = faiss.read_index(str(folder / VECTORS), 0 if held else faiss.IO_FLAG_MMAP_IFC)
            path = folder / CLUSTERS
            return cls(stored, faiss.read_index(str(path)) if path.exists() else None)
        except (RuntimeError, MemoryError) as error:
            raise IndexDamagedError(
                f"'{VECTORS}' is no readable FAISS index. Run: python -m app build"
            ) from error

    def save(self, folder: Path) -> None:
        """Write the index into a folder.

        Raises:
            OSError: a file cannot be written.
        """
        import faiss

        try:
            faiss.write_index(self._stored, str(folder / VECTORS))
            if self._clusters is not None:
                faiss.write_index(self._clusters, str(folder / CLUSTERS))
        except RuntimeError as error:
            raise OSError(f"FAISS cannot write into '{folder}': {error}") from error

    def __len__(self) -> int:
        return int(self._stored.ntotal)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self._stored.d)

    def search(
        self,
        query: Floats,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        only: Filter | None = None,  # noqa: ARG002 the rows say it
    ) -> tuple[Rows, Floats]:
        """The ``k`` rows of highest cosine to ``query`` ``(d,)``, best first, with the cosines.

        ``allowed`` ``(n,)`` says which rows may be among them.
        """
        import faiss

        # One question is quickest on one core, and leaves the others to other questions.
        faiss.omp_set_num_threads(1)
        k = min(k, len(self))
        chosen: dict[str, Any] = {}
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            selector: Any = faiss.IDSelectorBitmap  # its stubs know the C++ signature only
            chosen["sel"] = selector(bits)
        if self._clusters is None:
            params = faiss.SearchParameters(**chosen) if chosen else None
            scores, rows = self._stored.search(query[np.newaxis, :], k, params=params)
            there = rows[0] >= 0
            return rows[0][there], scores[0][there]
        most = min(max(_RERANKED * k, 100), len(self))
        params = None
        if allowed is not None:
            # Few may be left in the clusters that are looked into as a rule: look into more.
            share = max(float(allowed.mean()), 1 / len(self))
            probes = min(self._clusters.nlist, int(self._clusters.nprobe / share) + 1)
            parameters: Any = faiss.SearchParametersIVF
            params = parameters(nprobe=probes, **chosen)
        rows = self._clusters.search(query[np.newaxis, :], most, params=params)[1][0]
        rows = rows[rows >= 0]
        scores = self.score(query, rows)
        best = np.lexsort((rows, -scores))[:k]
        return rows[best], scores[best]

    def score(self, query: Floats, rows: Sequence[int] | Rows) -> Floats:
        """The cosine of ``query`` ``(d,)`` to each of ``rows``."""
        return self.vectors(rows) @ query

    def vectors(self, rows: Sequence[int] | Rows) -> Floats:
        """The vectors of ``rows``, ``(n, d)``."""
        found: Floats = self._stored.reconstruct_batch(np.asarray(rows, dtype=np.int64))
        return found
