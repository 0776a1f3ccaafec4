"""OpenDocument texts: numbers, drawings, charts and formulas, and what stands aside."""

from __future__ import annotations

import pytest

from index.errors import ParseError
from index.parsers import parse_bytes
from index.records import Document
from tests.samples import FERRY, an_odt, odt_cell, repacked, texts

OASIS = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = " ".join(
    f'xmlns:{name}="{OASIS}:{of}:1.0"'
    for name, of in (
        ("office", "office"), ("text", "text"), ("style", "style"), ("table", "table"),
        ("draw", "drawing"), ("svg", "svg-compatible"), ("chart", "chart"),
    )
)  # fmt: skip
LINK = 'xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href'
STYLES = (
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1" '
    'style:num-format="1" style:num-suffix="."/><text:list-level-style-number text:level="2" '
    'style:num-format="a" style:num-suffix=")"/><text:list-level-style-number text:level="3" '
    'style:num-format="i" text:display-levels="3"/></text:list-style>'
    '<text:list-style style:name="B"><text:list-level-style-bullet text:level="1"/>'
    "</text:list-style><style:style style:name='S'><style:text-properties "
    "style:text-position='super 58%'/></style:style>"
)


def read(more: str, styles: str = STYLES, **parts: str) -> Document:
    root = f"<office:document-styles {NAMES}>{styles}</office:document-styles>"
    body = f"<text:section {NAMES}>{more}</text:section>"
    added = {name.replace("_", "/") + ".xml": text.encode() for name, text in parts.items()}
    return parse_bytes(repacked(an_odt(body), {"styles.xml": root.encode(), **added}), "a.odt")


def found(more: str, **parts: str) -> list[str]:
    return texts(read(more, **parts))[3:]


def item(text: str, more: str = "") -> str:
    return f"<text:list-item><text:p>{text}</text:p>{more}</text:list-item>"


def a_list(*items: str, facts: str = 'text:style-name="L"') -> str:
    return f"<text:list {facts}>{''.join(items)}</text:list>"


class TestNumbers:
    def test_items_have_the_numbers_of_their_style(self) -> None:
        inner = a_list(item("b", a_list(item("c"), facts="")), facts="")
        assert found(a_list(item("a", inner), item("d"))) == ["1. a", "a) b", "1.a.i c", "2. d"]

    def test_a_list_goes_on_if_it_says_so(self) -> None:
        goes_on = 'text:style-name="L" text:continue-numbering="true"'
        lists = a_list(item("a")), a_list(item("b"), facts=goes_on), a_list(item("c"))
        assert found("".join(lists)) == ["1. a", "2. b", "1. c"]

    def test_an_item_may_say_its_number_and_bullets_are_none(self) -> None:
        at = '<text:list-item text:start-value="7"><text:p>a</text:p></text:list-item>'
        lists = a_list(at, item("b")) + a_list(item("c"), facts='text:style-name="B"')
        assert found(lists) == ["7. a", "8. b", "c"]

    def test_headings_have_the_numbers_of_the_outline(self) -> None:
        outline = "".join(
            f'<text:outline-level-style text:level="{level}" style:num-format="1" '
            f'text:display-levels="{level}"/>'
            for level in (1, 2)
        )
        more = f'<text:h text:outline-level="2">More</text:h><text:p>{FERRY}</text:p>'
        document = read(more, f"<text:outline-style>{outline}</text:outline-style>")
        assert [block.headings for block in document.blocks[:2]] == [
            ("1 Timetable",), ("1 Timetable", "1.1 Fees"),
        ]  # fmt: skip
        assert document.blocks[-1].headings == ("1 Timetable", "1.2 More")


class TestWords:
    def test_raised_numbers_and_readings(self) -> None:
        base = "<text:ruby-base>port</text:ruby-base>"
        reading = "<text:ruby-text>minato</text:ruby-text>"
        ruby = f"<text:ruby>{base}{reading}"
        span = '<text:span text:style-name="S">6</text:span>'
        assert found(f"<text:p>10{span} {ruby}</text:ruby></text:p>") == ["10⁶ port"]

    def test_what_is_drawn_follows_its_paragraph(self) -> None:
        picture = "<draw:frame><draw:image/><svg:desc>The pier at dusk</svg:desc></draw:frame>"
        shape = "<draw:custom-shape><text:p>in a shape</text:p></draw:custom-shape>"
        assert found(f"<text:p>See{picture}{shape} there.</text:p>") == [
            "See there.", "The pier at dusk", "in a shape",
        ]  # fmt: skip

    def test_a_formula_stands_on_its_line(self) -> None:
        inside = "<mfrac><mi>a</mi><mi>b</mi></mfrac><annotation>x</annotation>"
        maths = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inside}</math>'
        frame = f'<draw:frame><draw:object {LINK}="./F"/></draw:frame>'
        assert found(f"<text:p>So {frame} holds.</text:p>", F_content=maths) == ["So a/b holds."]

    def test_a_chart_is_a_row_for_each_category(self) -> None:
        def row(*cells: str) -> str:
            inside = "".join(odt_cell(cell) for cell in cells)
            return f"<table:table-row>{inside}</table:table-row>"

        head = f"<table:table-header-rows>{row('', '2019')}</table:table-header-rows>"
        title = "<chart:title><text:p>Ships</text:p></chart:title>"
        table = f"<table:table>{head}{row('Turku', '5')}</table:table>"
        chart = (
            f"<office:document-content {NAMES}><office:body><office:chart><chart:chart>{title}"
            f"{table}</chart:chart></office:chart></office:body></office:document-content>"
        )
        frame = f'<draw:frame><draw:object {LINK}="./C"/></draw:frame>'
        assert found(f"<text:p>{frame}</text:p>", C_content=chart) == ["Ships", "Turku; 2019: 5"]

    def test_a_table_of_one_column_is_a_frame_in_its_order(self) -> None:
        heading = '<text:h text:outline-level="1">Ships</text:h>'
        inside = f"{heading}<text:p>one</text:p><text:p>two</text:p>"
        cell = f"<table:table-cell>{inside}</table:table-cell>"
        table = f"<table:table><table:table-row>{cell}</table:table-row></table:table>"
        document = read(table)
        assert texts(document)[3:] == ["one", "two"]
        assert document.blocks[-1].headings == ("Ships",)


def test_headers_and_footers_are_left_out_and_counted() -> None:
    styles = "<style:header><text:p>Board</text:p></style:header><style:footer><text:p>1</text:p>"
    document = read("", f"{styles}</style:footer>")
    assert document.extent.left_out == len("Board1")


def test_a_file_that_is_cut_short_is_read_as_far_as_it_goes_and_named() -> None:
    change = {"content.xml": (b"<text:p>A car", b"<text:p>A car</text:wrong><")}
    document = parse_bytes(repacked(an_odt(), {}, change), "a.odt")
    assert texts(document)[0] == FERRY
    assert document.extent.unread[0].startswith("'content.xml', not wholly:")


def test_an_encrypted_file_is_named() -> None:
    manifest = {"META-INF/manifest.xml": b"<m><encryption-data/></m>"}
    with pytest.raises(ParseError, match="encrypted"):
        parse_bytes(repacked(an_odt(), manifest), "a.odt")
