"""The index of files, exact and clustered: the contract of all, and what it does besides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.errors import IndexDamagedError
from index.vectors import FaissIndex
from tests.vector_contract import DIMENSION, QUERIES, SIZE, VECTORS, Contract, Make, SmallContract


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


class TestTheContract(Contract):
    def test_it_knows_how_long_a_vector_is(self, either: FaissIndex) -> None:
        assert either.dimension == DIMENSION


class TestSmallOnes(SmallContract):
    @pytest.fixture(params=list(MAKERS))
    def make(self, request: pytest.FixtureRequest) -> Make:
        return MAKERS[request.param]


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
