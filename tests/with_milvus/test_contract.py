"""What is true of FAISS' indexes is true of Milvus', and they find the same."""

from __future__ import annotations

import numpy as np
import pytest

from index.collection import MilvusIndex
from index.vectors import FaissIndex
from tests.vector_contract import QUERIES, VECTORS, Contract, Make, SmallContract
from tests.with_milvus.conftest import Load


@pytest.fixture(scope="session", params=["exact", "graph"])
def either(request: pytest.FixtureRequest, load: Load) -> MilvusIndex:
    return load(VECTORS, QUERIES if request.param == "graph" else None)


class TestTheContract(Contract):
    pass


class TestSmallOnes(SmallContract):
    @pytest.fixture
    def make(self, load: Load) -> Make:
        return load


@pytest.mark.parametrize("either", ["exact"], indirect=True)
def test_exact_search_gives_the_order_of_faiss(either: MilvusIndex) -> None:
    faiss = FaissIndex.empty(VECTORS.shape[1])
    faiss.add(VECTORS)
    for query in QUERIES:
        scores = faiss.search(query, 100)[1]
        found, their_scores = either.search(query, 100)
        assert their_scores == pytest.approx(scores, abs=1e-6)
        # Two that lie as close but for the rounding of a sum may change places.
        assert faiss.score(query, found) == pytest.approx(scores, abs=1e-6)
        assert len(set(found.tolist())) == 100


@pytest.mark.parametrize("either", ["graph"], indirect=True)
def test_the_graph_finds_the_nearest(either: MilvusIndex) -> None:
    faiss = FaissIndex.empty(VECTORS.shape[1])
    faiss.add(VECTORS)
    shared = [
        len(np.intersect1d(either.search(query, 10)[0], faiss.search(query, 10)[0]))
        for query in QUERIES
    ]
    assert sum(shared) >= 0.97 * 10 * len(QUERIES)


@pytest.mark.parametrize("either", ["graph"], indirect=True)
def test_the_graph_is_measured(either: MilvusIndex) -> None:
    found = either.nearest
    assert found.kind == "HNSW"
    assert found.recall >= 0.97
    assert found.queries == len(QUERIES) // 2
    assert found.probes >= 16
