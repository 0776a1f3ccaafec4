"""Search in the collection of one snapshot in a Milvus server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexDamagedError
from index.filters import Filter
from index.pushed import expression, expression_of_rows
from index.vectors import Floats, Nearest, Rows

COPIES = "copies"  # the partition of passages in further documents
FIRST = "_default"  # Milvus' own name for the partition of all others
MOST = 16_384
"""Results of one search, by the server's limit."""

_AIM = 0.99  # of half of the questions; the other half may find somewhat less
_WIDEST = 1024  # candidates that a search in the graph may keep


class Source(Protocol):
    """Where the vectors of a new collection come from."""

    def __len__(self) -> int: ...

    def vectors(self, rows: Sequence[int] | Rows) -> Floats:
        """The vectors of ``rows``, ``(n, d)``."""


class Server(Protocol):
    """What answers."""

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Ask the server."""


class MilvusIndex:
    """Search in the collection of one snapshot; safe to share between threads."""

    def __init__(
        self,
        server: Server,
        collection: str,
        size: int,
        nearest: Nearest,
        authors: Callable[[], Sequence[str]],
    ) -> None:
        self.collection = collection
        self.nearest = nearest
        self._server = server
        self._size = size
        self._width = nearest.probes
        self._find_authors = authors

    def __len__(self) -> int:
        return self._size

    def search(
        self,
        query: Floats,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        only: Filter | None = None,
    ) -> tuple[Rows, Floats]:
        """The ``k`` rows of highest cosine to ``query`` ``(d,)``, best first, with the cosines.

        What ``only`` asks for is sent to the server; without it the rows that are ``allowed``
        ``(n,)`` are. More than some thousand results cannot be had.
        """
        k = min(k, self._size, MOST)
        if not only:
            where = "" if allowed is None else expression_of_rows(allowed)
            return self._search(query, k, where, [FIRST])
        where = expression(only, self._authors)
        wanted = k
        while True:
            keys, scores = self._search(query, wanted, where, [FIRST, COPIES])
            # One passage may stand in several documents that are asked for.
            rows, first = np.unique(keys % self._size, return_index=True)
            if len(rows) >= k or len(keys) < wanted or wanted == MOST:
                order = np.lexsort((rows, -scores[first]))[:k]
                return rows[order], scores[first][order]
            wanted = min(4 * wanted, MOST)

    def score(self, query: Floats, rows: Sequence[int] | Rows) -> Floats:
        """The cosine of ``query`` ``(d,)`` to each of ``rows``."""
        asked = np.asarray(rows, dtype=np.int64)
        wanted, inverse = np.unique(asked, return_inverse=True)
        found = np.zeros(len(wanted), dtype=np.float32)
        for start in range(0, len(wanted), MOST):
            some = wanted[start : start + MOST]
            keys, scores = self._search(query, len(some), f"key in {some.tolist()}", [FIRST])
            if len(keys) < len(some):  # a search in the graph may miss some
                missed = np.setdiff1d(some, keys)
                keys = np.concatenate([keys, missed])
                scores = np.concatenate([scores, self.vectors(missed) @ query])
            found[np.searchsorted(wanted, keys)] = scores
        return found[inverse]

    def vectors(self, rows: Sequence[int] | Rows) -> Floats:
        """The vectors of ``rows``, ``(n, d)``."""
        keys = np.asarray(rows, dtype=np.int64).tolist()
        found = self._server.call(
            "query", self.collection, ids=keys, output_fields=["key", "vector"]
        )
        by_key = {one["key"]: one["vector"] for one in found}
        try:
            return np.array([by_key[key] for key in keys], dtype=np.float32)
        except KeyError as error:
            raise IndexDamagedError(
                f"'{self.collection}' in {self._server} has no passage {error}. "
                "Run: python -m app build"
            ) from None

    def tune(self, source: Source, queries: Floats) -> Nearest:
        """Choose how many candidates a search keeps, and measure how well it finds the nearest."""
        exact = _nearest(source, queries, 10)
        chosen, measured = np.arange(0, len(queries), 2), np.arange(1, len(queries), 2)
        self._width = 16
        while self._width < _WIDEST:
            self._width *= 2
            if self._recall(queries[chosen], exact[chosen]) >= _AIM:
                break
        recall = self._recall(queries[measured], exact[measured])
        return Nearest("HNSW", self._width, recall, len(measured))

    def _recall(self, queries: Floats, exact: Rows) -> float:
        found = [self.search(query, 10)[0] for query in queries]
        shared = [len(np.intersect1d(*pair)) for pair in zip(found, exact, strict=True)]
        return sum(shared) / max(1, exact.size)

    @cached_property
    def _authors(self) -> Sequence[str]:
        return self._find_authors()

    def _search(
        self, query: Floats, k: int, where: str, partitions: list[str]
    ) -> tuple[Rows, Floats]:
        if not k:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters = {"ef": min(max(self._width, 2 * k), 32_768)} if self._width else {}
        found = self._server.call(
            "search",
            self.collection,
            data=[query],
            limit=k,
            filter=where,
            partition_names=partitions,
            search_params={"metric_type": "IP", "params": parameters},
            consistency_level="Bounded",
        )[0]
        keys = np.array(found.ids, dtype=np.int64)
        scores = np.array(found.distances, dtype=np.float32)
        order = np.lexsort((keys, -scores))
        return keys[order], scores[order]


def _nearest(source: Source, queries: Floats, k: int) -> Rows:
    """The ``k`` nearest rows to each query, by comparing each vector, ``(q, k)``."""
    rows = np.empty((len(queries), 0), np.int64)
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(source), 65_536):
        some = np.arange(start, min(start + 65_536, len(source)))
        scores = np.hstack([best, queries @ source.vectors(some).T])
        known = np.hstack([rows, np.tile(some, (len(queries), 1))])
        top = np.argpartition(-scores, min(k, scores.shape[1]) - 1)[:, :k]
        rows = np.take_along_axis(known, top, 1)
        best = np.take_along_axis(scores, top, 1)
    return rows
