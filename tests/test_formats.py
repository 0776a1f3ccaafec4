"""Each format: the paragraph, heading path, page and offsets of text that the tests put there."""

from __future__ import annotations

import html
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from index.errors import ParseError
from index.parsers import FORMATS, SUFFIXES, format_of, parse, parse_bytes
from tests.samples import (
    FEES,
    FERRY,
    PAGE,
    RST,
    a_docx,
    a_pptx,
    an_epub,
    an_odt,
    block_of,
    odt_cell,
    samples,
    text_of,
    texts,
)

FILES = samples()
NESTED = ("Timetable",), ("Timetable", "Fees")
BESIDE = ("Timetable",), ("Fees",)
PLACES = {
    "markdown": (*NESTED, None, None),
    "text": (("TIMETABLE",), ("FEES",), None, None),
    "pdf": (*BESIDE, 1, 2),
    "docx": (*NESTED, None, None),
    "pptx": (*BESIDE, 1, 2),
    "html": (*NESTED, None, None),
    "epub": (*BESIDE, None, None),
    "odt": (*NESTED, None, None),
    "rtf": ((), (), None, None),
    "rst": (*NESTED, None, None),
    "csv": ((), (), None, None),
    "eml": (("Ferries of the Sound",), ("Ferries of the Sound",), None, None),
}


class TestPlaces:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_paragraph_has_its_offsets_its_headings_and_its_page(self, suffix: str) -> None:
        document = parse_bytes(FILES[f"ferries{suffix}"], f"ferries{suffix}")
        above_ferry, above_fees, page_of_ferry, page_of_fees = PLACES[SUFFIXES[suffix]]
        for key, text, headings, page in (
            ("Sandholm", FERRY, above_ferry, page_of_ferry),
            ("lorry 90", FEES, above_fees, page_of_fees),
        ):
            block = block_of(document, key)
            found = document.text[block.start : block.end]
            assert " ".join(found.split()).endswith(text)
            assert (block.headings, block.page) == (headings, page)

    @pytest.mark.parametrize(
        ("suffix", "lines"),
        [(".md", [3, 7]), (".txt", [3, 7]), (".rst", [4, 12]), (".csv", [2, 3])],
    )
    def test_a_paragraph_of_a_text_has_its_line(self, suffix: str, lines: list[int]) -> None:
        document = parse_bytes(FILES[f"ferries{suffix}"], f"ferries{suffix}")
        assert [block_of(document, key).line for key in ("Sandholm", "lorry 90")] == lines


HEADED = {
    "ferries.docx": a_docx,
    "ferries.html": PAGE.encode,
    "ferries.odt": an_odt,
    "ferries.rst": RST.encode,
}


class TestHeadings:
    @pytest.mark.parametrize("name", HEADED)
    def test_each_paragraph_stands_under_its_headings(self, name: str) -> None:
        document = parse_bytes(HEADED[name](), name)
        assert document.format == SUFFIXES[Path(name).suffix]
        ferry, fees = block_of(document, "Sandholm"), block_of(document, "lorry 90")
        assert " ".join(text_of(document, ferry).split()) == FERRY
        assert text_of(document, fees) == FEES
        assert ferry.headings == ("Timetable",)
        assert fees.headings == ("Timetable", "Fees")

    @pytest.mark.parametrize("name", HEADED)
    def test_each_row_of_a_table_names_its_columns(self, name: str) -> None:
        document = parse_bytes(HEADED[name](), name)
        assert "Vehicle: Car; Price: 30" in texts(document)

    def test_a_slide_is_a_page(self) -> None:
        document = parse_bytes(a_pptx(), "ferries.pptx")
        ferry, fees = block_of(document, FERRY), block_of(document, FEES)
        assert (ferry.headings, ferry.page) == (("Timetable",), 1)
        assert (fees.headings, fees.page) == (("Fees",), 2)
        assert block_of(document, "Note on fees.").page == 2
        assert block_of(document, "Vehicle: Car; Price: 30").page == 2

    def test_the_chapters_of_a_book_keep_the_order_of_its_spine(self) -> None:
        document = parse_bytes(an_epub(), "ferries.epub")
        assert texts(document) == [FERRY, FEES]
        assert [block.headings for block in document.blocks] == [("Timetable",), ("Fees",)]
        assert document.title == "Ferries of the Sound"
        assert document.metadata["author"] == "I. Holm"

    def test_word_s_properties_are_the_document_s(self) -> None:
        document = parse_bytes(a_docx(), "ferries.docx")
        assert document.title == "Ferries of the Sound"
        assert document.metadata["author"] == "I. Holm"
        assert "running header" not in document.text


def a_merged_docx() -> bytes:
    import docx

    made = docx.Document()
    table = made.add_table(3, 3)
    fill(table, PORTS)
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def a_merged_pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(3), Inches(6), Inches(2)).table
    fill(table, PORTS)
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def a_merged_odt() -> bytes:
    row, covered = "table:table-row", "<table:covered-table-cell/>"
    beyond = '<table:table-cell table:number-columns-repeated="16000"/>'
    return an_odt(
        f"<table:table><{row}>{odt_cell('Port')}{odt_cell('Ships', columns=2)}{covered}</{row}>"
        f"<{row}>{odt_cell('Turku', rows=2)}{odt_cell('5')}{odt_cell('6')}</{row}>"
        f"<{row}>{covered}{odt_cell('7')}{odt_cell('8')}{beyond}</{row}></table:table>"
    )


def fill(table: Any, rows: list[list[str]]) -> None:
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            if text:
                table.cell(number, column).text = text


PORTS = [["Port", "Ships", ""], ["Turku", "5", "6"], ["", "7", "8"]]
MERGED = {
    "ports.docx": a_merged_docx,
    "ports.pptx": a_merged_pptx,
    "ports.html": lambda: (
        b"<table><tr><th>Port</th><th colspan=2>Ships</th></tr>"
        b"<tr><td rowspan='2'>Turku</td><td>5</td><td>6</td></tr>"
        b"<tr><td>7</td><td>8</td></tr></table>"
    ),
    "ports.odt": a_merged_odt,
    "ports.rst": lambda: (
        b"+-------+-------+\n| Port  | Ships |\n+=======+===+===+\n| Turku | 5 | 6 |\n"
        b"|       +---+---+\n|       | 7 | 8 |\n+-------+---+---+\n"
    ),
}


class TestMergedCells:
    @pytest.mark.parametrize("name", MERGED)
    def test_rows_name_their_columns_and_what_heads_them(self, name: str) -> None:
        found = texts(parse_bytes(MERGED[name](), name))
        assert [text for text in found if "Ships" in text] == [
            "Port: Turku; Ships: 5; Ships: 6",
            "Port: Turku; Ships: 7; Ships: 8",
        ]

    def test_a_table_inside_a_cell_is_read_as_one(self) -> None:
        import docx

        made = docx.Document()
        outer = made.add_table(2, 2)
        fill(outer, [["Port", "Ships"], ["Turku", "see below"]])
        fill(outer.cell(1, 1).add_table(2, 2), [["Year", "Count"], ["1998", "5"]])
        made.add_paragraph(FERRY)
        file = io.BytesIO()
        made.save(file)
        assert texts(parse_bytes(file.getvalue(), "ports.docx")) == [
            "Port: Turku; Ships: see below",
            "Year: 1998; Count: 5",
            FERRY,
        ]

    def test_so_is_one_inside_a_cell_of_an_open_document(self) -> None:
        inner = (
            f"<table:table><table:table-row>{odt_cell('Year')}{odt_cell('Count')}"
            f"</table:table-row><table:table-row>{odt_cell('1998')}{odt_cell('5')}"
            "</table:table-row></table:table>"
        )
        outer = (
            f"<table:table><table:table-header-rows><table:table-row>{odt_cell('Port')}"
            f"</table:table-row></table:table-header-rows><table:table-row>"
            f"<table:table-cell><text:list><text:list-item><text:p>Turku</text:p></text:list-item>"
            f"<text:list-item><text:p>Rauma</text:p></text:list-item></text:list>{inner}"
            "</table:table-cell></table:table-row></table:table>"
        )
        found = texts(parse_bytes(an_odt(outer), "ports.odt"))
        assert found[-2:] == ["Port: Turku Rauma", "Year: 1998; Count: 5"]

    def test_a_row_that_was_deleted_is_not_seen(self) -> None:
        import docx
        from docx.oxml import OxmlElement

        made = docx.Document()
        table = made.add_table(3, 2)
        fill(table, [["Port", "Ships"], ["Turku", "5"], ["Rauma", "2"]])
        table.rows[1]._tr.get_or_add_trPr().append(OxmlElement("w:del"))
        file = io.BytesIO()
        made.save(file)
        assert texts(parse_bytes(file.getvalue(), "ports.docx")) == ["Port: Rauma; Ships: 2"]


WORDS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
NOTE = "In winter it leaves at ten."


def a_docx_with_notes() -> bytes:
    reference = b'<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    separator = '<w:footnote w:type="separator" w:id="0"><w:p><w:r><w:t>-</w:t></w:r></w:p>'
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(a_docx())) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/document.xml":
                ferry, rest = data.split(FERRY.encode())
                data = ferry + FERRY.encode() + rest.replace(b"</w:p>", reference, 1)
            new.writestr(name, data)
        new.writestr(
            "word/footnotes.xml",
            f"<w:footnotes {WORDS}>{separator}</w:footnote><w:footnote w:id='2'>"
            f"<w:p><w:r><w:t>{NOTE}</w:t></w:r></w:p></w:footnote></w:footnotes>",
        )
    return file.getvalue()


def an_odt_with_notes() -> bytes:
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        f"<text:p>{NOTE}</text:p></text:note-body></text:note>"
    )
    return an_odt(f'<text:h text:outline-level="1">More</text:h><text:p>See{note} there.</text:p>')


NOTED = {
    "ferries.docx": (a_docx_with_notes, FERRY, ("Timetable",)),
    "ferries.odt": (an_odt_with_notes, "See there.", ("More",)),
    "ferries.html": (
        lambda: (
            f"<h1>More</h1><p>See<a epub:type='noteref' href='#n'>1</a> there.</p>"
            f"<aside id='n' epub:type='footnote' hidden>{NOTE}</aside>".encode()
        ),
        "See1 there.",
        ("More",),
    ),
    "ferries.rst": (
        lambda: f"More\n====\n\nSee [#]_ there.\n\n.. [#] {NOTE}\n".encode(),
        "See 1 there.",
        ("More",),
    ),
}


class TestNotes:
    @pytest.mark.parametrize("name", NOTED)
    def test_they_stand_after_their_paragraph_under_its_heading(self, name: str) -> None:
        make, paragraph, headings = NOTED[name]
        document = parse_bytes(make(), name)
        found = texts(document)
        place = found.index(paragraph)
        assert [text for text in found[place + 1 : place + 3] if NOTE in text]
        assert block_of(document, NOTE).headings == headings

    def test_those_of_a_chapter_stay_with_it(self) -> None:
        chapter = f"<p>See there.</p><aside epub:type='footnote'>{NOTE}</aside>"
        document = parse_bytes(an_epub(more=chapter), "ferries.epub")
        assert texts(document) == [FERRY, "See there.", NOTE, FEES]
        assert block_of(document, NOTE).headings == ("Timetable",)

    def test_a_text_box_follows_its_paragraph(self) -> None:
        box = f"<draw:frame><draw:text-box><text:p>{NOTE}</text:p></draw:text-box></draw:frame>"
        document = parse_bytes(an_odt(f"<text:p>See{box} there.</text:p>"), "ferries.odt")
        assert texts(document)[-2:] == ["See there.", NOTE]


def a_docx_list() -> bytes:
    import docx

    made = docx.Document()
    for item, style in (
        ("Pay", "List Bullet"),
        ("on board", "List Bullet 2"),
        ("Wait", "List Number"),
    ):
        made.add_paragraph(item, style)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


LISTS = {
    "list.docx": a_docx_list,
    "list.odt": lambda: an_odt(
        "<text:list><text:list-item><text:p>Pay</text:p><text:list><text:list-item><text:p>on board"
        "</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>Wait</text:p>"
        "</text:list-item></text:list>"
    ),
    "list.html": lambda: b"<ul><li>Pay<ol><li>on board</ol><li><p>Wait</p></ul>",
    "list.md": lambda: b"- Pay\n  1. on board\n- Wait\n",
    "list.rst": lambda: b"* Pay\n\n  1. on board\n\n* Wait\n",
}


class TestLists:
    @pytest.mark.parametrize("name", LISTS)
    def test_each_item_is_a_paragraph(self, name: str) -> None:
        found = [text.removeprefix("1. ") for text in texts(parse_bytes(LISTS[name](), name))]
        assert found[-3:] == ["Pay", "on board", "Wait"]
        blocks = parse_bytes(LISTS[name](), name).blocks
        assert [block.item for block in blocks[-3:]] == [True] * 3


class TestHtml:
    def test_what_no_reader_sees_is_left_out(self) -> None:
        document = parse_bytes(PAGE.encode(), "ferries.html")
        for hidden in ("script text", "color: red", "Navigation link", "not seen"):
            assert hidden not in document.text
        assert document.extent.left_out == len("Navigation link" + "not seen")
        assert texts(document)[-2:] == ["Pay on board", "Pay ashore"]
        assert document.title == "Ferries of the Sound"

    @pytest.mark.parametrize(
        ("declared", "encoding"),
        [("utf-8", "utf-8"), ("iso-8859-1", "cp1252"), ("iso-8859-1", "utf-8"), ("none", "utf-8"),
         ("utf-8", "cp1252"), ("windows-1251", "cp1251")],
    )  # fmt: skip
    def test_the_charset_may_be_declared_wrongly(self, declared: str, encoding: str) -> None:
        text = "Причал закрыт зимой" if encoding == "cp1251" else "Die Fähre fährt für 5 € über"
        page = f'<html><head><meta charset="{declared}"></head><body><p>{text}</p></body></html>'
        assert texts(parse_bytes(page.encode(encoding), "a.html")) == [text]

    def test_pages_that_stand_in_a_saved_page_are_read_in_their_place(self) -> None:
        inner = "<td>Car<template shadowrootmode=open> or lorry</template>"
        frame = f"<p>Fees</p><table><tr><th>Vehicle<th>Price<tr>{inner}<td>30</table>"
        page = (
            "<p>Above</p><x-fees><template shadowrootmode=open><iframe srcdoc='"
            f"{html.escape(frame)}'></iframe></template></x-fees><p>Below</p>"
            "<iframe hidden srcdoc=unseen></iframe><template>unseen</template>"
        )
        assert texts(parse_bytes(page.encode(), "a.html")) == [
            "Above", "Fees", "Vehicle: Car or lorry; Price: 30", "Below"
        ]  # fmt: skip

    def test_deep_nesting_is_read(self) -> None:
        page = "<div>" * 5000 + "deep text" + "</div>" * 5000
        assert "deep text" in parse_bytes(page.encode(), "a.html").text


class TestTables:
    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_rows_name_their_columns(self, mark: str) -> None:
        rows = [("Vehicle", "Price"), ("Car", '"30\n dollars"'), ("Lorry", "90")]
        data = "\r\n".join(mark.join(row) for row in rows).encode("utf-16")
        document = parse_bytes(data, "fees.csv")
        assert texts(document) == ["Vehicle: Car; Price: 30 dollars", "Vehicle: Lorry; Price: 90"]
        assert [block.line for block in document.blocks] == [2, 4]

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("sep=;\nName;Price\nCar;30\n", ["Name: Car; Price: 30"]),
            ("Fees\n\nName,Price\nCar,30\n", ["Fees", "Name: Car; Price: 30"]),
            ("Port,2019,2020\nTurku,5,6\n", ["Port: Turku; 2019: 5; 2020: 6"]),
            ("2020-01-01,Turku\n2020-01-02,Rauma\n", ["2020-01-01; Turku", "2020-01-02; Rauma"]),
            (
                'Size,Name\n"5 inch,pipe\n6,pie\n',
                ['Size: "5 inch; Name: pipe', "Size: 6; Name: pie"],
            ),
            ("Fees\nName,Price\n", ["Fees", "Name; Price"]),
            ("Name,Price\nCar,30,\n", ["Name: Car; Price: 30"]),
            ("Name,Price,\nCar,30,new\n", ["Name: Car; Price: 30; new"]),
            ('Name, Port\n"Car, small", "Åbo, Turku"\n', ["Name: Car, small; Port: Åbo, Turku"]),
            ("Name,Price,Fax\nCar,30,\n", ["Name: Car; Price: 30", "Name; Price; Fax"]),
            ("Name,Price\nCar,30,new\n", ["Car; 30; new", "Name; Price"]),
        ],
    )
    def test_names_are_told_from_titles_and_from_values(
        self, source: str, expected: list[str]
    ) -> None:
        assert texts(parse_bytes(source.encode(), "fees.csv")) == expected

    def test_a_table_of_numbers_has_no_head(self) -> None:
        assert texts(parse_bytes(b"1,2\n3,4\n", "fees.csv")) == ["1; 2", "3; 4"]


class TestRichText:
    def test_paragraphs(self) -> None:
        data = rb"{\rtf1\ansi{\fonttbl\f0 Arial;}\f0 A ferry to S\'e5ndholm.\par It costs 30.\par}"
        assert texts(parse_bytes(data, "a.rtf")) == ["A ferry to Såndholm.", "It costs 30."]


class TestRestructured:
    def test_nothing_is_included(self) -> None:
        assert "root:" not in parse_bytes(RST.encode(), "a.rst").text


class TestChoice:
    def test_content_beats_the_name(self) -> None:
        assert parse_bytes(a_docx(), "wrong.txt").format == "docx"
        assert parse_bytes(PAGE.encode(), "wrong.docx").format == "html"
        assert parse_bytes(an_epub(), "wrong.zip").format == "epub"

    @pytest.mark.parametrize(
        "data",
        [b"\x89PNG\r\n", b"\x1f\x8b\x08", b"\x7fELF", b"\xd0\xcf\x11\xe0", b"PK\x03\x04junk"],
    )
    def test_what_no_parser_reads_is_named(self, data: bytes) -> None:
        with pytest.raises(ParseError, match="The file is"):
            parse_bytes(data, "a.txt")

    @pytest.mark.parametrize(
        "page",
        [
            "<!-- saved from x -->\n<html><p>a",
            '<?xml version="1.0"?>\n<!DOCTYPE html><p>a',
            "\ufeff<body>a",
        ],
    )
    def test_a_page_is_told_by_its_first_tag(self, page: str) -> None:
        assert format_of(page.encode()) == "html"

    def test_a_text_that_speaks_of_pdf_is_none(self) -> None:
        assert format_of(b"A PDF file begins with %PDF-1.7 and a line end.") is None
        assert format_of(b"\n%PDF-1.7") == format_of(b"junk %PDF-1.7 1 0 obj startxref 5") == "pdf"

    def test_many_comments_cost_no_time(self) -> None:
        assert format_of(b"<!---->" * 5000) is None

    def test_a_workbook_is_named(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("xl/workbook.xml", "<x/>")
        with pytest.raises(ParseError, match=r"workbook\..*CSV"):
            parse_bytes(file.getvalue(), "a.xlsx")

    def test_what_is_nested_too_deeply_is_an_error_of_ours(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def endless(*_: Any) -> None:
            endless()

        monkeypatch.setattr("index.parsers.text.parse_text", endless)
        with pytest.raises(ParseError, match="nested too deeply"):
            parse_bytes(b"text", "a.txt")

    def test_text_has_no_mark(self) -> None:
        assert format_of(b"Just text") is None
        assert set(SUFFIXES.values()) == set(FORMATS)

    @pytest.mark.parametrize(
        ("name", "package"),
        [
            ("ferries.docx", "docx"),
            ("ferries.pptx", "pptx"),
            ("ferries.html", "selectolax"),
            ("ferries.epub", "lxml"),
            ("ferries.rst", "docutils"),
            ("ferries.md", "markdown_it"),
        ],
    )
    def test_a_package_that_is_missing_is_named_with_what_installs_it(
        self, name: str, package: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for loaded in [one for one in sys.modules if one.split(".")[0] == package]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ParseError, match=rf"'{package}.*pip install -r requirements\.txt"):
            parse_bytes(FILES[name], name)

    def test_a_file_without_text_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "a.html").write_text("<html><body><img src=x></body></html>")
        with pytest.raises(ParseError, match="no text"):
            parse(tmp_path / "a.html", "a.html")
