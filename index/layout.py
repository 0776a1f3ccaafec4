"""Where each passage lies on the map: near those that mean the same.

t-SNE (van der Maaten and Hinton, *Visualizing Data using t-SNE*, 2008) with forces by interpolation
(Linderman et al., *Fast interpolation-based t-SNE*, 2019), which openTSNE computes. It keeps
neighbours, not distances: how far apart two groups lie says little.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.vectors import FaissIndex, Floats, Rows

FEWEST = 40
"""Passages from which on there are neighbours enough for t-SNE; fewer lie by their main axes."""

MOST = 100_000
"""Passages that t-SNE lays out at once; any further ones are put among them."""

MOST_NEW = 1 / 3
"""The share of new passages from which on the map is laid out anew."""

EARLY, LATE = 75, 125  # steps, first with forces that draw groups together
STEPS = EARLY + LATE

_DIMENSIONS = (
    100  # of the vectors that are compared; nearly all that is near in all 384 is in these
)
_PERPLEXITY = 10
_ASIDE = 0.2  # how far from its neighbour a further passage is put, in places between two points
_BY_TREE = 2_000  # points up to which Barnes and Hut's tree is quicker than interpolation
_SAMPLE = 10_000  # vectors that the main axes are found in
_BLOCK = 65_536  # vectors that are in memory in full at once
_EXACT = 500_000_000  # comparisons up to which all are made


def layout(
    vectors: FaissIndex, before: Floats | None = None, advance: Callable[[int], None] | None = None
) -> Floats:
    """The place of each passage, ``(n, 2)`` in -1..1; the same vectors give the same places.

    ``before`` ``(n, 2)`` holds the places that are known, and NaN for new passages. Known ones stay
    where they are and new ones are put among them, unless too many are new (``stays``). ``advance``
    is told how many more of ``STEPS`` were done.
    """
    from threadpoolctl import threadpool_limits

    tell = advance or _tell_nobody
    # Threads of small products wait for each other: 3 s instead of .01 where cores are busy.
    with threadpool_limits(1, "blas"):
        return _layout(_reduced(vectors), before, tell)


def _layout(reduced: Floats, before: Floats | None, tell: Callable[[int], None]) -> Floats:
    if before is not None and stays(before):
        tell(STEPS)
        return _filled(reduced, before)
    if len(reduced) < FEWEST:
        tell(STEPS)
        return _spread(reduced[:, :2])
    chosen = np.arange(len(reduced))
    if len(chosen) > MOST:
        chosen = np.sort(np.random.default_rng(0).choice(len(chosen), MOST, replace=False))
    places = np.full((len(reduced), 2), np.nan, dtype=np.float32)
    places[chosen] = _spread(_tsne(reduced[chosen], tell))
    return _filled(reduced, places)


def _tell_nobody(steps: int) -> None:
    pass


def stays(before: Floats) -> bool:
    """Whether so few passages are new that the others can stay where they are."""
    return bool(np.isnan(before[:, 0]).mean() <= MOST_NEW)


def _reduced(vectors: FaissIndex) -> Floats:
    """The vectors along their main axes, ``(n, d)`` with at least two numbers each (PCA)."""
    size = len(vectors)
    rows = np.sort(np.random.default_rng(0).choice(size, min(size, _SAMPLE), replace=False))
    sample = vectors.vectors(rows)
    mean = sample.mean(axis=0)
    centred = (sample - mean).astype(np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :_DIMENSIONS]
    # An axis may point either way: its largest number is made positive.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
    axes = np.pad(axes, ((0, 0), (0, max(0, 2 - axes.shape[1])))).astype(np.float32)
    blocks = [np.arange(at, min(at + _BLOCK, size)) for at in range(0, size, _BLOCK)]
    return np.concatenate([(vectors.vectors(block) - mean) @ axes for block in blocks])


def _tsne(points: Floats, advance: Callable[[int], None]) -> NDArray[np.float64]:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    def told(*_: object) -> bool:
        advance(_EACH)
        return False  # whether to stop

    rows, distances = _others(points, min(3 * _PERPLEXITY, len(points) - 1))
    near = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(rows, distances), perplexity=_PERPLEXITY, n_jobs=-1
    )
    embedding: Any = TSNEEmbedding(
        1e-4 * _spread(points[:, :2]).astype(np.float64),
        near,
        negative_gradient_method="fft" if len(points) > _BY_TREE else "bh",
        # Wider boxes than usual: a quarter of the time, and as many neighbours are kept.
        ints_in_interval=4,
        # Most of the work cannot be shared, and threads that wait for busy cores cost time.
        n_jobs=1,
        random_state=0,
        callbacks=told,
        callbacks_every_iters=_EACH,
    )
    embedding.optimize(EARLY, exaggeration=12, momentum=0.5, inplace=True)
    embedding.optimize(LATE, momentum=0.8, inplace=True)
    return np.asarray(embedding)


_EACH = 5  # steps after which progress is told


def _others(points: Floats, k: int) -> tuple[Rows, Floats]:
    """The ``k`` nearest others of each point and how far off they are, ``(n, k)`` each."""
    rows, distances = _neighbours(points, points, k + 1)
    own = rows == np.arange(len(points))[:, np.newaxis]
    own[~own.any(axis=1), -1] = True  # among many equal points it may not be found itself
    return rows[~own].reshape(-1, k), distances[~own].reshape(-1, k)


def _neighbours(points: Floats, among: Floats, k: int) -> tuple[Rows, Floats]:
    """The ``k`` nearest of ``among`` for each point, and how far off; of many, approximately."""
    import faiss

    faiss.omp_set_num_threads(os.cpu_count() or 1)
    if len(points) * len(among) <= _EXACT:
        squares, rows = faiss.knn(points, among, k)
    else:
        lists = int(4 * len(among) ** 0.5)
        index: Any = faiss.index_factory(among.shape[1], f"IVF{lists},Flat")
        index.cp.max_points_per_centroid = 40
        index.cp.min_points_per_centroid = 1
        index.cp.niter = 8
        index.train(among)
        index.add(among)
        index.nprobe = 16
        squares, rows = index.search(points, k)
    there: Rows = np.where(rows < 0, rows[:, :1], rows)  # the lists looked into may hold fewer
    return there, np.sqrt(np.clip(np.where(rows < 0, squares[:, :1], squares), 0, None))


def _filled(points: Floats, places: Floats) -> Floats:
    """The places, those that are missing beside the nearest known passage's.

    In the middle of several neighbours they would lie between the groups that these belong to.
    """
    new = np.isnan(places[:, 0])
    if not new.any():
        return places.copy()
    known = np.flatnonzero(~new)
    known = known[:: len(known) // MOST + 1]
    rows, _ = _neighbours(points[new], points[known], 1)
    aside = np.random.default_rng(0).standard_normal((int(new.sum()), 2), np.float32)
    filled = places.copy()
    filled[new] = places[known[rows[:, 0]]] + aside * np.float32(_ASIDE * 2 / len(points) ** 0.5)
    result: Floats = np.clip(filled, -1, 1)
    return result


def _spread(places: NDArray[np.floating]) -> Floats:
    """The places moved and scaled to -1..1; all on one spot become a circle."""
    centred: NDArray[Any] = places - (places.max(axis=0) + places.min(axis=0)) / 2
    reach = np.abs(centred).max()
    if reach < 1e-6:
        turns = np.linspace(0, 2 * np.pi, len(places), endpoint=False)
        centred, reach = np.stack([np.cos(turns), np.sin(turns)], axis=1), 1.0
        centred *= len(places) > 1
    return np.asarray(centred / reach, dtype=np.float32)
