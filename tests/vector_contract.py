"""What every ``VectorIndex`` keeps to, exact or approximate, in files or in a server.

A class of tests for an engine derives from these and says how its index is made.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from index.vectors import VectorIndex

SIZE, DIMENSION = 1200, 64
ALMOST = 2e-3  # half precision

Make = Callable[[np.ndarray], VectorIndex]


def unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, dtype=np.float32)


def noise(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION))
    return unit(vectors.astype(np.float32))


# Sixty topics of twenty passages each, and questions that lie near some passage, as they do.
VECTORS = unit(np.repeat(noise(60, 0), 20, axis=0) + 0.7 * noise(SIZE, 1))
QUERIES = unit(VECTORS[::30] + 0.6 * noise(40, 2))


class Contract:
    """``either`` is a fixture: an index of ``VECTORS``."""

    def test_it_knows_its_size(self, either: VectorIndex) -> None:
        assert len(either) == SIZE

    def test_row_i_is_row_i(self, either: VectorIndex) -> None:
        for row in range(0, SIZE, 37):
            rows, scores = either.search(VECTORS[row], 1)
            assert rows.tolist() == [row]
            assert scores == pytest.approx([1], abs=ALMOST)

    def test_the_best_come_first_with_their_cosines(self, either: VectorIndex) -> None:
        for query in QUERIES[:10]:
            rows, scores = either.search(query, 20)
            assert len(set(rows.tolist())) == len(rows) == 20
            assert (np.diff(scores) <= 0).all()
            assert scores == pytest.approx(VECTORS[rows] @ query, abs=ALMOST)

    def test_it_finds_what_comparing_with_every_vector_finds(self, either: VectorIndex) -> None:
        shared = [
            len(np.intersect1d(either.search(query, 10)[0], np.argsort(-(VECTORS @ query))[:10]))
            for query in QUERIES
        ]
        assert sum(shared) >= 0.9 * 10 * len(QUERIES)

    def test_scores_are_the_cosines_of_the_rows_that_were_asked_for(
        self, either: VectorIndex
    ) -> None:
        rows = [SIZE - 1, 0, 17, 17]
        expected = VECTORS[rows] @ QUERIES[0]
        assert either.score(QUERIES[0], rows) == pytest.approx(expected, abs=ALMOST)
        assert either.score(QUERIES[0], np.array(rows)) == pytest.approx(expected, abs=ALMOST)

    def test_a_row_scores_the_same_whether_found_or_asked_for(self, either: VectorIndex) -> None:
        rows, scores = either.search(QUERIES[1], 15)
        assert either.score(QUERIES[1], rows) == pytest.approx(scores, abs=1e-5)

    def test_no_rows_have_no_scores(self, either: VectorIndex) -> None:
        assert either.score(QUERIES[0], []).shape == (0,)

    @pytest.mark.parametrize("step", [7, 400], ids=["many", "few"])
    def test_allowed_rows_only_and_the_best_of_them(self, either: VectorIndex, step: int) -> None:
        allowed = np.zeros(SIZE, dtype=bool)
        allowed[::step] = True
        there = np.flatnonzero(allowed)
        for query in QUERIES[:10]:
            rows, scores = either.search(query, 10, allowed)
            assert allowed[rows].all()
            assert len(rows) == min(10, len(there))
            assert scores[0] == pytest.approx((VECTORS[there] @ query).max(), abs=ALMOST)

    def test_a_stretch_of_allowed_rows_is_searched_too(self, either: VectorIndex) -> None:
        allowed = (np.arange(SIZE) >= 1000) & (np.arange(SIZE) < 1050)
        rows, _ = either.search(VECTORS[3], 60, allowed)
        assert sorted(rows.tolist()) == list(range(1000, 1050))

    def test_where_nothing_is_allowed_nothing_is_found(self, either: VectorIndex) -> None:
        assert either.search(QUERIES[0], 5, np.zeros(SIZE, dtype=bool))[0].tolist() == []


class SmallContract:
    """``make`` is a fixture: what makes an index of some vectors."""

    def test_more_than_there_are_gives_all(self, make: Make) -> None:
        rows, scores = make(VECTORS[:3]).search(VECTORS[2], 10)
        assert rows[0] == 2
        assert sorted(rows.tolist()) == [0, 1, 2]
        assert len(scores) == 3

    def test_vectors_are_brought_to_unit_length(self, make: Make) -> None:
        index = make(VECTORS[:4] * np.array([[1], [50], [0.02], [3]]))
        assert index.score(VECTORS[1], [1])[0] == pytest.approx(1, abs=ALMOST)
        assert index.score(VECTORS[2], [2])[0] == pytest.approx(1, abs=ALMOST)
