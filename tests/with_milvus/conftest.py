"""One real Milvus server for these tests, which ``tests/test_milvus.py`` runs in a namespace."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from index.milvus import Milvus, MilvusIndex
from index.progress import Meter
from index.records import DocumentSummary
from index.vectors import FaissIndex
from tests.milvus_server import TOKEN, URI, MilvusServer

ALONE = DocumentSummary("all.md", "All", "markdown", "", 1, 1, {})

Load = Callable[..., MilvusIndex]


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[MilvusServer]:
    """The server, started; a test that kills it starts it again."""
    there = {name for _, name in socket.if_nameindex()}
    assert there == {"lo"}, f"Run tests/test_milvus.py: here the server would listen on {there}"
    programs = request.config.cache.mkdir("milvus")  # type: ignore[union-attr]
    found = MilvusServer(tmp_path_factory.mktemp("milvus"), Path(programs))
    found.start()
    yield found
    found.kill()


_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def connect(server: MilvusServer) -> Callable[[], Milvus]:
    """Makes a connection to a library of its own."""
    return lambda: Milvus(URI, TOKEN, f"library{next(_NUMBERS)}")


@pytest.fixture(scope="session")
def load(connect: Callable[[], Milvus]) -> Load:
    """Makes an index of some vectors: exact, or by the graph where there are ``queries``."""

    def made(vectors: np.ndarray, queries: np.ndarray | None = None) -> MilvusIndex:
        source, milvus = FaissIndex.empty(vectors.shape[1]), connect()
        source.add(vectors)
        places = ((row, 0, ALONE) for row in range(len(vectors)))
        name = "000001-0123abcd"
        nearest = milvus.fill(name, source, places, meter=Meter(None), queries=queries)
        return milvus.open(name, len(source), source.dimension, nearest)

    return made
