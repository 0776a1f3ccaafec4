"""Books: titles of chapters, pages beyond the spine, and what of them cannot be read."""

from __future__ import annotations

import pytest

from index.errors import ParseError
from index.parsers import parse_bytes
from tests.samples import FEES, FERRY, an_epub, repacked, texts

PACKAGE = "book/content.opf"
FIRST = "book/one a.xhtml"
NCX = (
    b'<item id="t" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>',
    b"<ncx><navMap><navPoint><navLabel><text>The \n Timetable</text></navLabel>"
    b'<content src="one%20a.xhtml#top"/></navPoint></navMap></ncx>',
)
NAV = (
    b'<item id="t" href="toc.ncx" properties="nav" media-type="application/xhtml+xml"/></manifest>',
    b"<nav><ol><li><a href='./one%20a.xhtml'>The <b>Timetable</b></a></li></ol></nav>",
)


@pytest.mark.parametrize("contents", [NCX, NAV])
def test_a_chapter_without_a_heading_has_its_title_from_the_contents(
    contents: tuple[bytes, bytes],
) -> None:
    item, data = contents
    changes = {PACKAGE: (b"</manifest>", item), FIRST: (b"<h1>Timetable</h1>", b"")}
    document = parse_bytes(repacked(an_epub(), {"book/toc.ncx": data}, changes), "a.epub")
    assert [block.headings for block in document.blocks] == [("The Timetable",), ("Fees",)]


def test_a_heading_in_the_chapter_counts_more() -> None:
    changes = {PACKAGE: (b"</manifest>", NCX[0])}
    document = parse_bytes(repacked(an_epub(), {"book/toc.ncx": NCX[1]}, changes), "a.epub")
    assert document.blocks[0].headings == ("Timetable",)


def test_pages_that_the_spine_does_not_name_follow_at_the_end() -> None:
    item = b'<item id="n" href="n.xhtml" media-type="application/xhtml+xml"/></manifest>'
    parts = {"book/n.xhtml": b"<p>A note.</p>"}
    data = repacked(an_epub(), parts, {PACKAGE: (b"</manifest>", item)})
    document = parse_bytes(data, "a.epub")
    assert texts(document) == [FERRY, FEES, "A note."]
    assert document.blocks[-1].headings == ()


def test_what_the_book_lacks_or_locks_is_named() -> None:
    missing = {PACKAGE: (b"<spine>", b'<spine><itemref idref="gone"/>')}
    document = parse_bytes(repacked(an_epub(), {}, missing), "a.epub")
    assert document.extent.unread == ("'gone': The book does not hold it.",)
    lock = b'<e><CipherReference URI="book/one%20a.xhtml"/></e>'
    document = parse_bytes(repacked(an_epub(), {"META-INF/encryption.xml": lock}), "a.epub")
    assert document.extent.unread == (f"'{FIRST}': It is encrypted.",)
    assert texts(document) == [FEES]


def test_a_package_that_is_cut_short_is_named() -> None:
    document = parse_bytes(repacked(an_epub(), {}, {PACKAGE: (b"</spine>", b"<itemref")}), "a.epub")
    assert texts(document) == [FERRY, FEES]
    assert document.extent.unread[0].startswith(f"'{PACKAGE}', not wholly:")


def test_a_book_of_which_nothing_can_be_read_is_an_error() -> None:
    lock = (
        b'<e><CipherReference URI="book/one%20a.xhtml"/><CipherReference URI="book/two.xhtml"/></e>'
    )
    with pytest.raises(ParseError, match=r"No chapter can be read\..*encrypted"):
        parse_bytes(repacked(an_epub(), {"META-INF/encryption.xml": lock}), "a.epub")


@pytest.mark.parametrize(
    ("written", "date"),
    [("2004-05-01T00:00:00+00:00", "2004-05-01"), ("1 May 2004", None), ("2004", "2004")],
)
def test_a_date_is_kept_if_it_can_be_compared(written: str, date: str | None) -> None:
    changes = {PACKAGE: (b"<dc:creator>", f"<dc:date>{written}</dc:date><dc:creator>".encode())}
    assert parse_bytes(repacked(an_epub(), {}, changes), "a.epub").metadata.get("date") == date
