"""Web pages: which tables hold data, numbers of lists, and signs that stand above a line."""

from __future__ import annotations

import pytest

from index.parsers import parse_bytes
from index.records import Document
from tests.samples import FERRY, texts


def read(page: str) -> Document:
    return parse_bytes(page.encode(), "page.html")


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<pre>one<br>two\nthree</pre>", ["one\ntwo\nthree"]),
        ("<p>10<sup>6</sup> m<sup>2</sup> on the 1<sup>st</sup></p>", ["10⁶ m² on the 1st"]),
        ("<p>See<sup><a href=x>12</a></sup>.</p>", ["See¹²."]),
        ("<p>inter&shy;national</p>", ["international"]),
        ("<p><ruby>港<rp>(</rp><rt>みなと</rt><rp>)</rp></ruby>へ</p>", ["港へ"]),
        ("<p>Press <img alt='Save' src=x> now</p>", ["Press Save now"]),
        ("<p>Press <img alt='save.png' src=x> now</p>", ["Press now"]),
        (
            "<p>So <math><semantics><mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow>"
            "</mfrac><annotation>\\frac</annotation></semantics></math></p>",
            ["So a/(b+1)"],
        ),
        ("<p hidden=until-found>found</p>", ["found"]),
        ("<dl><dt>Depth:<dd>10 m<dt>Quay<dd><p>East</p><p>West</p><dt>Port</dl>",
         ["Depth: 10 m", "Quay: East", "West", "Port"]),
    ],
)  # fmt: skip
def test_words_are_read_as_they_are_seen(page: str, expected: list[str]) -> None:
    assert texts(read(page)) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<ol><li>a<li><p>b</p><p>c</p></ol>", ["1. a", "2. b", "c"]),
        ("<ol start=3 type=a><li>a<li value=7>b<li>c</ol>", ["c. a", "g. b", "h. c"]),
        ("<ol reversed type=I><li>a<li>b</ol>", ["II. a", "I. b"]),
        ("<ol><li>a<ol type=i><li>b</ol><li>c</ol>", ["1. a", "i. b", "2. c"]),
        ("<ol style='list-style: none'><li>a</ol>", ["a"]),
        ("<ol><li></li><li>a</ol><p>b", ["2. a", "b"]),
        ("<ul><li>a</ul>", ["a"]),
    ],
)
def test_items_have_the_numbers_that_are_seen(page: str, expected: list[str]) -> None:
    assert texts(read(page)) == expected


def table(*rows: str) -> str:
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (
            table("<td></td><th>2019</th><th>2020</th>", "<th>Cars</th><td>5</td><td>6</td>"),
            ["Cars; 2019: 5; 2020: 6"],
        ),
        (
            table("<th>Capital</th><td>Paris</td>", "<th>River:</th><td>Seine</td>"),
            ["Capital: Paris", "River: Seine"],
        ),
        (
            table("<td><b>Ship</b></td><td><b>Cars</b></td>", "<td>Ida</td><td>40</td>"),
            ["Ship: Ida; Cars: 40"],
        ),
        (table("<td>Ida</td><td>40</td>", "<td>Eva</td><td>50</td>"), ["Ida; 40", "Eva; 50"]),
        (table("<td><p>One.</p><p>Two.</p></td>"), ["One.", "Two."]),
        (
            table(
                "<th>A</th><th>B</th>", f"<td>1{table('<th>X</th>', '<td>y</td>')}</td><td>2</td>"
            ),
            ["A: 1; B: 2", "X: y"],
        ),
        (table(f"<td>{table('<td>in</td>')}</td><td>beside</td>"), ["in", "beside"]),
        ("<table role=presentation><tr><td>a</td><td>b</td></tr></table>", ["a", "b"]),
        (
            "<table><tfoot><tr><td>All</td><td>70</td></tr></tfoot><thead><tr><th>Ship</th>"
            "<th>Cars</th></tr></thead><tbody><tr><td>Ida</td><td>40</td></tr></tbody></table>",
            ["Ship: Ida; Cars: 40", "Ship: All; Cars: 70"],
        ),
    ],
)
def test_tables_of_data_are_told_from_those_that_place_things(
    page: str, expected: list[str]
) -> None:
    assert texts(read(page)) == expected


def test_a_table_in_a_term_is_not_lost() -> None:
    page = f"<dl><dt>Ships {table('<td>Ida</td><td>40</td>')}<dd>Both</dl>"
    assert texts(read(page)) == ["Ships Ida 40: Both"]


def test_very_deep_elements_are_read() -> None:
    for tag in ("sup", "b", "math"):
        assert "deep" in read(f"<p>{f'<{tag}>' * 3000}deep").text


def test_headings_count_wherever_they_stand() -> None:
    aria = "<div role=heading aria-level=1>Ships</div>"
    inside = table(f"<td><h2>Ferries</h2><p>{FERRY}</p></td><td>x</td>")
    assert read(aria + inside).blocks[0].headings == ("Ships", "Ferries")


def test_a_form_around_most_of_the_words_is_the_page() -> None:
    page = f"<p>Top</p><form><div>{FERRY}</div><button>Send</button></form>"
    assert texts(read(page)) == ["Top", FERRY]
    search = f"<form>Find it</form><p>{FERRY}</p>"
    assert texts(read(search)) == [FERRY]
    assert read(search).extent.left_out == len("Find it")


def test_author_and_date_are_those_of_the_head() -> None:
    metas = (
        "<meta name=Author content='Ida Holm'><meta property=article:published_time "
        "content=2020-03-01T10:00:00Z><meta name=date content=yesterday>"
    )
    assert read(f"{metas}<p>{FERRY}").metadata == {"author": "Ida Holm", "date": "2020-03-01"}


def test_an_encoding_may_be_declared_as_in_xml() -> None:
    text = "Łódź leży nad rzeką. Słoneczny dzień, dzieci się bawią."
    page = f'<?xml version="1.0" encoding="iso-8859-2"?><html><body><p>{text}</p></body></html>'
    assert texts(parse_bytes(page.encode("iso-8859-2"), "a.xhtml")) == [text]
