"""What every ``VectorIndex`` keeps to, exact or approximate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.errors import IndexDamagedError
from index.vectors import FaissIndex

SIZE, DIMENSION = 1200, 64
ALMOST = 2e-3  # half precision


def unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, dtype=np.float32)


def noise(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION))
    return unit(vectors.astype(np.float32))


# Sixty topics of twenty passages each, and questions that lie near some passage, as they do.
VECTORS = unit(np.repeat(noise(60, 0), 20, axis=0) + 0.7 * noise(SIZE, 1))
QUERIES = unit(VECTORS[::30] + 0.6 * noise(40, 2))


def exact(vectors: np.ndarray) -> FaissIndex:
    index = FaissIndex.empty(DIMENSION)
    index.add(vectors)
    return index


def clustered(vectors: np.ndarray) -> FaissIndex:
    index = exact(vectors)
    index.cluster(QUERIES)
    return index


MAKERS = {"exact": exact, "clustered": clustered}


@pytest.fixture(scope="module", params=list(MAKERS))
def index(request: pytest.FixtureRequest) -> FaissIndex:
    return MAKERS[request.param](VECTORS)


@pytest.fixture(scope="module", params=["as made", "loaded"])
def either(
    request: pytest.FixtureRequest, index: FaissIndex, tmp_path_factory: pytest.TempPathFactory
) -> FaissIndex:
    """The index as it was made, and as it is read from disk."""
    if request.param == "as made":
        return index
    folder = tmp_path_factory.mktemp("vectors")
    index.save(folder)
    return FaissIndex.load(folder)


class TestTheContract:
    def test_it_knows_its_size(self, either: FaissIndex) -> None:
        assert len(either) == SIZE
        assert either.dimension == DIMENSION

    def test_row_i_is_row_i(self, either: FaissIndex) -> None:
        for row in range(0, SIZE, 37):
            rows, scores = either.search(VECTORS[row], 1)
            assert rows.tolist() == [row]
            assert scores == pytest.approx([1], abs=ALMOST)

    def test_the_best_come_first_with_their_cosines(self, either: FaissIndex) -> None:
        for query in QUERIES[:10]:
            rows, scores = either.search(query, 20)
            assert len(set(rows.tolist())) == len(rows) == 20
            assert (np.diff(scores) <= 0).all()
            assert scores == pytest.approx(VECTORS[rows] @ query, abs=ALMOST)

    def test_it_finds_what_comparing_with_every_vector_finds(self, either: FaissIndex) -> None:
        shared = [
            len(np.intersect1d(either.search(query, 10)[0], np.argsort(-(VECTORS @ query))[:10]))
            for query in QUERIES
        ]
        assert sum(shared) >= 0.9 * 10 * len(QUERIES)

    def test_scores_are_the_cosines_of_the_rows_that_were_asked_for(
        self, either: FaissIndex
    ) -> None:
        rows = [SIZE - 1, 0, 17, 17]
        expected = VECTORS[rows] @ QUERIES[0]
        assert either.score(QUERIES[0], rows) == pytest.approx(expected, abs=ALMOST)
        assert either.score(QUERIES[0], np.array(rows)) == pytest.approx(expected, abs=ALMOST)

    def test_a_row_scores_the_same_whether_found_or_asked_for(self, either: FaissIndex) -> None:
        rows, scores = either.search(QUERIES[1], 15)
        assert either.score(QUERIES[1], rows) == pytest.approx(scores, abs=1e-5)

    def test_no_rows_have_no_scores(self, either: FaissIndex) -> None:
        assert either.score(QUERIES[0], []).shape == (0,)


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
class TestSmallOnes:
    def test_more_than_there_are_gives_all(self, make: object) -> None:
        index = make(VECTORS[:3])  # type: ignore[operator]
        rows, scores = index.search(VECTORS[2], 10)
        assert rows[0] == 2
        assert sorted(rows.tolist()) == [0, 1, 2]
        assert len(scores) == 3

    def test_vectors_are_brought_to_unit_length(self, make: object) -> None:
        index = make(VECTORS[:4] * np.array([[1], [50], [0.02], [3]]))  # type: ignore[operator]
        assert index.score(VECTORS[1], [1])[0] == pytest.approx(1, abs=ALMOST)
        assert index.score(VECTORS[2], [2])[0] == pytest.approx(1, abs=ALMOST)


class TestAdding:
    def test_rows_go_on_where_they_ended(self) -> None:
        index = exact(VECTORS[:5])
        index.add(VECTORS[5:9].astype(np.float16))
        assert len(index) == 9
        for row in range(9):
            assert index.search(VECTORS[row], 1)[0].tolist() == [row]


class TestFiles:
    def test_a_folder_without_an_index_is_a_damaged_one(self, tmp_path: Path) -> None:
        with pytest.raises(IndexDamagedError, match="python -m app build"):
            FaissIndex.load(tmp_path)

    @pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
    @pytest.mark.parametrize("harm", ["cut short", "emptied", "other"])
    def test_a_broken_file_says_what_to_run(self, harm: str, make: object, tmp_path: Path) -> None:
        index = make(VECTORS)  # type: ignore[operator]
        index.save(tmp_path)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert len(names) == (2 if make is clustered else 1)
        for name in names:
            path = tmp_path / name
            whole = path.read_bytes()
            path.write_bytes(
                {"cut short": whole[: len(whole) // 2], "emptied": b"", "other": b"no index" * 99}[
                    harm
                ]
            )
            with pytest.raises(IndexDamagedError, match="python -m app build"):
                FaissIndex.load(tmp_path)
            path.write_bytes(whole)
        assert len(FaissIndex.load(tmp_path)) == SIZE

    def test_a_folder_that_is_not_there_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="nowhere"):
            exact(VECTORS[:3]).save(tmp_path / "nowhere")


class TestClustering:
    def test_it_tells_how_it_searches_and_how_well(self) -> None:
        nearest = exact(VECTORS).cluster(QUERIES)
        assert nearest.kind.startswith("IVF")
        assert nearest.probes > 0
        assert nearest.queries == len(QUERIES) // 2
        assert 0.9 <= nearest.recall <= 1

    def test_an_index_too_small_to_be_clustered_stays_exact(self, tmp_path: Path) -> None:
        index = exact(VECTORS[:500])
        assert index.cluster(QUERIES).kind == "exact"
        for query in QUERIES[:5]:
            expected = np.argsort(-(VECTORS[:500] @ query))[:10]
            assert sorted(index.search(query, 10)[0]) == sorted(expected)
