"""The Map page in a browser: what is painted, pointed at, clicked, and done with keys alone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote_plus

import numpy as np
import pytest
from browser_harness import Visitor, build, served
from PIL import Image
from playwright.sync_api import expect
from test_browser import BEES, DEPTH, DEPTH_QUOTE, HARBOURS, HOSTILE, chromium

__all__ = ["chromium"]

MARKED_UP = "A $x^2$ :red[berth] of <b>stone</b> and :material/home:"
HEBREW = "# נמל חיפה\n\nעומק הנמל בחיפה הוא 14 מטרים, ואניות באורך 200 מטר יכולות לעגון בו.\n"
FIRST = {"light": (0x00, 0x5A, 0xC3), "dark": (0x00, 0xB4, 0xB4)}
"""The colour of the largest document."""


def recipes() -> str:
    """A document of many passages, which is the largest one."""
    things = (
        "barley beans beets cabbage carrots celery leeks lentils oats onions peas turnips".split()
    )
    parts = ["# Soups"]
    for first in things:
        parts += [f"## Soup of {first}"]
        for second in things[:6]:
            parts += [
                f"Boil the {first} with {second} for {len(first + second)} minutes, add salt and "
                f"thyme, and serve the soup of {first} hot with bread."
            ]
    return "\n\n".join(parts)


@pytest.fixture(scope="module")
def library(chromium: object, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "soups.md").write_text(recipes())
    (corpus / "harbours.md").write_text(HARBOURS)
    (corpus / "bees.md").write_text(BEES)
    (corpus / "hebrew.md").write_text(HEBREW)
    (corpus / "hostile.md").write_text(f"# {MARKED_UP}\n\n## {MARKED_UP}\n\n{HOSTILE}")
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


def on_map(question: str) -> str:
    return f"/map?q={quote_plus(question)}"


def seen(visitor: Visitor) -> np.ndarray:
    """What the map shows, as pixels ``(height, width, 3)``."""
    drawn = "performance.getEntriesByName('passages-map').length > 0"
    visitor.page.wait_for_function(f"() => {drawn}")
    picture = Image.open(io.BytesIO(visitor.page.locator("canvas.points").screenshot()))
    return np.asarray(picture.convert("RGB")).astype(int)


def comes_to_show(visitor: Visitor, what: Callable[[np.ndarray], bool]) -> bool:
    """Whether the map shows something, as soon as it is drawn."""
    for _ in range(200):
        if what(seen(visitor)):
            return True
        visitor.page.wait_for_timeout(50)
    return False


def painted(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where the picture has a colour, as ``(x, y)``."""
    there = np.abs(picture - np.array(colour)).sum(-1) < 12
    return np.argwhere(there)[:, ::-1]


def a_point(visitor: Visitor) -> tuple[float, float]:
    """The middle of a point of the largest document, in the window."""
    places = painted(seen(visitor), FIRST["light"])
    x, y = places[np.abs(places - places[0]).max(axis=1) < 6].mean(axis=0)
    box = visitor.page.locator("canvas.points").bounding_box()
    return box["x"] + x, box["y"] + y


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_are_painted_in_the_colours_of_their_documents(
    visitor: Visitor, scheme: str
) -> None:
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.visit("/map")
    before = len(painted(seen(visitor), FIRST[scheme]))
    assert before > 500
    entry = visitor.page.get_by_role("button", name=re.compile("^Harbours of the south"))
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "true")
    faint = comes_to_show(visitor, lambda now: len(painted(now, FIRST[scheme])) == 0)
    assert faint, "the others are faint"
    entry.click()
    assert comes_to_show(visitor, lambda now: len(painted(now, FIRST[scheme])) == before)


def test_pointing_at_a_passage_shows_it_and_a_click_reads_it(visitor: Visitor) -> None:
    page = visitor.visit("/map")
    x, y = a_point(visitor)
    page.mouse.move(x, y)
    visitor.sees(".tip b", "Soups")
    visitor.sees(".tip .text", "Boil the")
    text = page.locator(".tip .text").inner_text()
    page.mouse.move(5, 5)
    page.locator(".tip").wait_for(state="hidden")
    page.mouse.click(x, y)
    page.wait_for_url("**/read?**doc=soups.md**")
    visitor.sees(".body p.hit", text)


def test_it_is_made_larger_moved_and_shown_whole_again(visitor: Visitor) -> None:
    page = visitor.visit("/map")
    whole = seen(visitor)
    x, y = a_point(visitor)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    visitor.sees(".tip b", "Soups")  # what is below the mouse stays there
    assert comes_to_show(visitor, lambda now: bool((now != whole).any()))
    page.mouse.move(x + 30, y)
    page.mouse.down()
    page.mouse.move(x + 130, y + 40, steps=4)
    page.mouse.up()
    page.mouse.move(5, 5)
    page.wait_for_timeout(300)
    assert "/map" in page.url, "to drag is not to click"
    page.get_by_role("button", name="Show all").click()
    canvas = page.locator("canvas.points")
    canvas.focus()
    canvas.press("Escape")
    outline = 0.02  # of the focus
    assert comes_to_show(visitor, lambda now: (np.abs(now - whole).sum(-1) > 40).mean() < outline)


def told(visitor: Visitor, before: str = "") -> str:
    """What the map says to those who listen, once it is no longer what it was."""
    region = visitor.page.locator(".root:has(canvas) + .announce")
    for _ in range(100):
        if (text := region.inner_text()) not in ("", before):
            return text
        visitor.page.wait_for_timeout(50)
    raise AssertionError(f"It says nothing but {before!r}.")


def test_the_keyboard_alone_reads_a_passage(visitor: Visitor) -> None:
    page = visitor.visit("/map")
    seen(visitor)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator("canvas.points:focus").count():
            break
    page.keyboard.press("ArrowRight")
    first = told(visitor)
    page.keyboard.press("n")
    assert told(visitor, first) != first
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("0")
    page.wait_for_timeout(1500)  # until what is told is of the last point
    title = page.locator(".tip b").inner_text()
    text = page.locator(".tip .text").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/read?**")
    visitor.sees("h1", title)
    visitor.sees(".body p.hit", text.rstrip("…"))


def test_the_hits_of_a_question_are_ringed_and_listed(visitor: Visitor) -> None:
    page = visitor.visit("/map")
    bare = seen(visitor)
    box = page.get_by_role("searchbox", name="Show where a question's hits lie")
    box.fill(DEPTH)
    box.press("Enter")
    page.wait_for_url("**q=How**")
    visitor.sees(".side .number", "1")
    visitor.sees(".side .hit", DEPTH_QUOTE)
    page.reload()
    visitor.sees(".side .number", "1")
    text = (0x14, 0x18, 0x1C)
    badges = len(painted(seen(visitor), text)) - len(painted(bare, text))
    assert badges > 300, "rings and numbers are in the colour of the text"
    page.locator(".side .hit").first.focus()
    visitor.sees(".tip .text", DEPTH_QUOTE)
    page.locator(".side .hit").first.click()
    page.wait_for_url("**/read?**q=How**")
    visitor.sees(".body p.hit mark", DEPTH_QUOTE)


def test_an_answer_leads_to_the_map_and_back(visitor: Visitor) -> None:
    page = visitor.visit(f"/?q={quote_plus(DEPTH)}")
    page.get_by_role("link", name="On the map").click()
    page.wait_for_url("**/map?q=How**")
    visitor.sees(".side .hit", DEPTH_QUOTE)
    page.get_by_role("link", name="To the answer").click()
    visitor.sees(".lead", DEPTH_QUOTE)


def test_hostile_text_is_shown_as_its_own_characters(visitor: Visitor) -> None:
    page = visitor.visit("/map")
    seen(visitor)
    canvas = page.locator("canvas.points")
    canvas.focus()
    canvas.press("n")
    for _ in range(100):
        if MARKED_UP in page.locator(".tip").inner_text():
            break
        before = page.locator(".tip").inner_text()
        canvas.press("p")
        for _ in range(20):  # the words come by themselves
            page.wait_for_timeout(50)
            if page.locator(".tip").inner_text() != before:
                break
    visitor.sees(".tip b", MARKED_UP)
    expect(page.locator(".tip :is(b, span) :is(b, img, script)")).to_have_count(0)
    visitor.visit(on_map("How many passengers does the zeppelin of Gurney carry?"))
    visitor.sees(".side .hit", "costs $5 or $x^2$ and is :red[loud] and :material/home: <script>")
    page.locator(".regions summary").click()
    expect(page.locator(".regions :is(img, script, .katex), .side img")).to_have_count(0)
    assert page.title() != "1"


def test_regions_are_a_way_in_without_seeing_the_points(visitor: Visitor) -> None:
    page = visitor.visit("/map")
    seen(visitor)
    page.locator(".regions summary").click()
    names = page.locator(".regions button.title").all_inner_texts()
    assert 5 <= len(names) <= 24
    assert len(set(names)) == len(names)
    page.locator(".regions button.title").first.click()
    visitor.sees(".announce:has-text('The map shows')", names[0])
    link = page.locator(".regions a.hit").first
    text = link.locator(".text").inner_text()
    link.click()
    page.wait_for_url("**/read?**")
    visitor.sees(".body p.hit", text.rstrip("…"))


def test_a_finger_shows_a_passage_first_and_then_a_link_to_it(chromium: object, base: str) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    visitor = Visitor(chromium, base)
    visitor.context.close()
    visitor.context, visitor.page = context, context.new_page()
    page = visitor.visit("/map")
    x, y = a_point(visitor)
    page.touchscreen.tap(x, y)
    visitor.sees(".tip b", "Soups")
    page.locator(".tip .read").tap()
    page.wait_for_url("**/read?**doc=soups.md**")
    context.close()


def test_right_to_left_text_begins_on_the_right(visitor: Visitor) -> None:
    page = visitor.visit(on_map("עומק הנמל בחיפה"))
    text = page.locator(".side .hit .text", has_text="עומק").first
    assert text.evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_unknown_points_are_not_found(visitor: Visitor) -> None:
    for path in ("/points/none", "/points/none/1", "/points/..%2f/x"):
        reply = visitor.page.request.get(visitor.base + path)
        assert reply.status == 404 or "Passages" not in reply.text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_each_state_is_accessible_and_fits(
    chromium: object, base: str, scheme: str, width: int
) -> None:
    visitor = Visitor(chromium, base, width=width)
    visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for path in ("/map", on_map(DEPTH), on_map("Who won the football world cup in 1974?")):
        page = visitor.visit(path)
        seen(visitor)
        page.locator(".regions summary").click()
        page.locator("canvas.points").focus()
        page.keyboard.press("ArrowRight")
        page.locator(".tip b").wait_for()
        assert visitor.violations() == [], path
        assert visitor.overflow() <= 0, path
    assert visitor.complaints == []
    assert visitor.foreign() == []
    visitor.context.close()
