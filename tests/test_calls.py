"""What the page asks the server for beside Streamlit, without a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder
from samples import a_pdf
from starlette.testclient import TestClient

from app.calls import KEY, create_calls
from app.judgements import Judgement
from app.service import Service
from app.settings import load_settings
from app.ui import current, feedback
from index.filters import Filter
from index.store import Store

DEPTH = "How deep is the harbour of Porvenir?"
MAIL = (
    "From: Ida Holm <h@example.org>\nSubject: Dredging\nDate: Thu, 5 Mar 2020 10:00:00 +0000\n\n"
    "The harbour of Porvenir was dredged.\n"
)
JUDGE = "0123456789abcdef" * 2

Make = Callable[..., Service]


@pytest.fixture
def make(corpus: Path, store: Store, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A service over the small corpus, with settings of its own."""
    monkeypatch.setattr(current, "_service", None)

    def made(**settings: Any) -> Service:
        settings = {"threshold": 0.0, **settings}
        service = Service(load_settings(corpus=corpus, store=store.folder, **settings))
        service.encoder = encoder
        return service

    return made


@pytest.fixture
def service(make: Make) -> Service:
    service = make()
    service.build(lambda step: None)
    return service


class Page:
    """The page's own script: what it posts, and what it is told."""

    def __init__(self, service: Service, judge: str = "") -> None:
        self.client = TestClient(create_calls(service), raise_server_exceptions=False)
        if judge:
            self.client.cookies.set(feedback.COOKIE, judge)

    def post(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        # As browsers write it: with escapes for what is no text.
        headers = {"Content-Type": "application/json"}
        reply = self.client.post(path, content=json.dumps(body), headers=headers)
        assert reply.status_code == status, reply.text
        told: dict[str, Any] = reply.json()
        return told

    def ask(self, question: str = DEPTH, **more: Any) -> dict[str, Any]:
        return self.post("/ask", question=question, **more)


@pytest.fixture
def page(service: Service) -> Page:
    return Page(service)


def documents_of(told: dict[str, Any]) -> set[str]:
    return {source["document"] for source in told["answer"]["sources"]}


class TestAsking:
    def test_the_answer_is_the_one_that_the_library_gives(
        self, page: Page, service: Service
    ) -> None:
        told = page.ask()
        answer = service.ask(DEPTH)
        sentences = told["answer"]["sentences"]
        assert [one["text"] for one in sentences] == [one.quote for one in answer.citations]
        for one in sentences:
            at = one["at"]
            text = service.text(at["document"])
            assert text is not None
            assert text[at["start"] : at["end"]] == at["quote"] == one["text"]
        assert told["parameters"] == {"q": DEPTH}
        assert told["map"] is True
        assert told["narrowed"] is None

    def test_the_first_source_is_open_in_its_document(self, page: Page) -> None:
        told = page.ask()
        (source,) = (one for one in told["answer"]["sources"] if one["number"] == 1)
        assert told["answer"]["active"] == 1
        assert told["reader"]["document"] == source["document"]
        assert told["reader"]["focus"] == source["passage"]
        marked = [
            text
            for row in told["reader"]["passages"]
            for text, kind in row["pieces"]
            if kind == "quote"
        ]
        assert told["answer"]["sentences"][0]["text"] in marked

    def test_a_link_opens_its_source_and_one_that_is_not_there_the_first(self, page: Page) -> None:
        told = page.ask(source=2)
        assert told["answer"]["active"] == 2
        second = told["answer"]["sources"][1]
        assert told["reader"]["document"] == second["document"]
        assert page.ask(source=77)["answer"]["active"] == 1

    def test_where_nothing_is_answered_nothing_is_open_and_questions_are_suggested(
        self, make: Make, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert service.suggestions()
        strict = make(threshold=1.0)
        monkeypatch.setattr(strict, "suggestions", service.suggestions)
        told = Page(strict).ask("zeppelin")
        assert told["answer"]["answered"] is False
        assert told["answer"]["active"] == 0
        assert told["reader"] is None
        assert told["answer"]["sentences"] == []
        assert told["answer"]["suggestions"] == service.suggestions()

    @pytest.mark.parametrize("question", ["", "  \n", "depth " * 1000])
    def test_a_question_that_is_none_is_explained(self, page: Page, question: str) -> None:
        problem = page.post("/ask", 422, question=question)["problem"]
        assert problem["kind"] == "error"
        assert problem["title"].startswith("The question ")
        assert problem["build"] is False

    @pytest.mark.parametrize("question", ["🐝🐝?", "\u202eמה עומק הנמל", "\x00", "a\ud800b"])
    def test_any_characters_are_asked(self, page: Page, question: str) -> None:
        told = page.ask(question)["answer"]["question"]
        assert told == question.encode("utf-8", "replace").decode().strip()

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"question": 3},
            {"question": "a", "source": "1"},
            {"question": "a", "only": []},
            {"question": "a", "only": {"folder": 1}},
            {"question": "a", "more": 1},
        ],
    )
    def test_what_is_no_question_is_refused_in_words(
        self, page: Page, body: dict[str, Any]
    ) -> None:
        assert page.post("/ask", 422, **body)["detail"]

    def test_without_an_index_the_way_to_one_is_told(self, make: Make) -> None:
        page = Page(make())
        for told in (page.post("/start", 503), page.post("/ask", 503, question=DEPTH)):
            assert told["problem"]["title"] == "There is no index yet."
            assert told["problem"]["command"] == "python -m app build"
            assert told["problem"]["build"] is True

    def test_an_earlier_index_answers_where_a_link_names_it(
        self, service: Service, corpus: Path
    ) -> None:
        before = service.answering() or ""
        path = corpus / "harbours.md"
        path.write_text(path.read_text().replace("14 metres deep", "15 metres deep"))
        service.build(lambda step: None)
        page = Page(service)
        told = page.ask(snapshot=before)
        assert "14 metres" in told["answer"]["sentences"][0]["text"]
        assert told["notice"]["title"] == "This is how the index before answers."
        assert told["feedback"] is None  # what is judged is in use
        assert told["map"] is False
        source = told["answer"]["sources"][0]
        there = page.post("/reader", passage=source["id"], snapshot=before)
        assert "14 metres" in str(there["passages"])
        gone = page.ask(snapshot="000099-gone")
        assert gone["notice"]["title"].startswith("The index that this link names")
        assert "15 metres" in gone["answer"]["sentences"][0]["text"]
        assert "notice" not in page.ask()


class TestFollowingUp:
    def test_words_are_carried_over_and_told(self, page: Page) -> None:
        told = page.ask("And the ships?", before=DEPTH)
        assert told["asked"]["about"] == "deep harbour Porvenir"
        assert told["parameters"] == {"q": "And the ships?", "about": "deep harbour Porvenir"}
        assert told["answer"]["question"] == "And the ships?"
        assert told["answer"]["sources"][0]["document"] == "harbours.md"
        assert page.ask("Who keeps bees and why?", before=DEPTH)["asked"]["about"] == ""

    def test_a_link_carries_the_same_words_and_not_too_many(self, page: Page) -> None:
        assert page.ask("And when?", about="honey winter")["asked"]["about"] == "honey winter"
        assert len(page.ask("And?", about="a " * 500)["asked"]["about"].split()) == 8


class TestNarrowing:
    def test_a_filter_narrows_the_answer_and_is_shown(self, page: Page) -> None:
        assert len(documents_of(page.ask())) > 1
        told = page.ask(only={"folder": "sub"})
        assert documents_of(told) == {"sub/tea.md"}
        assert told["narrowed"] == {
            "chips": [{"name": "folder", "text": "Folder: sub"}],
            "label": "The search is narrowed",
            "before": "",
            "after": "1 of 3 documents",
        }
        assert told["parameters"] == {"q": DEPTH, "folder": "sub"}

    def test_what_makes_no_sense_counts_as_not_given(self, page: Page) -> None:
        told = page.ask(only={"since": "not a date", "colour": "red", "format": "markdown"})
        assert told["asked"]["only"] == {"format": "markdown"}

    def test_a_filter_that_leaves_nothing_says_so(self, page: Page) -> None:
        told = page.ask(only={"folder": "gone"})
        assert told["notice"]["title"] == "No document is left to search."
        assert "answer" not in told
        assert told["narrowed"]["after"] == "0 of 3 documents"

    def test_only_what_the_documents_have_is_offered(
        self, page: Page, service: Service, corpus: Path
    ) -> None:
        told = page.post("/choices")
        assert [one["name"] for one in told["lists"]] == ["folder", "format", "document"]
        formats = next(one for one in told["lists"] if one["name"] == "format")
        assert formats["values"] == [["markdown", "markdown"], ["text", "text"]]
        assert told["dates"] == []
        (corpus / "mail.eml").write_text(MAIL)
        service.build(lambda step: None)
        told = page.post("/choices")
        assert [one["name"] for one in told["lists"]][-1] == "author"
        assert told["dates"] == ["2020-03-05", "2020-03-05"]

    def test_of_a_single_document_nothing_is_offered(self, service: Service, corpus: Path) -> None:
        for path in ("bees.txt", "sub/tea.md"):
            (corpus / path).unlink()
        service.build(lambda step: None)
        assert Page(service).ask()["can_narrow"] is False


class TestStart:
    def test_it_tells_what_there_is_and_suggests_questions(
        self, page: Page, service: Service
    ) -> None:
        told = page.post("/start")
        assert told["facts"].startswith("3 documents · ")
        assert told["suggestions"] == service.suggestions()
        assert told["can_narrow"] is True

    def test_of_some_documents_nothing_is_suggested(self, page: Page) -> None:
        told = page.post("/start", only={"folder": "sub"})
        assert told["suggestions"] == []
        assert told["narrowed"]["after"] == "1 of 3 documents"


class TestReading:
    def test_a_passage_stands_among_its_neighbours_with_the_quotes_marked(self, page: Page) -> None:
        answer = page.ask()["answer"]
        quotes = [one["at"] for one in answer["sentences"]]
        source = answer["sources"][0]
        told = page.post("/reader", passage=source["id"], quotes=quotes)
        assert told["focus"] == source["passage"]
        assert told["total"] == source["total"]
        assert [quotes[0]["quote"], "quote"] in told["passages"][source["passage"] - 1]["pieces"]

    def test_one_that_is_gone_is_said_to_be(self, page: Page) -> None:
        assert "no passage 'gone'" in str(page.post("/reader", 404, passage="gone")["problem"])

    def test_the_page_of_a_pdf_is_drawn_with_boxes(
        self, make: Make, corpus: Path, service: Service
    ) -> None:
        (corpus / "ferry.pdf").write_bytes(a_pdf())
        service.build(lambda step: None)
        page = Page(service)
        answer = page.ask("When does the ferry to Sandholm leave?")["answer"]
        source = next(one for one in answer["sources"] if one["document"] == "ferry.pdf")
        assert source["drawn"] is True
        quotes = [one["at"] for one in answer["sentences"]]
        told = page.post("/picture", passage=source["id"], quotes=quotes)
        assert told["image"].startswith("data:image/webp;base64,")
        assert told["boxes"]
        (corpus / "ferry.pdf").unlink()
        told = page.post("/picture", passage=source["id"], quotes=quotes)
        assert told["problem"]["title"] == "The page cannot be shown."


class TestJudging:
    def say(self, page: Page, status: int = 200, **said: Any) -> dict[str, Any]:
        thumbs = page.ask(only=said.pop("only", {}))["feedback"]
        answer = {name: thumbs[name] for name in ("judged", "seal")}
        event = {"verdict": "up", "reasons": [], "note": "", "judge": JUDGE, **said}
        return page.post("/judge", status, **{**answer, **event})

    def test_thumbs_are_below_an_answer(self, page: Page) -> None:
        thumbs = page.ask()["feedback"]
        assert (thumbs["answered"], thumbs["verdict"]) == (True, "")
        names = [one["name"] for one in thumbs["offered"]]
        assert names == ["wrong_answer", "wrong_source", "off_topic", "incomplete", "out_of_date"]

    def test_where_nothing_is_quoted_they_ask_whether_that_is_right(
        self, make: Make, service: Service
    ) -> None:
        thumbs = Page(make(threshold=1.0)).ask("zeppelin")["feedback"]
        assert thumbs["answered"] is False
        assert [one["text"] for one in thumbs["offered"]] == ["There is an answer"]

    def test_what_was_said_is_kept_with_the_places_and_shown_to_who_said_it(
        self, service: Service
    ) -> None:
        page = Page(service, JUDGE)
        told = self.say(page, verdict="down", reasons=["incomplete"], note=" More. ")
        assert (told["verdict"], told["said"]) == ("down", "Thank you.")
        (kept,) = service.judgements.all()
        assert kept.question == DEPTH
        assert kept.sources == feedback.sources_of(service.ask(DEPTH))
        assert (kept.reasons, kept.note) == (("incomplete",), "More.")
        assert kept.snapshot == service.answering()
        shown = page.ask()["feedback"]
        assert (shown["verdict"], shown["reasons"]) == ("down", ["incomplete"])
        assert Page(service).ask()["feedback"]["verdict"] == ""  # somebody else has not judged yet
        assert page.ask(only={"folder": "sub"})["feedback"]["verdict"] == ""

    def test_it_can_be_taken_back(self, page: Page, service: Service) -> None:
        self.say(page)
        assert len(service.judgements.all()) == 1
        told = self.say(page, verdict="")
        assert (told["verdict"], told["said"]) == ("", "Your judgement was taken back.")
        assert service.judgements.all() == []

    def test_a_narrowed_question_is_another_one(self, page: Page, service: Service) -> None:
        self.say(page)
        self.say(page, only={"folder": "sub"})
        assert {one.only for one in service.judgements.all()} == {Filter(), Filter("sub")}

    @pytest.mark.parametrize(
        "said",
        [
            {"verdict": "x"},
            {"verdict": None},
            {"judge": "me"},
            {"reasons": ["x"]},
            {"note": 3},
            {"judged": {}},
        ],
    )
    def test_what_is_no_judgement_is_refused(
        self, page: Page, service: Service, said: dict[str, Any]
    ) -> None:
        assert self.say(page, 422, **said)["detail"]
        assert service.judgements.all() == []

    def test_a_setting_turns_it_off(self, make: Make, service: Service) -> None:
        told = Page(make(feedback=False)).ask()
        assert told["answer"]["answered"]
        assert told["feedback"] is None

    def test_a_damaged_file_never_stands_in_the_way_of_an_answer(
        self, page: Page, service: Service
    ) -> None:
        thumbs = page.ask()["feedback"]
        service.judgements.path.write_bytes(b"not a database" * 100)
        told = page.ask()
        assert told["answer"]["answered"]
        assert "damaged" in told["feedback"]["problem"]["text"]
        event = {"verdict": "up", "reasons": [], "note": "", "judge": JUDGE}
        answer = {name: thumbs[name] for name in ("judged", "seal")}
        problem = page.post("/judge", **answer, **event)["problem"]
        assert problem["title"] == "Your judgement was not kept."

    def test_only_an_answer_that_was_given_is_judged(self, page: Page, service: Service) -> None:
        judged = json.loads(page.ask()["feedback"]["judged"]) | {"question": "Spam?"}
        for forged in (json.dumps(judged), "", "{"):
            problem = self.say(page, judged=forged)["problem"]
            assert "Ask the question again" in problem["text"]
        assert service.judgements.all() == []

    def test_where_a_setting_says_so_nothing_is_judged(self, make: Make, service: Service) -> None:
        silent = make(feedback=False)
        page = Page(silent)
        body = {"judged": "{}", "seal": silent.seal("{}"), "verdict": "up", "judge": JUDGE}
        told = page.post("/judge", **body, reasons=[], note="")
        assert "not judged here" in told["problem"]["text"]
        assert silent.judgements.all() == []


def test_a_thumb_up_needs_no_reasons_and_a_long_note_is_cut() -> None:
    judged = Judgement(DEPTH, "up")
    assert feedback.given(judged, "up", ["off_topic"], "note") == judged
    said = feedback.given(judged, "down", ["off_topic"], "n" * 5000)
    assert said == replace(judged, verdict="down", reasons=("off_topic",), note="n" * 2000)
    assert feedback.given(judged, "", [], "") is None


class TestSigningIn:
    def ask(self, service: Service, key: str) -> int:
        page = Page(service)
        headers = {KEY: key.encode("latin-1")} if key else {}
        status: int = page.client.post(
            "/ask", json={"question": DEPTH}, headers=headers
        ).status_code
        return status

    def test_only_the_page_may_ask(self, make: Make, service: Service) -> None:
        closed = make(access="login")
        assert self.ask(closed, "") == self.ask(closed, "guessed") == self.ask(closed, "é") == 401
        assert self.ask(closed, closed.key()) == 200

    def test_a_key_is_of_its_day_and_the_next(
        self, make: Make, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = make(access="login")
        key, now = closed.key(), time.time()
        monkeypatch.setattr(time, "time", lambda: now + 86_400)
        assert closed.key() != key
        assert self.ask(closed, key) == 200
        monkeypatch.setattr(time, "time", lambda: now + 2 * 86_400)
        assert self.ask(closed, key) == 401

    def test_where_nobody_signs_in_no_key_is_asked_for(self, service: Service) -> None:
        assert self.ask(service, "") == 200
