"""RTF: text in any encoding, under headings, with lists, tables, notes and boxes."""

from __future__ import annotations

import pytest

from index.errors import ParseError
from index.parsers import parse_bytes
from index.records import Document
from tests.samples import FERRY, texts


def read(source: bytes) -> Document:
    return parse_bytes(b"{\\rtf1\\ansi " + source + b"}", "a.rtf")


FONTS = rb"{\fonttbl{\f0 Arial;}{\f1\fcharset161 Arial;}{\f2\fcharset128 Mincho;}}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (rb"\'e5 \'80", "å €"),
        (rb"\ansicpg1251 \'cf\'f0\'e8\'f7\'e0\'eb", "Причал"),
        (rb"\ansicpg1251 " + "Причал".encode("cp1251"), "Причал"),
        (FONTS + rb"a{\f1 \'e1\'e2}\f0\'e5", "aαβå"),
        (FONTS + "\\f2 港".encode("cp932"), "港"),
        (FONTS + rb"\f2 \'8d\'60", "港"),
        (rb"\u1055?\u8364\'3f \uc2\u26381ab\uc0\u27946 x", "П€ 服洪x"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"a\{b\}\\ c\~d\_e\-f", "a{b}\\ c\u00a0d-ef"),
        (rb"a\tab b\line c\ldblquote d\rdblquote", "a\tb\nc“d”"),
        (rb"10{\super 6} m", "10⁶ m"),
        (rb"{\field{\*\fldinst HYPERLINK \"x\"}{\fldrslt the port}}", "the port"),
        (rb"a{\pict\bin4 }}}}b}c", "ac"),
        (rb"a{\*\new word}{\upr{x}{\*\ud y}}", "ay"),
        (rb"a{\object{\*\objdata 01}{\result b}}", "ab"),
    ],
)  # fmt: skip
def test_words_are_read_as_they_are_seen(source: bytes, expected: str) -> None:
    assert texts(read(source)) == [expected]


def test_headings_are_told_by_their_style_and_by_their_level() -> None:
    styles = rb"{\stylesheet{\s0 Normal;}{\s1\b heading 1;}{\s7\i heading 2 Char;}}"
    document = read(
        styles + rb"\pard\s1 Ships\par\pard\s7 Ferries\par\pard one\par\outlinelevel1 Boats\par"
        rb"\pard two\par"
    )
    assert texts(document) == ["one", "two"]
    assert [block.headings for block in document.blocks] == [
        ("Ships", "Ferries"), ("Ships", "Boats"),
    ]  # fmt: skip


def test_notes_and_boxes_follow_their_paragraph() -> None:
    box = rb"{\shp{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt\pard one\par two\par}}{\shprslt copy}}"
    document = read(
        rb"See{\footnote\pard {\super\chftn} A note.\par} there." + box + rb"\par End.\par"
    )
    assert texts(document) == ["See there.", "A note.", "one", "two", "End."]


def test_items_keep_their_numbers_and_bullets_are_none() -> None:
    document = read(rb"{\listtext 1.\tab}one\par{\listtext\'b7\tab}two\par{\pntext a)\tab}"
                    rb"{\*\pn\pnlvlbody}three\par")  # fmt: skip
    assert texts(document) == ["1. one", "two", "a) three"]
    assert all(block.item for block in document.blocks)
    document = read(
        rb"\trowd\cellx1\cellx2\pard\intbl{\listtext\'b7\tab}a\cell b\cell\row\pard"
        rb"{\listtext\'b7\tab}one\par{\listtext\'b7\tab}\par two\par"
    )
    items = {text: block.item for text, block in zip(texts(document), document.blocks, strict=True)}
    assert (items["one"], items["two"], sum(items.values())) == (True, False, 1)


def test_rows_name_their_columns_and_what_heads_them() -> None:
    def row(*cells: bytes, merges: tuple[bytes, ...] = (b"", b"", b"")) -> bytes:
        places = b"".join(b"%b\\cellx%d" % (merge, n) for n, merge in enumerate(merges))
        return (
            b"\\trowd"
            + places
            + b"\\pard\\intbl "
            + b"".join(c + b"\\cell " for c in cells)
            + b"\\row"
        )

    begins, goes_on = b"\\clvmgf", b"\\clvmrg"
    document = read(
        rb"Before.\par"
        + row(b"Port", b"Year", b"Ships\\par in all")
        + row(b"Turku", b"1998", b"5", merges=(begins, b"", b""))
        + row(b"", b"1999", b"7", merges=(goes_on, b"", b""))
        + rb"\pard After.\par"
    )
    assert texts(document) == [
        "Before.",
        "Port: Turku; Year: 1998; Ships in all: 5",
        "Port: Turku; Year: 1999; Ships in all: 7",
        "After.",
    ]


def test_what_stands_aside_is_left_out_and_counted() -> None:
    document = read(
        rb"{\header\pard Board\par}{\footerf 1}Seen{\v hidden}{\deleted gone} text"
        rb"{\*\annotation Why?}\par"
    )
    assert texts(document) == ["Seen text"]
    assert document.extent.left_out == len("Board1hiddengoneWhy?")


def test_properties_are_title_author_and_date() -> None:
    facts = rb"{\info{\title My \'e5}{\author Ida Holm}{\creatim\yr2020\mo3\dy1\hr4}}"
    document = read(facts + FERRY.encode())
    assert document.title == "My å"
    assert document.metadata == {"author": "Ida Holm", "date": "2020-03-01"}
    assert texts(document) == [FERRY]


def test_a_file_that_is_cut_short_is_read_and_named() -> None:
    document = parse_bytes(b"{\\rtf1 {\\b One} two {\\footnote A no", "a.rtf")
    assert texts(document) == ["One two", "A no"]
    assert document.extent.unread == ("What it lacks: it ends too early.",)


def test_what_is_no_rich_text_is_an_error() -> None:
    with pytest.raises(ParseError, match="no rich text"):
        parse_bytes(b"Just text", "a.rtf")
