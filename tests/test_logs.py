"""The log: one line a request, in two forms, that no stranger can forge."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HashEncoder

from app import logs
from app.service import Service
from app.settings import load_settings
from index.store import Store
from tests.programs import running

DEEP = "How deep is the harbour of Porvenir?"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], logs.log.level
    yield
    root.handlers[:] = handlers
    logs.log.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line]


def test_a_request_is_one_line_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    with logs.request(path="/api/ask"):
        logs.fact(snapshot="000001-ab", match="strong")
    (line,) = lines(capsys)
    told = json.loads(line)
    assert told["event"] == "request"
    assert told["path"] == "/api/ask"
    assert (told["snapshot"], told["match"]) == ("000001-ab", "strong")
    assert told["ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["time"])


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("text")
    with logs.request(path="/api/ask"):
        pass
    (line,) = lines(capsys)
    assert re.search(r"Z info request id=[0-9a-f]{16} path=/api/ask ms=[\d.]+$", line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_stranger_writes_stays_on_its_line(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.set_up(form)
    with logs.request(path="/x\n2026-01-01T00:00:00.000Z info request path=/forged\u2028\x1b[31m"):
        pass
    (line,) = lines(capsys)
    assert line.isascii()
    assert "\x1b" not in line


def test_a_question_from_the_page_is_a_line_of_its_own(
    corpus: Path, store: Store, encoder: HashEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("json")
    for asked in (False, True):
        settings = load_settings(corpus=corpus, store=store.folder, log_questions=asked)
        service = Service(settings)
        service.encoder = encoder
        service.build(lambda step: None)
        service.ask(DEEP)
        told = json.loads(lines(capsys)[-1])
        assert (told["event"], told["snapshot"]) == ("page", service.answering())
        assert told["answer_ms"] > 0
        assert told.get("question") == (DEEP if asked else None)


def test_a_mistake_of_ours_is_logged_and_not_told(
    corpus: Path,
    store: Store,
    encoder: HashEncoder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logs.set_up("json")
    service = Service(load_settings(corpus=corpus, store=store.folder))
    service.encoder = encoder
    service.build(lambda step: None)

    def fail(*arguments: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(service, "_answer", fail)
    with running(service) as program:
        status, headers, told = program.ask(DEEP)
    assert (status, headers["content-type"]) == (500, "application/problem+json")
    assert "secret detail" not in json.dumps(told)
    broken = [json.loads(line) for line in lines(capsys) if '"broken"' in line]
    assert "secret detail" in broken[0]["traceback"]
