"""What people are told, and what is lost, where the Milvus server dies or is not what it should."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.api import create_api
from app.service import Service
from benchmarks.milvus_server import URI, MilvusServer
from index.build import BuildReport
from index.errors import EngineError, EngineUnreachableError, IndexMismatchError
from index.milvus import Milvus
from index.progress import Meter, Progress
from index.records import DocumentSummary
from index.vectors import EXACT, FaissIndex
from tests.with_milvus.conftest import Serve, followed, until
from tests.with_milvus.test_path import DEPTH, edition, nothing, quote


def answers(service: Service) -> bool:
    try:
        return "14 metres" in quote(service, DEPTH)
    except EngineUnreachableError:
        return False


def test_a_wrong_token_is_named(server: MilvusServer) -> None:
    with pytest.raises(EngineError, match=r"does not accept the token\. Set milvus_token"):
        Milvus(URI, "root:wrong").current()


def test_a_port_that_is_not_milvus_is_named(server: MilvusServer) -> None:
    with pytest.raises(EngineError, match=r"9091"):
        Milvus("http://127.0.0.1:9091", "root:Milvus").current()


def test_too_old_a_server_is_named(
    connect: Callable[[], Milvus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.milvus.OLDEST", (2, 4))
    with pytest.raises(EngineError, match=r"is version v2\.3\.5-lite; 2\.4 or newer is needed"):
        connect().current()


def test_vectors_of_another_length_are_named(connect: Callable[[], Milvus]) -> None:
    source, milvus = FaissIndex.empty(8), connect()
    source.add(np.eye(8, dtype=np.float32))
    document = DocumentSummary("a.md", "A", "markdown", "", 1, 1, {})
    name = "000001-0123abcd"
    milvus.fill(name, source, ((row, 0, document) for row in range(8)), meter=Meter(None))
    with pytest.raises(IndexMismatchError, match=r"have 8 numbers, those of the model 64"):
        milvus.open(name, 8, 64, EXACT)


def test_killed_while_people_ask_it_says_so_recovers_by_itself_and_loses_nothing(
    server: MilvusServer, serve: Serve, connect: Callable[[], Milvus]
) -> None:
    service = serve()
    service.build(nothing)
    followed(service)
    milvus, name, source = connect(), "000001-0123abcd", FaissIndex.empty(32)
    source.add(np.random.default_rng(0).standard_normal((3000, 32)).astype(np.float32))
    document = DocumentSummary("a.md", "A", "markdown", "", 1, 1, {})
    milvus.fill(name, source, ((row, 0, document) for row in range(3000)), meter=Meter(None))
    api = TestClient(create_api(service))
    body = {"question": DEPTH}
    statuses: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            reply = api.post("/ask", json=body)
            statuses.append((reply.status_code, reply.text))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        until(lambda: len(statuses) > 3)
        server.kill()
        until(lambda: statuses[-1][0] == 503)
        reply = api.post("/ask", json=body)
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "5"
        assert reply.headers["content-type"] == "application/problem+json"
        assert f"Milvus at {URI} does not answer" in reply.json()["detail"]
        status = service.status()
        assert "does not answer" in status.error
        assert status.passages == 4
        with pytest.raises(EngineUnreachableError):
            service.ready()
        assert service.read("harbours.md")  # what needs no vectors goes on
        with pytest.raises(EngineUnreachableError, match="does not answer"):
            serve("another").ask(DEPTH)
    finally:
        server.start()
    try:
        until(lambda: answers(service))
        until(lambda: statuses[-1][0] == 200)
    finally:
        stop.set()
        asking.join()
    assert {code for code, _ in statuses} == {200, 503}
    assert all("14 metres" in text for code, text in statuses if code == 200)
    assert service.ready()
    assert not service.status().error
    # What was confirmed just before is there.
    index = milvus.open(name, 3000, 32, EXACT)
    until(lambda: counted(milvus, name) == 3000)
    for row in range(0, 3000, 500):
        assert index.search(source.vectors([row])[0], 1)[0].tolist() == [row]


def counted(milvus: Milvus, name: str) -> int:
    try:
        return milvus.count(name)
    except EngineUnreachableError:
        return -1


def test_killed_while_a_build_loads_the_build_waits_and_loses_nothing(
    server: MilvusServer, serve: Serve, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.milvus._BATCH", 2 * 4 * 64)  # two vectors at once
    service = serve()
    before = service.build(nothing).snapshot
    text = "\n\n".join(f"Ship number {number} lies at berth {number}." for number in range(60))
    (corpus / "ships.md").write_text(f"# Ships\n\n{text}\n")
    loading, killed = threading.Event(), threading.Event()
    reports: list[BuildReport] = []
    sent: list[str] = []
    send = Milvus._send

    def held(self: Milvus, name: str, partition: str, batch: list[dict[str, object]]) -> None:
        sent.append(name)
        if len(sent) == 5:
            loading.set()
            assert killed.wait(30)
        send(self, name, partition, batch)

    monkeypatch.setattr(Milvus, "_send", held)
    building = threading.Thread(target=lambda: reports.append(service.build(nothing)), daemon=True)
    building.start()
    assert loading.wait(60)
    server.kill()
    killed.set()
    server.start()
    building.join(120)
    (report,) = reports
    assert len(sent) > 6
    assert report.snapshot != before
    assert service.verify().ok
    assert service.store.open().incomplete() == ""
    assert "berth 42" in quote(service, "Where does ship number 42 lie?")


def test_a_build_whose_server_stays_away_leaves_the_old_index(
    server: MilvusServer, serve: Serve, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.milvus.PATIENCE", 1.0)
    service = serve()
    before = service.build(nothing).snapshot
    edition(corpus, 2)

    def kill(step: Progress) -> None:
        if step.stage == "loading":
            server.kill()

    try:
        with pytest.raises(EngineUnreachableError, match="does not answer"):
            service.build(kill)
        with pytest.raises(EngineUnreachableError, match="does not answer"):
            service.build(nothing)  # and not after an hour of encoding
    finally:
        server.start()
    until(lambda: answers(service))
    assert service.store.current() == before
    assert service.build(nothing).snapshot != before
    server_side = service.store.server
    assert server_side is not None
    assert server_side.kept() == {one.id for one in service.history()}
