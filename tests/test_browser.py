"""The page as a person meets it: a real server, a real model, a real browser.

Needs Chromium: the one named by PASSAGES_CHROMIUM, or one on the PATH. Where there is none these
tests are skipped, and the summary says so; with CI=true that is a failure.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from browser_harness import ARGUMENTS, PATIENCE, Visitor, build, find_chromium, give, served
from playwright.sync_api import expect

HARBOURS = """# Harbours of the south

## Depth

The town lies at the end of a long sound. The harbour of Porvenir is 14 metres deep. Ships of 200
metres can berth there.

A pilot is required at night, as the chart of 1998 says, and he must be ordered a day before.

## Fees

The berth fee is 3 dollars per tonne. Warships pay no fee when they visit at the invitation of the
government.
"""
BEES = """# Keeping bees

A hive holds about 50,000 bees in summer. Holm counted them by weight, twice in each week.

Honey is taken in July. The bees need 15 kilograms of it to live through the winter.
"""
HOSTILE = (
    "The zeppelin of Gurney carries ![remote](http://elsewhere.example/a.png) nine passengers, "
    "costs $5 or $x^2$ and is :red[loud] and :material/home: <script>document.title=1</script>"
    ' <img src="http://elsewhere.example/b.png" onerror="document.title=1"> **as ever** &amp; 𝔊 so'
    " [here](javascript:alert(1)).\n\nIts crew sleeps in hammocks below the gas bags of the ship.\n"
)
AIRSHIP = "a $x$ :red[airship] <b>"
LIGHTHOUSE = "# Lights\n\nThe lighthouse of Evangelistas is 58 metres above the sea.\n"

DEPTH = "How deep is the harbour of Porvenir?"
DEPTH_QUOTE = "The harbour of Porvenir is 14 metres deep."
HONEY = "How much honey do the bees need for the winter?"


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    path = find_chromium()
    if path is None:
        why = "No Chromium: the page was NOT tested. Install one or set PASSAGES_CHROMIUM."
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def library(chromium: object, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "harbours.md").write_text(HARBOURS)
    (corpus / "bees.md").write_text(BEES)
    (corpus / f"{AIRSHIP}.txt").write_text(HOSTILE)
    (corpus / "broken.md").write_bytes(b"\x00\x01\x02\xff" * 400)
    build(folder, models)
    return folder


@pytest.fixture(scope="module")
def base(library: Path) -> Iterator[str]:
    with served(library) as address:
        yield address


@pytest.fixture
def visitor(chromium: object, base: str) -> Iterator[Visitor]:
    visitor = Visitor(chromium, base)
    yield visitor
    visitor.context.close()
    assert visitor.complaints == []
    assert visitor.foreign() == []


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Stops the builder that has just been started, so that it cannot be done before it is seen."""
    until = time.monotonic() + PATIENCE / 1000
    while (said := json.loads(state.read_text()))["state"] != "running":
        assert time.monotonic() < until, said
        time.sleep(0.02)
    os.kill(said["process"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(said["process"], signal.SIGCONT)


def link(question: str) -> str:
    return f"/?q={quote_plus(question)}"


def test_a_typed_question_is_answered_in_the_documents_words(visitor: Visitor) -> None:
    page = visitor.visit()
    expect(page.get_by_role("heading", name="Ask the library")).to_be_visible()
    visitor.ask(DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    visitor.sees(".match", re.compile("Strong|Partial|Weak"))
    visitor.sees(".card", "Harbours of the south › Depth · ¶ 1 of")
    visitor.sees(".card mark", DEPTH_QUOTE)


def test_the_words_that_answer_are_bold(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH))
    visitor.sees(".sentence", DEPTH_QUOTE)
    bold = page.locator(".lead .sentence strong").first
    assert "14" in bold.inner_text()
    assert len(bold.inner_text()) < len(DEPTH_QUOTE)
    assert int(bold.evaluate("one => getComputedStyle(one).fontWeight")) >= 600


def test_a_citation_opens_its_passage_in_the_document(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH))
    visitor.sees(".sentence", DEPTH_QUOTE)
    page.keyboard.press("2")
    page.wait_for_url("**s=2**")
    page.locator(".card.on .number", has_text="2").wait_for()
    chip = page.locator(".lead .chip").first
    chip.hover()
    visitor.sees(".tip", DEPTH_QUOTE)
    chip.click()
    page.wait_for_url("**s=1**")
    visitor.sees(".body p.hit mark", DEPTH_QUOTE)
    # "Visible" is not enough: the passage must be scrolled into the reader's window.
    assert visitor.in_sight(".body p.hit mark")
    assert page.locator(".body p").count() > 1
    visitor.sees(".body h3", "Depth")


def test_a_link_with_a_source_opens_answered_at_that_source(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH) + "&s=2")
    visitor.sees(".sentence", DEPTH_QUOTE)
    visitor.sees(".card.on .number", "2")
    expect(page.get_by_placeholder("Ask a question")).to_have_value(DEPTH)


def test_the_document_opens_at_the_passage_and_keys_walk_through_it(visitor: Visitor) -> None:
    page = visitor.visit(link(DEPTH))
    page.get_by_role("link", name="Open document").click()
    page.wait_for_url("**/read?**")
    visitor.sees(".controls .where", "Paragraph 1 of")
    visitor.sees(".body p.hit mark", DEPTH_QUOTE)
    page.keyboard.press("j")
    visitor.sees(".controls .where", "Paragraph 2 of")
    visitor.sees(".body p.hit", "A pilot is required at night")
    page.wait_for_url("**p=2**")
    page.get_by_role("button", name="Previous", exact=True).click()
    visitor.sees(".controls .where", "Paragraph 1 of")
    page.get_by_role("link", name="Back to the answer").click()
    visitor.sees(".sentence", DEPTH_QUOTE)


def test_what_the_library_does_not_answer_is_said_to_be_so(visitor: Visitor) -> None:
    page = visitor.visit(link("Who won the football world cup in 1974?"))
    visitor.sees(".note", "No passage was found that answers this.")
    visitor.sees("h3", "Only the nearest passages")
    expect(page.locator(".lead, mark")).to_have_count(0)


def test_back_steps_to_the_question_before(visitor: Visitor) -> None:
    page = visitor.visit()
    visitor.ask(DEPTH)
    visitor.sees(".question", DEPTH)
    visitor.ask(HONEY)
    visitor.sees(".sentence", "The bees need 15 kilograms of it")
    page.go_back()
    visitor.sees(".question", DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    expect(page.get_by_placeholder("Ask a question")).to_have_value(DEPTH)
    page.go_back()
    page.get_by_role("heading", name="Ask the library").wait_for()
    page.go_forward()
    visitor.sees(".question", DEPTH)


@pytest.mark.parametrize("path", ["/library", "/quality"])
def test_a_screen_without_a_box_leads_to_the_question_by_its_key(
    visitor: Visitor, path: str
) -> None:
    page = visitor.visit()
    page.get_by_test_id("stTopNavLink").nth(-1 if path == "/library" else -2).click()
    page.wait_for_url(f"**{path}")
    page.get_by_role("heading", name=path[1:].title(), exact=True).wait_for()
    visitor.settle()
    page.wait_for_function("() => window.passagesKeys?.question")
    page.keyboard.press("/")
    page.get_by_role("heading", name="Ask the library").wait_for()
    page.locator("input:focus").wait_for()
    page.keyboard.type(DEPTH)
    page.keyboard.press("Enter")
    visitor.sees(".sentence", DEPTH_QUOTE)


def test_a_suggested_question_is_answered(visitor: Visitor) -> None:
    page = visitor.visit()
    suggestion = page.locator(".suggestions button").first
    question = suggestion.text_content()
    suggestion.click()
    visitor.sees(".question", question)
    page.locator(".sentence").first.wait_for()


def test_a_suggestion_is_asked_where_nothing_was_answered_too(visitor: Visitor) -> None:
    page = visitor.visit(link("Who won the football world cup in 1974?"))
    visitor.sees(".note", "No passage was found that answers this.")
    suggestion = page.locator(".actions button").first
    question = suggestion.text_content()
    suggestion.click()
    visitor.sees(".question", question)
    page.locator(".sentence").first.wait_for()


def test_the_search_is_narrowed_shown_to_be_so_and_cleared_with_one_click(
    visitor: Visitor,
) -> None:
    page = visitor.visit(link(DEPTH))
    visitor.sees(".sentence", DEPTH_QUOTE)
    page.get_by_role("button", name="Narrow").click()
    offered = page.get_by_label("Document").locator("option")
    expect(offered.filter(has_text=AIRSHIP)).to_have_text(AIRSHIP)
    page.locator("select[name=format]").select_option("text")
    page.wait_for_url("**format=text")
    visitor.sees(".narrowed", "Format: text")
    visitor.sees(".narrowed", "1 of 3 documents")
    expect(page.locator(".card b", has_text="Harbours")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("select[name=format]")).to_be_hidden()
    expect(page.get_by_role("button", name="Narrow")).to_be_focused()
    visitor.visit(link(HONEY) + "&format=markdown")
    visitor.sees(".sentence", "The bees need 15 kilograms of it")
    page.get_by_role("link", name="Open document").click()
    page.wait_for_url("**/read?**format=markdown**")
    visitor.sees(".body p.hit mark", "15 kilograms")
    page.get_by_role("link", name="Back to the answer").click()
    page.get_by_role("button", name="Remove: Format: markdown").click()
    page.locator(".narrowed").wait_for(state="detached")
    assert "format" not in page.url
    page.go_back()
    visitor.sees(".narrowed", "Format: markdown")


def test_blank_questions_stay_and_long_ones_are_explained(visitor: Visitor) -> None:
    page = visitor.visit()
    visitor.ask("   ")
    visitor.settle()
    expect(page.get_by_role("heading", name="Ask the library")).to_be_visible()
    visitor.sees(".notice", "Write a question first.")
    assert "q=" not in page.url
    visitor.ask(DEPTH)
    visitor.sees(".sentence", DEPTH_QUOTE)
    visitor.ask("")
    visitor.sees(".notice", "Write a question first.")
    visitor.sees(".sentence", DEPTH_QUOTE)
    assert "q=" in page.url
    long = "depth " * 400
    visitor.ask(long)
    visitor.sees(".notice", re.compile("2[, ]?399|long", re.IGNORECASE))
    expect(page.get_by_placeholder("Ask a question")).to_have_value(long.strip())


def test_markup_in_documents_is_shown_as_its_own_characters(visitor: Visitor) -> None:
    text = HOSTILE.split("\n\n")[0]
    question = "What does the zeppelin of Gurney carry? <img src=x onerror=alert(1)> $x$ :red[x]"
    page = visitor.visit(link(question))
    visitor.sees(".question", question)
    visitor.sees(".sentence", "The zeppelin of Gurney")
    assert text in page.locator(".body p.hit").text_content()
    for sentence in page.locator(".sentence").all_text_contents():
        assert sentence in HOSTILE
    page.get_by_role("link", name="Open document").click()
    visitor.sees(".body p.hit", text)
    for path in ("/library", "/read"):
        visitor.visit(path)
    assert page.title() in {"Library", "Read", "Passages"}
    expect(page.locator(".body img, .body script, .body a, .katex")).to_have_count(0)


def test_the_library_lists_what_was_read_and_what_was_not(visitor: Visitor) -> None:
    page = visitor.visit("/library")
    files = page.locator(".file")
    files.filter(has_text="broken.md").filter(has_text="The file is binary").wait_for()
    files.filter(has_text=f"{AIRSHIP}.txt").filter(has_text="100%").wait_for()
    page.get_by_role("radio", name="Failed 1").click()
    page.wait_for_url("**state=failed")
    files.filter(has_text="Keeping bees").wait_for(state="detached")
    expect(files).to_have_count(1)
    page.go_back()
    page.get_by_role("button", name="Keeping bees").click()
    page.wait_for_url("**/read?doc=bees.md")


NARROWED = link(DEPTH) + "&format=markdown&document=harbours.md&since=1900"


@pytest.mark.parametrize("path", ["/", link(DEPTH), NARROWED, "/read", "/library"])
def test_a_phone_shows_everything_without_scrolling_sideways(
    chromium: object, base: str, path: str
) -> None:
    visitor = Visitor(chromium, base, width=320, height=640)
    page = visitor.visit(path)
    ready = {"/": ".suggestions button", "/read": ".body p", "/library": "[data-testid=stMetric]"}
    ready[NARROWED] = ".narrowed"
    page.locator(ready.get(path, ".lead")).first.wait_for()
    assert visitor.overflow() <= 0
    visitor.context.close()


def test_a_rebuild_shows_its_progress_and_the_page_goes_on_answering(
    visitor: Visitor, library: Path, chromium: object, base: str
) -> None:
    (library / "corpus" / "lights.md").write_text(LIGHTHOUSE)
    page = visitor.visit("/library")
    page.get_by_role("button", name="Rebuild the index").click()
    other = Visitor(chromium, base)  # a second page sees the same build, and is answered meanwhile
    with held(library / "store" / "build.json"):
        page.get_by_test_id("stProgress").wait_for()
        other.visit("/library").get_by_test_id("stProgress").wait_for()
        other.visit(link(HONEY))
        other.sees(".sentence", "The bees need 15 kilograms of it")
    visitor.sees(".notice.info", "The index has been rebuilt, but 1 file cannot be read.")
    page.locator("[data-testid=stMetric]", has_text="Documents").get_by_text("4").wait_for()
    other.visit(link("How high above the sea is the lighthouse of Evangelistas?"))
    other.sees(".sentence", "58 metres above the sea")
    other.context.close()


def test_a_missing_index_is_explained_and_can_be_built_from_the_page(
    chromium: object, models: Path, tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    give(models, tmp_path)
    with served(tmp_path) as base:
        visitor = Visitor(chromium, base)
        for path in ("/", link(DEPTH), "/library", "/read"):
            visitor.visit(path)
            visitor.sees(".notice", "index")
            visitor.sees(".notice", "python -m app build")
        page = visitor.visit("/library")
        page.get_by_role("button", name="Build the index").click()
        visitor.sees(".notice.error", "The last build failed.")  # the folder is empty
        (tmp_path / "corpus" / "bees.md").write_text(BEES)
        page.get_by_role("button", name="Build the index").click()
        visitor.sees(".notice.done", "The index has been rebuilt.")
        visitor.visit(link(HONEY))
        visitor.sees(".sentence", "The bees need 15 kilograms of it")
        assert visitor.complaints == []
        visitor.context.close()
