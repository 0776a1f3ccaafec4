"""Judging answers, and the Quality screen, as a person meets them: a real server and browser."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_harness import Visitor, build, environment, run_app, served
from playwright.sync_api import expect
from test_browser import BEES, DEPTH, DEPTH_QUOTE, HARBOURS, HONEY, chromium, link

__all__ = ["chromium"]

ABSENT = "Who won the football world cup in 1974?"
NOTE = "It does not say <b>which</b> :red[honey]."
FEEDBACK = ".thumbs"


@pytest.fixture(scope="module")
def library(chromium: object, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "harbours.md").write_text(HARBOURS)
    (folder / "corpus" / "bees.md").write_text(BEES)
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


def press(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("button", name=name, exact=True).click()


def quality(visitor: Visitor) -> None:
    visitor.visit("/quality")
    visitor.sees(".judgements, .notice", "")
    visitor.page.locator(".figures, .notice").first.wait_for()
    visitor.settle()


def test_before_the_first_judgement_the_screen_says_how_to_get_there(visitor: Visitor) -> None:
    visitor.visit("/quality")
    visitor.sees(".notice", "Nobody has judged an answer yet.")
    assert visitor.violations() == []
    visitor.page.get_by_role("link", name="Ask a question").click()
    visitor.page.get_by_role("heading", name="Ask the library").wait_for()


def test_a_thumb_down_with_its_reason_appears_on_the_quality_screen(visitor: Visitor) -> None:
    page = visitor.visit(link(HONEY))
    visitor.sees(FEEDBACK, "Was this helpful?")
    assert "passages_judge" not in page.evaluate("document.cookie")
    press(visitor, "No, it was not helpful")
    visitor.sees(".announce:has-text('Thank')", "Thank you.")
    assert "passages_judge" in page.evaluate("document.cookie")
    page.get_by_role("textbox", name="A note").fill(NOTE)
    press(visitor, "Incomplete")
    page.locator(".reason[aria-pressed=true]", has_text="Incomplete").wait_for()
    expect(page.get_by_role("textbox", name="A note")).to_have_value(NOTE)
    assert visitor.violations() == []
    page.reload()  # the browser is known again by its cookie
    page.locator(".thumb.down[aria-pressed=true]").wait_for()
    page.locator(".reason[aria-pressed=true]", has_text="Incomplete").wait_for()
    expect(page.get_by_role("textbox", name="A note")).to_have_value(NOTE)
    quality(visitor)
    page.get_by_role("radio", name="Incomplete 1").click()
    page.wait_for_url("**kind=incomplete")
    visitor.sees(".judgement .asked", HONEY)
    visitor.sees(".judgement .said", NOTE)
    visitor.sees(".judgement .facts", "Incomplete")
    page.locator(".judgement .asked").first.click()
    visitor.sees(".question", HONEY)


def test_a_judgement_is_changed_and_taken_back_by_keyboard(visitor: Visitor) -> None:
    page = visitor.visit(link("How many bees does a hive hold in summer?"))
    visitor.sees(FEEDBACK, "Was this helpful?")
    up = page.get_by_role("button", name="Yes, it was helpful")
    up.focus()
    page.keyboard.press("Enter")
    page.locator(".thumb.up[aria-pressed=true]:focus").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator(".thumb.down[aria-pressed=true]:focus").wait_for()
    page.locator(".thumb.up[aria-pressed=false]").wait_for()
    page.get_by_role("button", name="Take back").focus()
    page.keyboard.press("Enter")
    visitor.sees(".announce:has-text('taken')", "Your judgement was taken back.")
    page.locator(".thumb.up:focus").wait_for()
    expect(page.locator(".thumb[aria-pressed=true]")).to_have_count(0)


def test_a_second_tab_and_another_browser_know_who_judged(
    visitor: Visitor,
    chromium: object,
    base: str,
) -> None:
    visitor.visit(link(ABSENT))
    visitor.sees(FEEDBACK, "Is it right that nothing is quoted?")
    press(visitor, "Yes, the documents do not answer this")
    visitor.page.locator(".thumb.up[aria-pressed=true]").wait_for()
    tab = visitor.context.new_page()
    tab.goto(base + link(ABSENT))
    tab.locator(".thumb.up[aria-pressed=true]").wait_for()
    other = Visitor(chromium, base)
    other.visit(link(ABSENT))
    other.sees(FEEDBACK, "Is it right that nothing is quoted?")
    expect(other.page.locator(".thumb[aria-pressed=true]")).to_have_count(0)
    press(other, "No, something is wrong")
    press(other, "There is an answer")
    other.page.locator(".reason[aria-pressed=true]").wait_for()
    press(other, "Take back")
    other.page.locator(".why").wait_for(state="detached")
    other.context.close()


def test_an_export_is_measured_by_eval(visitor: Visitor, library: Path, tmp_path: Path) -> None:
    page = visitor.visit(link(DEPTH))
    visitor.sees(FEEDBACK, "Was this helpful?")
    press(visitor, "Yes, it was helpful")
    page.locator(".thumb.up[aria-pressed=true]").wait_for()
    quality(visitor)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        packed.extractall(tmp_path / "mine")
    done = subprocess.run(
        run_app(library, "eval", str(tmp_path / "mine"), "--json"),
        cwd=library,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["figures"]["recall@1"] == 1


def test_after_a_rebuild_the_screen_names_what_is_answered_differently(
    visitor: Visitor, library: Path, models: Path
) -> None:
    harbours = library / "corpus" / "harbours.md"
    harbours.write_text(HARBOURS.replace("14 metres deep", "15 metres deep"))
    build(library, models)
    quality(visitor)
    page = visitor.page
    card = page.locator(".card", has_text=DEPTH)
    card.locator(".quote", has_text="15 metres deep").wait_for()
    assert card.locator(".answer").first.locator(".quote").first.inner_text() == DEPTH_QUOTE
    expect(page.locator(".card", has_text=HONEY)).to_have_count(0)
    visitor.sees(".figures", "The one before")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert visitor.violations() == []
    card.get_by_role("link", name="Ask the one before").click()
    visitor.sees(".notice", "This is how the index before answers.")
    visitor.sees(".sentence", DEPTH_QUOTE)
    assert visitor.violations() == []
    page.get_by_role("button", name="Ask", exact=True).click()
    visitor.sees(".sentence", "15 metres deep")
    assert "snapshot" not in page.url
    page.go_back()
    visitor.sees(".sentence", DEPTH_QUOTE)
    page.go_back()
    page.get_by_role("heading", name="Quality").wait_for()


@pytest.mark.parametrize("path", [link(HONEY), "/quality"])
def test_a_phone_shows_all_of_it_in_both_themes(
    chromium: object,
    base: str,
    path: str,
) -> None:
    visitor = Visitor(chromium, base, width=320, height=640)
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        page = visitor.visit(path)
        page.locator(".thumb.down, .judgement").first.wait_for()
        if "q=" in path and scheme == "light":
            press(visitor, "No, it was not helpful")
        if "q=" in path:
            page.locator(".why").wait_for()
        assert visitor.overflow() <= 0
        assert visitor.violations() == []
    assert visitor.complaints == []
    visitor.context.close()


def test_a_judgement_is_deleted_on_the_screen(visitor: Visitor) -> None:
    quality(visitor)
    page = visitor.page
    row = page.locator(".judgement", has_text=ABSENT)
    row.get_by_role("button", name="Delete").click()
    row.wait_for(state="detached")
    visitor.sees(".announce:has-text('deleted')", "The judgement was deleted.")


def test_a_damaged_file_is_explained_and_questions_are_answered(
    visitor: Visitor, library: Path
) -> None:
    visitor.visit(link(HONEY))
    visitor.sees(FEEDBACK, "Was this helpful?")
    for path in (library / "store").glob("judgements.sqlite*"):
        path.write_bytes(b"not a database" * 1000)
    press(visitor, "Yes, it was helpful")
    visitor.sees(".notice.error", "Your judgement was not kept.")
    visitor.visit(link(HONEY))
    visitor.sees(".sentence", "The bees need 15 kilograms of it")
    visitor.sees(".notice.error", "Answers cannot be judged.")
    visitor.visit("/quality")
    visitor.sees(".notice.error", "damaged")
