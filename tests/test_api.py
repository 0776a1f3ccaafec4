"""The API: what programs get, and how they are told what went wrong."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder

from app.gate import Gate
from app.messages import (
    AskReply,
    AskRequest,
    RollbackReply,
    RollbackRequest,
    SearchReply,
    SearchRequest,
)
from app.rebuild import BuildState
from app.service import Service, Status
from app.settings import load_settings
from index import VERSION
from index.errors import BusyError
from index.records import Answer, Citation, DocumentSummary, FileReport, Hit, Passage
from index.store import Store
from tests.programs import JSON, Program, running

DEEP = "How deep is the harbour of Porvenir?"


@pytest.fixture
def service(corpus: Path, store: Store, encoder: HashEncoder) -> Service:
    settings = load_settings(
        corpus=corpus,
        store=store.folder,
        threshold=0.0,
        allowed_hosts=("docs.example", "*.wild.example"),
    )
    service = Service(settings)
    service.encoder = encoder
    service.build(lambda step: None)
    return service


@pytest.fixture
def program(service: Service) -> Iterator[Program]:
    with running(service) as program:
        yield program


def is_problem(reply: tuple[int, dict[str, str], Any], status: int, says: str) -> None:
    got, headers, body = reply
    assert (got, headers["content-type"]) == (status, "application/problem+json"), body
    assert body["status"] == status
    assert body["title"]
    assert re.search(says, body["detail"]), body["detail"]


class TestAsking:
    def test_the_answer_is_the_one_that_the_library_gives(
        self, program: Program, service: Service
    ) -> None:
        status, headers, body = program.ask(DEEP, hits=3)
        assert status == 200
        answer = service.ask(DEEP)
        assert body["text"] == answer.text
        assert body["snapshot"] == service.answering()
        (first, *_) = body["answer"]["citations"]
        quoted = service.text(first["document_id"])
        assert quoted is not None
        assert quoted[first["start"] : first["end"]] == first["quote"]
        assert body["answer"]["match"] == answer.match
        assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])

    def test_a_filter_narrows_what_is_asked(self, program: Program) -> None:
        _, _, body = program.ask("boiling water", filter={"folder": "sub"})
        assert {hit["passage"]["document_id"] for hit in body["answer"]["hits"]} == {"sub/tea.md"}
        _, _, body = program.ask(DEEP, filter={"format": "pdf"})
        assert (body["answer"]["answered"], body["answer"]["hits"]) == (False, [])

    def test_a_threshold_makes_it_abstain(self, program: Program) -> None:
        _, _, body = program.ask(DEEP, threshold=1.0)
        assert not body["answer"]["answered"]
        assert body["text"] == ""
        assert body["answer"]["hits"]

    def test_a_search_lists_the_best_first(self, program: Program, service: Service) -> None:
        status, _, body = program.post("/api/search", {"query": DEEP, "k": 2})
        assert status == 200
        found = service.search(DEEP, 2)
        assert [hit["passage"]["id"] for hit in body["hits"]] == [one.passage.id for one in found]

    @pytest.mark.parametrize("question", ["", "  ", "x" * 10_001])
    def test_a_question_that_is_none_is_a_problem(self, program: Program, question: str) -> None:
        is_problem(program.ask(question), 422, "empty|at most|characters")

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({}, "question"),
            ({"question": 5}, "string"),
            ({"question": "a", "hits": 0}, "greater than"),
            ({"question": "a", "wished": 1}, "wished"),
            ({"question": "a", "filter": {"since": "soon"}}, "since"),
            ([], "body"),
            (b"{", "JSON"),
            (b'{"question": "\xff"}', "."),
            (b'{"question": "\\ud800"}', "."),
        ],
    )
    def test_what_is_wrong_with_a_request_is_told(
        self, program: Program, body: Any, says: str
    ) -> None:
        status, headers, told = program.post("/api/ask", body)
        if status == 200:
            assert body == b'{"question": "\\ud800"}'  # half a character is asked as "?"
            return
        assert status in (400, 422)
        is_problem((status, headers, told), status, says)


class TestReading:
    def test_documents_are_listed_in_parts(self, program: Program) -> None:
        _, _, body = program.get("/api/documents?limit=2&offset=1")
        assert body["total"] == 3
        assert [one["id"] for one in body["documents"]] == ["harbours.md", "sub/tea.md"]
        _, _, body = program.get("/api/documents?folder=sub")
        assert [one["id"] for one in body["documents"]] == ["sub/tea.md"]

    def test_a_document_in_a_folder_is_read_by_its_path(self, program: Program) -> None:
        for path in ("sub/tea.md", "sub%2Ftea.md"):
            status, _, body = program.get(f"/api/documents/{path}")
            assert status == 200
            assert body["document"]["title"] == "Tea"
            assert body["passages"][0]["number"] == 1

    def test_a_passage_has_an_address_that_stays(self, program: Program, service: Service) -> None:
        passage = service.read("sub/tea.md")[0]
        _, _, body = program.get(f"/api/passages/{passage.id}")
        assert body["passage"]["text"] == passage.text
        assert body["page"] == "/read?doc=sub%2Ftea.md&p=1"
        service.build(lambda step: None, force=True)
        assert program.get(f"/api/passages/{passage.id}")[0] == 200

    @pytest.mark.parametrize(
        "path",
        [
            "/api/documents/none.md",
            "/api/documents/..%2F..%2Fetc%2Fpasswd",
            "/api/documents/../../etc/passwd",
            "/api/documents/%00",
            "/api/passages/%ff",
            "/api/passages/..%2F..%2Fx",
            "/api/nowhere",
        ],
    )
    def test_what_is_not_there_is_said_to_be_not_there(self, program: Program, path: str) -> None:
        status, _, body = program.get(path)
        assert status == 404
        assert "root:" not in str(body)

    def test_the_status_tells_what_an_operator_asks(
        self, program: Program, service: Service
    ) -> None:
        _, _, body = program.get("/api/status")
        assert body["index"]["snapshot"] == service.answering()
        assert body["index"]["files"] == []
        assert body["build"]["state"] == "done"
        assert body["waiting"] == 0
        assert len(program.get("/api/status?files=true")[2]["index"]["files"]) == 3

    def test_a_wrong_method_is_named(self, program: Program) -> None:
        is_problem(program.get("/api/ask"), 405, "Method Not Allowed")


class TestManaging:
    def test_a_rebuild_is_a_job_that_can_be_watched_and_cancelled(
        self, program: Program, service: Service, corpus: Path
    ) -> None:
        before = service.answering()
        text = "\n\n".join(f"Chapter {n} tells of storm number {n}. " * 8 for n in range(4000))
        (corpus / "long.md").write_text(f"# Storms\n\n{text}\n")
        status, headers, body = program.post("/api/rebuild")
        assert (status, headers["location"]) == (202, "/api/rebuild")
        assert body["state"] == "running"
        seen = set()
        until = time.monotonic() + 120
        while "encoding" not in seen:
            assert time.monotonic() < until, seen
            told = program.get(headers["location"])[2]
            assert told["state"] == "running", told
            seen.add(told["stage"])
            time.sleep(0.05)
        is_problem(program.post("/api/rebuild"), 409, "running already")
        assert program.ask(DEEP)[2]["answer"]["answered"]
        status, _, body = program.call("DELETE", "/api/rebuild")
        assert (status, body["state"]) == (200, "cancelled")
        assert program.get("/api/rebuild")[2]["state"] == "cancelled"
        assert service.store.current() == before
        with service.store.lock():
            pass  # nobody builds any more
        assert program.call("DELETE", "/api/rebuild")[2]["state"] == "cancelled"

    def test_a_rollback_goes_back_and_says_where_to(
        self, program: Program, service: Service, corpus: Path
    ) -> None:
        first = service.answering()
        (corpus / "new.md").write_text("Walnuts ripen in the late autumn.")
        service.build(lambda step: None)
        assert program.post("/api/rollback", {})[2] == {"snapshot": first}
        assert service.answering() == first
        is_problem(program.post("/api/rollback", {"to": "../none"}), 409, "snapshot")

    def test_while_a_build_runs_another_one_is_refused(
        self, program: Program, service: Service
    ) -> None:
        with service.store.lock():
            reply = program.post("/api/rebuild")
        is_problem(reply, 409, "build")
        assert reply[1]["retry-after"]

    def test_what_is_read_only_cannot_be_changed(
        self, service: Service, encoder: HashEncoder
    ) -> None:
        settings = service.settings.model_copy(update={"read_only": True})
        closed = Service(settings)
        closed.encoder = encoder
        with running(closed) as program:
            assert program.ask(DEEP)[0] == 200
            for reply in (
                program.post("/api/rebuild"),
                program.call("DELETE", "/api/rebuild"),
                program.post("/api/rollback", {}),
            ):
                is_problem(reply, 403, "read_only")


class TestGuard:
    def test_no_index_is_said_with_what_to_run(self, tmp_path: Path) -> None:
        service = Service(load_settings(corpus=tmp_path, store=tmp_path / "none"))
        with running(service) as program:
            is_problem(program.ask(DEEP), 503, "python -m app build")
            assert program.get("/healthz")[0] == 200
            is_problem(program.get("/readyz"), 503, "python -m app build")
            is_problem(program.get("/api/rebuild"), 404, "Nothing was built yet")

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Host": "evil.example"}, 400),
            ({"Host": ""}, 400),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://[::1"}, 403),
            ({"Origin": "http://localhost:1"}, 403),
            ({"Origin": "https://a.wild.example"}, 200),
            ({"Origin": "https://wild.example.evil.example"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Content-Type": "text/plain"}, 415),
            ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
            ({"Content-Type": ""}, 415),
            ({"Content-Type": "application/json; charset=utf-8"}, 200),
            ({"Host": "docs.example", "Origin": "https://docs.example"}, 200),
            ({"Sec-Fetch-Site": "same-origin"}, 200),
        ],
    )
    def test_another_sites_page_cannot_ask(
        self, program: Program, headers: dict[str, str], status: int
    ) -> None:
        reply = program.post("/api/ask", {"question": DEEP}, **headers)
        assert reply[0] == status, reply
        if status != 200:
            assert reply[1]["content-type"] == "application/problem+json"

    def test_a_second_host_is_refused(self, program: Program) -> None:
        with socket.create_connection(("127.0.0.1", program.port), timeout=20) as wire:
            wire.sendall(
                b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
            )
            assert b" 400 " in wire.recv(100)

    def test_a_large_request_is_refused_told_or_not(self, program: Program) -> None:
        # A client that sends on would see a broken pipe before it sees the reply.
        is_problem(program.post("/api/ask", None, **JSON, **{"Content-Length": "999999"}), 413, "1")
        with socket.create_connection(("127.0.0.1", program.port), timeout=20) as wire:
            wire.sendall(
                b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            for _ in range(8):
                wire.sendall(chunk)
            assert b" 413 " in wire.recv(100)

    def test_a_slow_request_is_given_up(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.guard.SLOWEST", 0.2)
        with socket.create_connection(("127.0.0.1", program.port), timeout=20) as wire:
            wire.sendall(
                b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b'Content-Length: 20\r\n\r\n{"que'
            )
            assert b" 408 " in wire.recv(100)

    def test_who_asks_too_often_is_told_when_to_come_back(
        self, service: Service, encoder: HashEncoder
    ) -> None:
        settings = service.settings.model_copy(update={"rate_limit": "3/minute"})
        paced = Service(settings)
        paced.encoder = encoder
        with running(paced) as program:
            replies = [program.get("/api/documents") for _ in range(4)]
            assert [reply[0] for reply in replies] == [200, 200, 200, 429]
            assert 1 <= int(replies[3][1]["retry-after"]) <= 60
            assert program.get("/healthz")[0] == 200

    @pytest.mark.parametrize(
        ("method", "path", "headers", "status"),
        [
            ("GET", "/api/status", {}, 200),
            ("GET", "/healthz", {}, 200),
            ("GET", "/metrics", {}, 200),
            ("GET", "/api/status", {"Host": "evil.example"}, 400),
            ("GET", "/metrics", {"Authorization": "Bearer wrong"}, 401),
            ("POST", "/mcp", {"Authorization": "Bearer wrong"}, 401),
            ("GET", "/points/x?key=y", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 404),
            ("GET", "/api/status", {"Origin": "http://["}, 403),
            ("GET", "/", {}, 404),
            ("GET", "/api/none", {}, 404),
            ("GET", "/mcp/none", {}, 404),
            ("POST", "/healthz", {}, 405),
            ("DELETE", "/metrics", {}, 405),
            ("PUT", "/api/ask", {}, 405),
            ("POST", "/api/ask", {"Content-Length": "999999", **JSON}, 413),
            ("POST", "/api/ask", {"Content-Length": "2"}, 415),
            ("GET", "/api/documents?limit=none", {}, 422),
        ],
    )
    def test_every_reply_has_the_security_headers_and_every_error_is_a_problem(
        self, program: Program, method: str, path: str, headers: dict[str, str], status: int
    ) -> None:
        got, told, body = program.call(method, path, headers=headers)
        assert got == status, body
        assert told["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in told["content-security-policy"]
        if status >= 400:
            is_problem((got, told, body), status, ".")
        if status == 405:
            assert method not in told["allow"]

    def test_a_mistake_of_ours_is_a_problem_with_the_headers_too(
        self, program: Program, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr(service, "ready", fail)
        reply = program.get("/readyz")
        is_problem(reply, 500, "made a mistake")
        assert "secret" not in str(reply)
        assert "content-security-policy" in reply[1]


class TestLoad:
    def test_when_too_many_wait_the_next_is_told_at_once(
        self, service: Service, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service._gate = Gate(1, 1)
        go_on, inside = threading.Event(), threading.Event()
        answer = service._answer

        def slow(*arguments: Any) -> Answer:
            inside.set()
            assert go_on.wait(30)
            return answer(*arguments)

        monkeypatch.setattr(service, "_answer", slow)
        replies: list[int] = []
        threads = [
            threading.Thread(target=lambda: replies.append(program.ask(DEEP)[0])) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert inside.wait(30)
        while service.waiting < 2:
            pass
        refused = program.ask(DEEP)
        is_problem(refused, 503, "Ask again")
        assert refused[1]["retry-after"] == "1"
        assert program.get("/api/status")[2]["waiting"] == 2
        go_on.set()
        for thread in threads:
            thread.join()
        assert replies == [200, 200]
        assert program.ask(DEEP)[0] == 200

    def test_a_gate_lets_as_many_in_as_it_says_and_no_more(self) -> None:
        gate, most = Gate(2, 3), 0
        inside, lock = [0], threading.Lock()
        let_go = threading.Event()
        refused = []

        def enter() -> None:
            nonlocal most
            try:
                with gate.enter():
                    with lock:
                        inside[0] += 1
                        most = max(most, inside[0])
                    let_go.wait(30)
                    with lock:
                        inside[0] -= 1
            except BusyError as error:
                refused.append(str(error))

        threads = [threading.Thread(target=enter) for _ in range(9)]
        for thread in threads:
            thread.start()
        while len(refused) < 4:
            pass
        let_go.set()
        for thread in threads:
            thread.join()
        assert (most, len(refused), gate.inside) == (2, 4, 0)


class TestDescription:
    def test_it_is_openapi_3_1_and_describes_every_route(self, program: Program) -> None:
        status, _, told = program.get("/api/openapi.json")
        assert status == 200
        assert told["openapi"].startswith("3.1")
        assert told["info"]["version"] == VERSION
        assert told["servers"] == [{"url": "/api"}]
        operations = {
            (method, path) for path, methods in told["paths"].items() for method in methods
        }
        assert operations == {
            ("post", "/ask"),
            ("post", "/search"),
            ("get", "/documents"),
            ("get", "/documents/{document_id}"),
            ("get", "/passages/{passage_id}"),
            ("get", "/status"),
            ("post", "/rebuild"),
            ("get", "/rebuild"),
            ("delete", "/rebuild"),
            ("post", "/rollback"),
        }
        for methods in told["paths"].values():
            for operation in methods.values():
                assert operation["summary"]
                assert operation["description"]
                problem = operation["responses"]["422"]["content"]["application/problem+json"]
                assert problem["schema"]["$ref"].endswith("/Problem")

    def test_its_shapes_are_the_records_of_the_library(self, program: Program) -> None:
        shapes = program.get("/api/openapi.json")[2]["components"]["schemas"]
        for record in (
            Answer,
            BuildState,
            Citation,
            DocumentSummary,
            FileReport,
            Hit,
            Passage,
            Status,
        ):
            described = shapes[record.__name__]["properties"]
            assert set(described) == {one.name for one in fields(record)}, record

    def test_what_is_asked_and_answered_is_what_it_says(self, program: Program) -> None:
        told = program.get("/api/openapi.json")[2]
        asked = {
            "/ask": (AskRequest, AskReply),
            "/search": (SearchRequest, SearchReply),
            "/rollback": (RollbackRequest, RollbackReply),
        }
        for path, (request, reply) in asked.items():
            operation = told["paths"][path]["post"]
            body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            assert body.rpartition("/")[2] == request.__name__
            described = told["components"]["schemas"][request.__name__]
            assert set(described["properties"]) == set(request.model_fields)
            assert described["additionalProperties"] is False
            back = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            assert back.rpartition("/")[2] == reply.__name__


class TestMetrics:
    def test_figures_grow_with_what_is_asked(self, program: Program) -> None:
        program.ask(DEEP)
        program.ask(DEEP, threshold=1.0)
        program.ask(" ")
        status, headers, told = program.get("/metrics")
        text = told.decode()
        assert status == 200
        assert headers["content-type"].startswith("text/plain")
        assert 'passages_answer_seconds_count{what="ask"} 2.0' in text
        assert 'passages_answers_total{match="none"} 1.0' in text
        assert 'passages_failures_total{reason="QueryError"} 1.0' in text
        assert "passages_up 1.0" in text
        assert "passages_documents 3.0" in text
        assert re.search(r"passages_snapshot_age_seconds \d", text)
        assert "passages_build_running 0.0" in text
