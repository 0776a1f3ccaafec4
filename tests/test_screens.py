"""The screens as Streamlit runs them, without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder
from streamlit.testing.v1 import AppTest

from app.service import Service
from app.settings import load_settings
from app.ui import current
from app.ui.address import chips, filter_in, parameters_of
from index.filters import Filter
from index.store import Store

PAGE = Path(__file__).parents[1] / "app" / "page.py"
DEPTH = "How deep is the harbour of Porvenir?"
MAIL = (
    "From: Ida Holm <h@example.org>\nSubject: Dredging\nDate: Thu, 5 Mar 2020 10:00:00 +0000\n\n"
    "The harbour of Porvenir was dredged.\n"
)


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


def build(service: Service) -> None:
    service.build(lambda step: None)
    current.use(service)


def visit(**parameters: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=30)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


def drawn(page: AppTest, key: str) -> dict[str, Any] | None:
    """What a component of ours was given to draw, if it is on the screen."""
    assert not page.exception
    found = [one for one in page.get("bidi_component") if one.key == key]
    return json.loads(found[0].proto.json) if found else None


def documents_of(page: AppTest) -> set[str]:
    answer = drawn(page, "answer")
    assert answer is not None
    return {source["document"] for source in answer["sources"]}


class TestNarrowing:
    def test_a_filter_in_the_address_narrows_the_answer_and_is_shown(
        self, service: Service
    ) -> None:
        build(service)
        assert len(documents_of(visit(q=DEPTH))) > 1
        page = visit(q=DEPTH, folder="sub")
        assert documents_of(page) == {"sub/tea.md"}
        assert drawn(page, "narrow_chips") == {
            "chips": [{"name": "folder", "text": "Folder: sub"}],
            "left": "1 of 3 documents",
        }
        assert drawn(visit(q=DEPTH), "narrow_chips") is None

    def test_only_what_the_documents_have_is_offered(self, service: Service, corpus: Path) -> None:
        build(service)
        page = visit()
        page.session_state["narrow"] = True
        page.run()
        assert [one.label for one in page.selectbox] == ["Folder", "Format", "Document"]
        assert page.selectbox(key="narrow_format").options == ["markdown", "text"]
        assert not [one for one in page.text_input if one.label in ("From", "To")]
        (corpus / "mail.eml").write_text(MAIL)
        build(service)
        page.run()
        assert [one.label for one in page.selectbox][-1] == "Author"
        dates = [one.placeholder for one in page.text_input if one.label in ("From", "To")]
        assert dates == ["2020-03-05", "2020-03-05"]

    def test_what_is_chosen_stands_in_the_address_beside_the_question(
        self, service: Service
    ) -> None:
        build(service)
        page = visit(q=DEPTH, s="2")
        page.session_state["narrow"] = True
        page.run().selectbox(key="narrow_folder").set_value("sub").run()
        assert page.query_params == {"q": DEPTH, "folder": "sub"}
        assert documents_of(page) == {"sub/tea.md"}
        page.text_input(key="question_box").set_value("Green tea?")
        page.button[0].click().run()
        assert page.query_params == {"q": "Green tea?", "folder": "sub"}

    def test_a_filter_that_leaves_nothing_says_so(self, service: Service) -> None:
        build(service)
        page = visit(q=DEPTH, folder="gone", since="not a date")
        notice = drawn(page, "notice")
        assert notice is not None
        assert notice["title"] == "No document is left to search."
        assert drawn(page, "answer") is None

    def test_where_there_is_nothing_to_choose_nothing_is_offered(
        self, service: Service, corpus: Path
    ) -> None:
        for path in ("bees.txt", "sub/tea.md"):
            (corpus / path).unlink()
        build(service)
        assert not visit(q=DEPTH).get("popover")


def test_an_address_holds_a_filter_and_gives_it_back() -> None:
    only = Filter("policy", "pdf", "policy/a.pdf", "Ida & Co", "2020", "2021-06")
    assert filter_in(parameters_of(only)) == only
    assert parameters_of(Filter()) == {}
    assert filter_in({"since": "2020-13", "q": "x", "folder": " policy "}) == Filter("policy")
    shown = {chip["name"]: chip["text"] for chip in chips(only, {"policy/a.pdf": "Ferries"})}
    assert shown["document"] == "Document: Ferries"
    assert shown["until"] == "To: 2021-06"
