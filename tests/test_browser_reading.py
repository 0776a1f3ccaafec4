"""Checking an answer in its place: the page's picture, the reader, follow-ups, copying."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from browser_harness import Visitor, build, served
from PIL import Image
from playwright.sync_api import expect
from test_browser import BEES, DEPTH, DEPTH_QUOTE, HARBOURS, HONEY, HOSTILE, chromium, link

from tests.sheets import FEES, FERRY, WINTER, Sheet

__all__ = ["chromium"]

CROSSING = "How long does the crossing to Sandholm by ferry take?"
CROSSING_QUOTE = "It takes an hour and a half"
SHIPS = "Which ships can berth in Porvenir and which in Valdivia?"
MARKED_UP = "A $x^2$ :red[berth] of <b>stone</b> and :material/home:"
HEBREW = (
    "# נמל חיפה\n\n## עומק\n\nעומק הנמל בחיפה הוא 14 מטרים, ואניות באורך 200 מטר יכולות לעגון.\n"
)
DAYS = 20_000
WHALE = 15_234
# Most days are alike, so that they are encoded once; each has more than the 60 letters of a copy.
DAY = "The wind blew from the south all day, and the crew mended sails and ropes on the deck."


def logbook() -> str:
    parts = ["# Logbook of the Aurora"]
    for day in range(1, DAYS + 1):
        if day % 200 == 1:
            parts += [f"## Year {1800 + day // 200}"]
        if day % 20 == 1:
            parts += [f"### Voyage {day // 20 + 1}"]
        seen = " The white whale of Quintero was seen." if day == WHALE else ""
        parts += [DAY + seen]
    return "\n\n".join(parts)


def ferries() -> bytes:
    sheet = Sheet()
    sheet.write("Ferries of the Sound", size=20)
    sheet.write(FEES)
    sheet.page()
    sheet.write(FERRY)
    sheet.write(WINTER)
    return sheet.bytes()


@pytest.fixture(scope="module")
def library(chromium: object, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "harbours.md").write_text(HARBOURS)
    (corpus / "bees.md").write_text(BEES)
    (corpus / "hebrew.md").write_text(HEBREW)
    (corpus / "hostile.md").write_text(f"# {MARKED_UP}\n\n## {MARKED_UP}\n\n{HOSTILE}")
    (corpus / "logbook.md").write_text(logbook())
    (corpus / "ferries.pdf").write_bytes(ferries())
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


SEEN = "(card) => card.getBoundingClientRect().bottom <= window.innerHeight"


class TestAnswer:
    def test_any_word_of_the_answer_opens_its_place(self, visitor: Visitor) -> None:
        page = visitor.visit(link(DEPTH))
        visitor.sees(".sentence", DEPTH_QUOTE)
        page.keyboard.press("2")
        page.wait_for_url("**s=2**")
        page.locator(".card.on .number", has_text="2").wait_for()
        page.locator(".lead .sentence").first.click()
        page.wait_for_url("**s=1**")
        visitor.sees(".body p.hit mark", DEPTH_QUOTE)
        assert visitor.in_sight(".body p.hit mark")

    def test_keys_walk_through_the_sources_and_to_the_box_and_out_of_it(
        self, visitor: Visitor
    ) -> None:
        page = visitor.visit(link(DEPTH))
        visitor.sees(".card.on .number", "1")
        for key, number in (("j", "2"), ("j", "3"), ("k", "2"), ("1", "1")):
            page.keyboard.press(key)
            page.locator(".card.on .number", has_text=number).wait_for()
            assert f"s={number}" in page.url
        last = page.locator(".card").last
        page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
        assert not last.evaluate(SEEN)
        for number in range(2, page.locator(".card").count() + 1):
            page.keyboard.press("j")
            page.locator(".card.on .number", has_text=str(number)).wait_for()
        page.wait_for_function(
            "([seen, card]) => eval(seen)(card)", arg=[SEEN, last.element_handle()]
        )
        visitor.to_the_box()
        box = page.get_by_placeholder("Ask a question")
        expect(box).to_be_focused()
        page.keyboard.type("2")  # not a key, but a letter of the question
        expect(box).to_have_value("2")
        page.keyboard.press("Escape")
        expect(box).not_to_be_focused()
        expect(box).to_have_value("2")

    def test_the_passage_stays_in_sight_beside_the_last_source(self, visitor: Visitor) -> None:
        page = visitor.visit(link(DEPTH))
        visitor.sees(".sentence", DEPTH_QUOTE)
        reader, last = page.locator(".beside"), page.locator(".card").last
        before = last.bounding_box()["y"]
        last.scroll_into_view_if_needed()
        page.mouse.move(300, 400)
        page.mouse.wheel(0, 400)
        page.wait_for_function(
            "([before]) => [...document.querySelectorAll('*')].some((one) => one.shadowRoot && "
            "[...one.shadowRoot.querySelectorAll('.card')].at(-1)?.getBoundingClientRect().y < "
            "before - 100) || [...document.querySelectorAll('.card')].at(-1)"
            "?.getBoundingClientRect().y < before - 100",
            arg=[before],
        )
        assert reader.bounding_box()["y"] > 0

    def test_a_chip_with_the_focus_shows_its_passage_until_escape(self, visitor: Visitor) -> None:
        page = visitor.visit(link(DEPTH))
        visitor.sees(".sentence", DEPTH_QUOTE)
        page.locator(".lead .chip").first.focus()
        visitor.sees(".tip", DEPTH_QUOTE)
        page.keyboard.press("Escape")
        page.locator(".tip").wait_for(state="detached")

    @pytest.mark.parametrize(
        ("style", "said"),
        [
            ("plain", f"“{DEPTH_QUOTE}” [1]"),
            ("markdown", "> The harbour of Porvenir is 14 metres deep\\. [1]"),
            ("bibtex", "@misc{harbours-1,\n  title = {Harbours of the south}"),
        ],
    )
    def test_the_answer_is_copied_in_the_style_that_is_chosen(
        self, visitor: Visitor, style: str, said: str
    ) -> None:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visitor.visit(link(DEPTH))
        visitor.sees(".sentence", DEPTH_QUOTE)
        page.get_by_label("Style of the citations").select_option(style)
        page.get_by_role("button", name="Copy with citations").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()").startswith(said)

    def test_why_a_source_was_found_is_told_on_demand_and_stays_open(
        self, visitor: Visitor
    ) -> None:
        page = visitor.visit(link(DEPTH))
        page.locator(".card .reasons summary").first.click()
        visitor.sees(".reasons li", re.compile("shares with the question: .*Porvenir"))
        page.keyboard.press("2")
        page.locator(".card.on .number", has_text="2").wait_for()
        expect(page.locator(".card").first.locator(".reasons li").first).to_be_visible()

    def test_words_that_no_quote_covers_are_named(self, visitor: Visitor) -> None:
        visitor.visit(link(SHIPS))
        visitor.sees(".note.partly", "Only partly covered. Not in the quoted passages: Valdivia.")
        visitor.sees(".sentence", "")


class TestFollowingUp:
    def test_the_words_carried_over_are_shown_and_each_can_be_taken_away(
        self, visitor: Visitor
    ) -> None:
        page = visitor.visit(link("How much honey do bees need?"))
        visitor.sees(".sentence", "15 kilograms")
        visitor.ask("And when?")
        page.wait_for_url("**about=honey**")
        visitor.sees(".narrowed", "Also looking for:")
        visitor.sees(".question", "And when?")
        visitor.sees(".card b", "Keeping bees")
        page.get_by_role("button", name="Remove: need").click()
        page.get_by_role("button", name="Remove: need").wait_for(state="detached")
        assert "about=honey+bees" in page.url
        page.go_back()
        page.get_by_role("button", name="Remove: need").wait_for()
        page.reload()
        page.get_by_role("button", name="Remove: honey").wait_for()
        visitor.ask(DEPTH)  # a question of its own
        visitor.sees(".sentence", DEPTH_QUOTE)
        assert "about" not in page.url


def picture(visitor: Visitor, boxes: bool = True) -> Image.Image:
    """What the frame with the page's picture shows, with or without the boxes."""
    visitor.page.locator(".sheet img").evaluate("(one) => one.decode()")
    for box in visitor.page.locator(".box").all():
        box.evaluate("(one, shown) => { one.hidden = !shown; }", boxes)
    seen = Image.open(io.BytesIO(visitor.page.locator(".frame").screenshot())).convert("RGB")
    for box in visitor.page.locator(".box").all():
        box.evaluate("(one) => { one.hidden = false; }")
    return seen


def inked(image: Image.Image) -> float:
    """The share of dark pixels."""
    return sum(image.convert("L").histogram()[:140]) / (image.width * image.height)


class TestPicture:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_boxes_lie_on_the_quoted_words(self, visitor: Visitor, scheme: str) -> None:
        visitor.page.emulate_media(color_scheme=scheme)
        page = visitor.visit(link(CROSSING))
        visitor.sees(".sentence", CROSSING_QUOTE)
        page.get_by_text("Page", exact=True).click()
        page.wait_for_url("**view=page**")
        page.locator(".box").first.wait_for()
        visitor.sees(".controls .where", "Page 2 of 2")
        for _ in range(4):  # large enough to look at pixels
            page.keyboard.press("+")
        assert "boxes around: It takes an hour" in page.locator(".sheet img").get_attribute("alt")
        boxed, bare = picture(visitor), picture(visitor, boxes=False)
        frame = page.locator(".frame").bounding_box()
        for box in (one.bounding_box() for one in page.locator(".box").all()):
            left, top = round(box["x"] - frame["x"]), round(box["y"] - frame["y"])
            right, bottom = left + round(box["width"]), top + round(box["height"])
            left, right = max(left, 0), min(right, bare.width - 2)  # the rest is scrolled to
            assert 0 <= top < bottom <= bare.height
            # The box holds the words of one line, from top to bottom; around it the paper is bare.
            assert inked(bare.crop((left, top, right, bottom))) > 0.06
            assert inked(bare.crop((left, top, right, top + 4))) > 0
            assert inked(bare.crop((left, bottom - 5, right, bottom))) > 0
            assert inked(bare.crop((left, top - 2, right, top))) < 0.02
            row = [boxed.getpixel((x, top + 1)) for x in range(left, right)]
            assert sum(red > blue + 60 for red, _, blue in row) > 0.6 * len(row)

    def test_it_is_made_larger_and_smaller_and_shown_after_a_reload(self, visitor: Visitor) -> None:
        page = visitor.visit(link(CROSSING) + "&view=page")
        sheet = page.locator(".sheet")
        sheet.wait_for()
        page.locator(".sheet img").evaluate("(one) => one.decode()")
        width = sheet.bounding_box()["width"]
        assert width <= page.locator(".frame").bounding_box()["width"]  # no line is cut off
        page.get_by_role("button", name="Show the page larger").click()
        assert sheet.bounding_box()["width"] > 1.2 * width
        page.keyboard.press("-")
        assert sheet.bounding_box()["width"] == pytest.approx(width, rel=0.02)
        assert visitor.in_sight(".box", ".frame")
        page.get_by_role("link", name="Open document").click()
        page.wait_for_url("**/read?**view=page**")
        visitor.sees(".controls .where", "Page 2 of 2")
        page.get_by_role("button", name="Page before").click()
        visitor.sees(".controls .where", "Page 1 of 2")
        page.get_by_text("Text", exact=True).click()
        visitor.sees(".body p.hit", "A car costs thirty dollars")

    def test_on_a_phone_the_page_is_one_press_from_the_answer(
        self, chromium: object, base: str
    ) -> None:
        visitor = Visitor(chromium, base, width=390, height=844)
        page = visitor.visit(link(CROSSING))
        visitor.sees(".sentence", CROSSING_QUOTE)
        page.get_by_role("button", name="See the page").click()
        page.wait_for_url("**/read?**view=page**")
        visitor.sees(".controls .where", "Page 2 of 2")
        page.locator(".box").first.wait_for()
        visitor.visit(link(DEPTH))  # of a text there is no picture
        visitor.sees(".sentence", DEPTH_QUOTE)
        expect(page.get_by_role("button", name="See the page")).to_have_count(0)
        visitor.context.close()

    def test_where_the_file_was_changed_that_is_said_and_the_text_remains(
        self, visitor: Visitor, library: Path
    ) -> None:
        path = library / "corpus" / "ferries.pdf"
        whole = path.read_bytes()
        try:
            path.write_bytes(whole + b"\n% edited")
            visitor.visit(link(CROSSING) + "&view=page")
            visitor.sees(".notice", "was changed since it was indexed")
            visitor.sees(".body p.hit", CROSSING_QUOTE)
            path.unlink()
            visitor.visit("/read?doc=ferries.pdf&p=2&view=page")
            visitor.sees(".notice", "is no longer in the corpus folder")
            visitor.sees(".body p.hit", "")
        finally:
            path.write_bytes(whole)


class TestReading:
    def test_words_are_found_marked_and_stepped_through(self, visitor: Visitor) -> None:
        page = visitor.visit("/read?doc=harbours.md")
        visitor.to_the_box()
        page.keyboard.type("the")
        page.keyboard.press("Enter")
        page.wait_for_url("**find=the**")
        visitor.sees("mark.found", re.compile("the", re.IGNORECASE))
        visitor.sees(".steps", re.compile(r"^\d of \d paragraphs"))
        first = page.locator(".steps .left").inner_text()
        page.get_by_role("button", name="Next paragraph with these words").click()
        page.locator(".steps .left", has_text=first).wait_for(state="detached")
        page.keyboard.press("Shift+N")  # back
        visitor.sees(".steps .left", first)

    def test_a_document_of_20000_paragraphs_opens_and_jumps(self, visitor: Visitor) -> None:
        page = visitor.visit(f"/read?doc=logbook.md&p={DAYS // 2}")
        visitor.sees(".controls .where", f"Paragraph {DAYS // 2} of {DAYS}")
        assert visitor.in_sight(".body p.hit")
        assert page.locator(".body p").count() < 300
        visitor.sees(".outline [aria-current]", "Voyage 500")
        assert page.locator(".outline button").count() < 150
        page.locator(".outline button", has_text="Year 1880").click()
        visitor.sees(".controls .where", "Paragraph 16001 of")
        visitor.sees(".outline [aria-current]", "Voyage 801")
        box = page.get_by_placeholder("Find in this document")
        box.fill("whale of quintero")
        box.press("Enter")
        visitor.sees(".controls .where", f"Paragraph {WHALE} of")
        visitor.sees("mark.found", "whale of Quintero")
        assert visitor.in_sight("mark.found")
        page.go_back()
        visitor.sees(".controls .where", "Paragraph 16001 of")

    def test_scrolling_past_what_is_there_brings_more_and_keeps_the_place(
        self, visitor: Visitor
    ) -> None:
        page = visitor.visit("/read?doc=logbook.md&p=10000")
        visitor.sees(".controls .where", "Paragraph 10000 of")
        body = page.locator(".body")
        for _ in range(3):
            # At once, since the paragraphs are drawn anew whenever more of them come.
            last, before = body.evaluate(
                """(one) => {
                  one.scrollTop = one.scrollHeight - 2 * one.clientHeight;
                  const last = [...one.querySelectorAll("p")].at(-1);
                  return [last.dataset.number, last.getBoundingClientRect().y];
                }"""
            )
            page.locator(f'.body p[data-number="{int(last) + 20}"]').wait_for(state="attached")
            page.wait_for_timeout(200)
            after = body.evaluate(
                """(one, number) => one.querySelector(`p[data-number="${number}"]`)
                  .getBoundingClientRect().y""",
                last,
            )
            assert after == pytest.approx(before, abs=30)
        assert page.locator(".body p").count() < 300
        page.keyboard.press("j")  # back to where one was, and one on
        visitor.sees(".controls .where", "Paragraph 10001 of")
        page.locator(".body p.hit").wait_for()

    def test_the_link_to_a_paragraph_opens_it(self, visitor: Visitor) -> None:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visitor.visit("/read?doc=harbours.md&p=2")
        visitor.sees(".body p.hit", "A pilot is required")
        page.get_by_role("button", name="Copy a link to paragraph 2").click()
        page.locator(".number.done").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert "at=" in copied
        assert "p=2" not in copied
        visitor.visit(copied.removeprefix(visitor.base))
        visitor.sees(".body p.hit", "A pilot is required")

    def test_a_paragraph_is_copied_with_its_place_and_a_link(self, visitor: Visitor) -> None:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visitor.visit("/read?doc=harbours.md&p=1")
        visitor.sees(".body p.hit", "The harbour of Porvenir")
        page.keyboard.press("j")
        page.keyboard.press("c")
        page.locator(".cite.done").wait_for()
        text, place, address = page.evaluate("navigator.clipboard.readText()").rsplit("\n", 2)
        assert text.startswith("“A pilot is required at night, as the chart of 1998 says")
        assert place == "Harbours of the south › Depth, paragraph 2 (harbours.md)"
        visitor.visit(address.removeprefix(visitor.base))
        visitor.sees(".body p.hit", "A pilot is required")

    def test_right_to_left_text_begins_on_the_right(self, visitor: Visitor) -> None:
        page = visitor.visit("/read?doc=hebrew.md")
        visitor.sees(".body p.hit", "עומק הנמל")
        paragraph = page.locator(".body p.hit")
        assert paragraph.evaluate("(one) => getComputedStyle(one).direction") == "rtl"
        number, whole = paragraph.locator(".number").bounding_box(), paragraph.bounding_box()
        assert number["x"] > whole["x"] + whole["width"] - 60
        heading = page.locator(".body h3").first
        assert heading.evaluate("(one) => getComputedStyle(one).direction") == "rtl"

    def test_headings_with_markup_are_shown_as_their_own_characters(self, visitor: Visitor) -> None:
        page = visitor.visit("/read?doc=hostile.md")
        visitor.sees("h1", MARKED_UP)
        visitor.sees(
            ".body p.hit", "costs $5 or $x^2$ and is :red[loud] and :material/home: <script>"
        )
        expect(page.locator(".katex, .body b, .body img, h1 b")).to_have_count(0)

    def test_on_a_phone_the_contents_are_closed_at_first(self, chromium: object, base: str) -> None:
        visitor = Visitor(chromium, base, width=390, height=844)
        page = visitor.visit("/read?doc=harbours.md")
        visitor.sees(".body p.hit", DEPTH_QUOTE)
        entry = page.locator(".outline button", has_text="Fees")
        expect(entry).not_to_be_visible()
        menu = page.locator("[data-testid=stSidebarCollapseButton]")
        page.locator("[data-testid=stExpandSidebarButton]").click()
        menu.wait_for(state="attached")
        page.keyboard.press("Escape")
        menu.wait_for(state="detached")
        page.locator("summary", has_text="Contents").click()
        entry.click()
        visitor.sees(".body p.hit", "The berth fee is 3 dollars")
        assert visitor.overflow() <= 0
        visitor.context.close()


def test_all_of_it_is_done_with_the_keyboard(visitor: Visitor) -> None:
    page = visitor.visit("/")
    page.keyboard.press("Escape")
    visitor.to_the_box()
    page.keyboard.type(CROSSING)
    page.keyboard.press("Enter")
    visitor.sees(".lead", CROSSING_QUOTE)
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.wait_for_url("**s=1**")
    reached(page, "a", "Open document")
    page.keyboard.press("Enter")
    page.wait_for_url("**/read?**")
    visitor.sees(".controls .where", "Paragraph 2 of")  # it is the Read screen that listens
    visitor.sees(".body p.hit mark", CROSSING_QUOTE)
    page.keyboard.press("k")
    visitor.sees(".controls .where", "Paragraph 1 of")
    visitor.to_the_box()
    page.keyboard.type("crossings")
    page.keyboard.press("Enter")
    page.locator("mark.found").first.wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**find=crossings**")
    reached(page, "a", "Back to the answer")
    page.keyboard.press("Enter")
    visitor.sees(".lead", CROSSING_QUOTE)


def reached(page, tag: str, name: str) -> None:
    """Press Tab until the element with this name has the focus, as somebody without a mouse."""
    focused = (
        "(() => { let one = document.activeElement; while (one.shadowRoot?.activeElement) "
        "one = one.shadowRoot.activeElement; return [one.tagName, one.innerText]; })"
    )
    for _ in range(60):
        page.keyboard.press("Tab")
        found, text = page.evaluate(focused + "()")
        if found.lower() == tag and name in (text or ""):
            return
    raise AssertionError(f"Tab never came to {name!r}.")


STATES = {
    "/": ".suggestions button",
    link(CROSSING): ".lead",
    link(SHIPS): ".note.partly",
    link(CROSSING) + "&view=page": ".sheet",
    link("And when?") + "&about=honey+bees": ".narrowed",
    link("Who won the football world cup in 1974?"): ".note",
    "/read?doc=logbook.md&p=9999&find=south": "mark.found",
    f"/read?doc=ferries.pdf&p=2&view=page&q={quote_plus(CROSSING)}": ".sheet",
    f"/read?doc=bees.md&q={quote_plus(HONEY)}": ".body mark",
}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_each_state_is_accessible_and_fits(
    chromium: object, base: str, scheme: str, width: int
) -> None:
    visitor = Visitor(chromium, base, width=width)
    visitor.page.emulate_media(color_scheme=scheme)
    for path, ready in STATES.items():
        page = visitor.visit(path)
        page.locator(ready).first.wait_for(state="attached")
        assert visitor.violations() == [], path
        assert visitor.overflow() <= 0, path
    assert visitor.complaints == []
    assert visitor.foreign() == []
    visitor.context.close()
