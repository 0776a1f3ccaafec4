"""Judging an answer, and the Quality screen, as Streamlit runs them without a browser."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder
from streamlit.testing.v1 import AppTest
from test_screens import DEPTH, PAGE, build, drawn

from app.judgements import Judgement
from app.saved import saved_questions
from app.service import Service
from app.settings import load_settings
from app.ui import current, feedback
from app.ui.current import comparison
from index.filters import Filter
from index.store import Store

HOSTILE = "Is :red[this] <img src=x onerror=alert(1)> $x$ **bold**?"


@pytest.fixture
def service(
    corpus: Path, store: Store, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> Service:
    """A service over the small corpus, which the screens use."""
    service = Service(load_settings(corpus=corpus, store=store.folder, threshold=0.0))
    service.encoder = encoder
    monkeypatch.setattr(current, "_service", None)
    current.use(service)
    return service


def quality(**parameters: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=30)
    for name, value in parameters.items():
        page.query_params[name] = value
    until = time.monotonic() + 60
    while comparison().look(saved_questions(current.service().judgements.all())).running:
        assert time.monotonic() < until
    return page.switch_page("screens/quality.py").run()


def judged(service: Service, question: str = DEPTH, **changes: Any) -> Judgement:
    answer = service.ask(question)
    made = Judgement(question, "up", snapshot=service.store.current() or "", judge="a")
    sources = feedback.sources_of(answer)
    return service.judgements.save(replace(made, sources=sources, **changes))


class TestScreen:
    def test_before_the_first_judgement_it_says_how_to_get_there(self, service: Service) -> None:
        build(service)
        page = quality()
        notice = drawn(page, "no_judgements")
        assert notice is not None
        assert notice["title"] == "Nobody has judged an answer yet."
        assert drawn(page, "figures") is None

    def test_where_a_setting_turns_judging_off_it_says_so(
        self, service: Service, corpus: Path, store: Store
    ) -> None:
        build(service)
        off = load_settings(corpus=corpus, store=store.folder, threshold=0.0, feedback=False)
        silent = Service(off)
        silent.encoder = service.encoder
        current.use(silent)
        notice = drawn(quality(), "no_judgements")
        assert notice is not None
        assert notice["title"] == "Judging is switched off."

    def test_a_damaged_file_is_said_to_be_so(self, service: Service) -> None:
        build(service)
        service.judgements.path.write_bytes(b"not a database" * 100)
        screen = AppTest.from_file(PAGE, default_timeout=30)
        found = drawn(screen.switch_page("screens/quality.py").run(), "notice")
        assert found is not None
        assert "damaged" in found["title"]

    def test_judgements_are_listed_as_they_are(self, service: Service) -> None:
        build(service)
        judged(service, HOSTILE, verdict="down", reasons=("off_topic",), note=HOSTILE)
        judged(service, only=Filter("sub"))
        page = quality()
        data = drawn(page, "judged")
        assert data is not None
        assert {one["question"] for one in data["judgements"]} == {HOSTILE, DEPTH}
        by_question = {one["question"]: one for one in data["judgements"]}
        assert by_question[HOSTILE]["note"] == HOSTILE
        assert by_question[HOSTILE]["reasons"] == ["Off topic"]
        assert by_question[DEPTH]["address"] == {"q": DEPTH, "folder": "sub"}
        assert by_question[DEPTH]["narrowed"] == "Folder: sub"
        drawn_by_streamlit = [*page.markdown, *page.caption, *page.subheader]
        assert not [one for one in drawn_by_streamlit if "onerror" in one.value]

    def test_the_list_is_narrowed_to_a_reason_which_stands_in_the_address(
        self, service: Service
    ) -> None:
        build(service)
        judged(service)
        judged(service, "Green tea?", verdict="down", reasons=("incomplete",))
        page = quality()
        (pills,) = page.pills
        assert pills.options == ["All 2", "Helpful 1", "Not helpful 1", "Incomplete 1"]
        pills.set_value("incomplete").run()
        data = drawn(page, "judged")
        assert data is not None
        assert [one["question"] for one in data["judgements"]] == ["Green tea?"]
        assert page.query_params == {"kind": "incomplete"}

    def test_two_snapshots_stand_side_by_side(self, service: Service, corpus: Path) -> None:
        build(service)
        judged(service)
        page = quality()
        alone = drawn(page, "alone")
        assert alone is not None
        assert alone["text"] == "There is no earlier index to compare with."
        before = service.store.current() or ""
        path = corpus / "harbours.md"
        path.write_text(path.read_text().replace("14 metres deep", "15 metres deep"))
        build(service)
        page = quality()
        (one,) = (drawn(page, "differences") or {})["differences"]
        assert one["kind"] == "other"
        old, new = one["sides"]
        assert "14 metres" in old["quotes"][0]["text"]
        assert "15 metres" in new["quotes"][0]["text"]
        assert old["address"] == {"q": DEPTH, "snapshot": before}
        figures = drawn(page, "figures")
        assert figures is not None
        assert figures["rows"][0]["before"] != "–"

    def test_all_are_deleted_only_by_who_may_change_things(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build(service)
        judged(service)
        data = drawn(quality(), "judged")
        assert data is not None
        assert data["may_change"] is True
        with monkeypatch.context() as reader:
            reader.setattr("app.ui.current.may_change", lambda: False)
            page = quality()
            assert not [one for one in page.button if one.label == "Delete all"]
        page = quality()
        next(one for one in page.button if one.label == "Delete all").click().run()
        assert service.judgements.all() == []
        assert drawn(page, "no_judgements") is not None

    def test_without_an_index_the_judgements_are_listed_all_the_same(
        self, service: Service
    ) -> None:
        service.judgements.save(Judgement(DEPTH, "up", judge="a"))
        page = AppTest.from_file(PAGE, default_timeout=30)
        page.switch_page("screens/quality.py").run()
        problem = drawn(page, "not_compared")
        assert problem is not None
        assert "no index" in problem["text"]
        assert drawn(page, "judged") is not None
