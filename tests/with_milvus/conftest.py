"""One real Milvus server for these tests, which ``tests/test_milvus.py`` runs in a namespace."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.service import Service
from app.settings import Settings, load_settings
from benchmarks.milvus_server import TOKEN, URI, MilvusServer
from index.collection import MilvusIndex
from index.milvus import Milvus
from index.progress import Meter
from index.records import DocumentSummary
from index.vectors import FaissIndex
from tests.conftest import HashEncoder

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


@pytest.fixture
def settings(corpus: Path, tmp_path: Path, server: MilvusServer) -> Iterator[Settings]:
    """Those of a server whose vectors are in Milvus, as a library of its own."""
    found = load_settings(
        corpus=corpus,
        store=tmp_path / "store",
        vectors="milvus",
        milvus_uri=URI,
        milvus_token=TOKEN,
        milvus_name=f"library{next(_NUMBERS)}",
        shared=str(tmp_path / "shared"),
        snapshots=2,
        threshold=0.0,
    )
    yield found
    milvus = Milvus(URI, TOKEN, found.milvus_name)
    for snapshot in milvus.kept():
        milvus.call("drop_collection", milvus._collection(snapshot))


Serve = Callable[..., Service]


@pytest.fixture
def serve(settings: Settings, encoder: HashEncoder, tmp_path: Path) -> Serve:
    """Makes the service of a machine; each name is one with a disk of its own."""

    def made(name: str = "builder", **changes: object) -> Service:
        changed = settings.model_copy(update={"store": tmp_path / name, **changes})
        service = Service(changed)
        service.encoder = encoder
        return service

    return made


def followed(service: Service) -> Service:
    """The service, once it answers without looking at the store for each question."""
    service.follow()
    until(lambda: service.answering() is not None)
    return service


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.05)
