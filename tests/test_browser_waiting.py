"""What a person sees while an answer takes long, and where the focus and the eye are after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from browser_harness import Visitor, build, served
from playwright.sync_api import Error, expect
from test_browser import BEES, DEPTH, DEPTH_QUOTE, HARBOURS, HONEY, chromium, link

__all__ = ["chromium"]

HEBREW = "# נמל חיפה\n\n## עומק\n\nעומק הנמל בחיפה הוא 14 מטרים, ואניות ארוכות יכולות לעגון בו.\n"
HAIFA = "מה עומק הנמל בחיפה?"
SLOW = """
import time
from pathlib import Path
from app.service import Service
answer = Service._answer
def slow(self, query, *more):
    while Path("wait").exists():
        time.sleep(0.05)
    return answer(self, query, *more)
Service._answer = slow
"""
"""Nothing is answered as long as there is a file of this name."""


@pytest.fixture(scope="module")
def library(chromium: object, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "harbours.md").write_text(HARBOURS)
    (corpus / "bees.md").write_text(BEES)
    (corpus / "hebrew.md").write_text(HEBREW)
    build(folder, models)
    return folder


@pytest.fixture(scope="module")
def base(library: Path) -> Iterator[str]:
    with served(library, first=SLOW) as address:
        yield address


@pytest.fixture
def visitor(chromium: object, base: str) -> Iterator[Visitor]:
    visitor = Visitor(chromium, base)
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []
    assert visitor.foreign() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_while_an_answer_takes_long_a_skeleton_and_then_a_bar_stand_in_its_place(
    visitor: Visitor, library: Path, scheme: str
) -> None:
    visitor.page.emulate_media(color_scheme=scheme)
    page = visitor.visit(link(HONEY))
    visitor.sees(".sentence", "15 kilograms")
    (library / "wait").touch()
    try:
        visitor.ask(DEPTH)
        page.locator(".waiting i").first.wait_for()
        page.get_by_role("progressbar", name="Searching the library").wait_for()
        expect(page.locator(".lead")).to_be_hidden()  # it is of the question before
        expect(visitor.page.get_by_placeholder("Ask a question")).to_have_value(DEPTH)
    finally:
        (library / "wait").unlink()
    visitor.sees(".sentence", DEPTH_QUOTE)
    expect(page.locator(".waiting")).to_have_count(0)


def test_the_focus_stays_in_the_box_from_the_first_question_on(visitor: Visitor) -> None:
    page = visitor.visit()
    visitor.ask(DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    visitor.settle()
    expect(page.get_by_placeholder("Ask a question")).to_be_focused()


def test_a_citation_says_which_words_it_stands_for(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH))
    name = "Source 1, of “The harbour of Porvenir is 14 …”: paragraph 1 of Harbours of the south"
    page.get_by_role("button", name=name).wait_for()


def test_on_a_phone_a_citation_brings_its_passage_into_sight(chromium: object, base: str) -> None:
    visitor = Visitor(chromium, base, width=390, height=560)
    page = visitor.visit(link(DEPTH) + "&s=2")
    visitor.sees(".card.on .number", "2")
    page.locator(".lead .chip", has_text="1").first.click()
    visitor.sees(".card.on .number", "1")
    expect(page.locator(".card.on .context mark").first).to_be_in_viewport()
    assert visitor.complaints == []
    visitor.context.close()


def test_a_question_and_its_sources_begin_on_their_own_side(visitor: Visitor) -> None:
    page = visitor.visit(link(HAIFA))
    visitor.sees(".card .place", "עומק")
    for selector in (".asking input", ".question", ".card .face"):
        expect(page.locator(selector).first).to_have_css("direction", "rtl")
    number, text = (
        page.locator(f".card {part}").first.bounding_box() for part in (".number", ".text")
    )
    assert number["x"] > text["x"]
    # "¶ 1 of 2" is not turned round: its sign stands left of its number.
    whole = page.locator(".card .whole").first
    assert whole.evaluate("(one) => getComputedStyle(one).unicodeBidi") == "isolate"
    assert whole.inner_text().startswith("¶ 1 of")


def test_on_paper_stand_question_answer_and_sources_alone(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH))
    visitor.sees(".sentence", DEPTH_QUOTE)
    page.emulate_media(media="print")
    for selector in (".question", ".lead", ".card .text"):
        expect(page.locator(selector).first).to_be_visible()
    for selector in (".asking", ".beside", ".actions", ".card summary"):
        expect(page.locator(selector).first).to_be_hidden()


def test_an_answer_that_comes_late_is_not_shown_for_a_later_question(visitor: Visitor) -> None:
    page = visitor.visit()
    held = []
    page.route("**/page/ask", lambda route: held.append(route), times=1)
    visitor.ask(HONEY)
    page.locator(".waiting i").first.wait_for()
    visitor.ask(DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    with suppress(Error):  # the page waits for it no more
        held[0].continue_()
    page.wait_for_timeout(500)
    visitor.sees(".question", DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    page.go_back()
    visitor.sees(".sentence", "15 kilograms")


def test_a_server_that_is_gone_is_said_to_be_and_asked_again(chromium: object, base: str) -> None:
    visitor = Visitor(chromium, base)
    page = visitor.visit(link(HONEY))
    visitor.sees(".sentence", "15 kilograms")
    page.route("**/page/*", lambda route: route.abort())
    visitor.ask(DEPTH)
    visitor.sees(".notice.error", "Passages does not answer.")
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".lead")).to_be_hidden()
    page.unroute("**/page/*")
    visitor.ask(DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    expect(page.locator(".notice")).to_have_count(0)
    visitor.context.close()


def test_from_a_document_one_step_leads_back_to_the_answer(visitor: Visitor) -> None:
    page = visitor.visit()
    visitor.ask(DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    page.get_by_role("link", name="Open document").click()
    page.wait_for_url("**/read?**")
    visitor.sees(".controls .where", "Paragraph 1 of")
    page.go_back()
    visitor.sees(".sentence", DEPTH_QUOTE)
    assert "/read" not in page.url
    page.go_back()
    page.get_by_role("heading", name="Ask the library").wait_for()


def test_of_many_documents_one_is_chosen_by_typing(visitor: Visitor) -> None:
    page = visitor.visit(link(HONEY))
    visitor.sees(".sentence", "15 kilograms")
    values = [[f"{n}.md", f"Volume {n}"] for n in range(70)] + [["bees.md", "Keeping bees"]]
    lists = [{"name": "document", "values": values}]
    told = {"lists": lists, "dates": ["2019", "2020-03-05"], "date": "[0-9]{4}"}
    page.route("**/page/choices", lambda route: route.fulfill(json=told))
    page.get_by_role("button", name="Narrow").click()
    field = page.locator("input[name=document]")
    field.fill("Keeping be")
    field.press("Enter")
    expect(field).to_have_value("")  # it is none of them
    field.fill("Keeping bees")
    field.press("Enter")
    page.wait_for_url("**document=bees.md**")
    visitor.sees(".narrowed", "Document: Keeping bees")
    since = page.locator("input[name=since]")
    since.fill("20")
    since.press("Enter")
    visitor.sees(".wrong", "Write 2020, 2020-03 or 2020-03-15.")
    assert "since" not in page.url
    since.fill("1999")
    since.press("Enter")
    page.wait_for_url("**since=1999**")
    expect(page.locator(".wrong").first).to_be_hidden()


def test_a_follow_up_that_is_asked_twice_keeps_its_words(visitor: Visitor) -> None:
    page = visitor.visit(link("How much honey do bees need?"))
    visitor.sees(".sentence", "15 kilograms")
    box = page.get_by_placeholder("Ask a question")
    box.fill("And when?")
    box.press("Enter")
    box.press("Enter")
    visitor.sees(".carried", "honey")
    page.wait_for_url("**about=**honey**")
    page.route("**/page/ask", lambda route: route.abort(), times=1)
    visitor.ask("And why?")
    visitor.sees(".notice.error", "Passages does not answer.")
    visitor.ask("And why?")
    visitor.sees(".question", "And why?")
    visitor.sees(".carried", "honey")
    visitor.complaints.clear()  # of the request that was broken off


def test_an_answer_to_the_same_question_begins_at_its_place_again(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH) + "&s=2")
    visitor.sees(".card.on .number", "2")
    assert visitor.in_sight(".body p.hit")
    page.locator(".body").evaluate("(one) => one.scrollTo(0, one.scrollTop + 2000)")
    visitor.ask(DEPTH)
    visitor.sees(".card.on .number", "1")
    visitor.sees(".body p.hit mark", DEPTH_QUOTE)
    assert visitor.in_sight(".body p.hit mark")


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("path", ["/", link(DEPTH)])
def test_on_a_phone_the_fields_that_narrow_fit(
    chromium: object, base: str, width: int, path: str
) -> None:
    visitor = Visitor(chromium, base, width=width, height=640)
    page = visitor.visit(path)
    page.get_by_role("button", name="Narrow").click()
    page.locator("select[name=document]").wait_for()
    assert visitor.overflow() <= 0
    assert visitor.violations() == []
    visitor.context.close()


def test_what_narrows_is_shown_beside_an_error_too(visitor: Visitor) -> None:
    page = visitor.visit(link("depth " * 400) + "&document=bees.md")
    visitor.sees(".notice.error", "The question has")
    visitor.sees(".narrowed", "Document: bees.md")
    page.get_by_role("button", name="Remove: Document: bees.md").click()
    page.locator(".narrowed").wait_for(state="detached")
    assert "document=" not in page.url
