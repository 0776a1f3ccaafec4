"""Each format: the paragraph, heading path, page and offsets of text that the tests put there."""

from __future__ import annotations

import email.message
import email.policy
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import ParseError
from index.parsers import FORMATS, SUFFIXES, format_of, parse, parse_bytes
from index.parsers.archive import LARGEST, member, opened
from index.records import Block, Document

FERRY = "The ferry to Sandholm leaves at nine and carries forty cars."
FEES = "A car costs 30 dollars, a lorry 90."


def text_of(document: Document, block: Block) -> str:
    return document.text[block.start : block.end]


def texts(document: Document) -> list[str]:
    return [text_of(document, block) for block in document.blocks]


def block_of(document: Document, text: str) -> Block:
    (found,) = [block for block in document.blocks if text in text_of(document, block)]
    return found


def a_docx() -> bytes:
    import docx

    made = docx.Document()
    made.core_properties.title = "Ferries of the Sound"
    made.core_properties.author = "I. Holm"
    made.add_heading("Timetable", 1)
    made.add_paragraph(FERRY)
    made.add_heading("Fees", 2)
    made.add_paragraph(FEES)
    table = made.add_table(3, 2)
    for row, cells in zip(
        table.rows, [("Vehicle", "Price"), ("Car", "30"), ("Lorry", "90")], strict=True
    ):
        for cell, value in zip(row.cells, cells, strict=True):
            cell.text = value
    made.sections[0].header.paragraphs[0].text = "running header"
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def a_pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Inches

    made = Presentation()
    for title, body in (("Timetable", FERRY), ("Fees", FEES)):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
        slide.notes_slide.notes_text_frame.text = f"Note on {title.lower()}."
    frame = slide.shapes.add_table(2, 2, Inches(1), Inches(5), Inches(4), Inches(1))
    for place, value in {(0, 0): "Vehicle", (0, 1): "Price", (1, 0): "Car", (1, 1): "30"}.items():
        frame.table.cell(*place).text = value
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


PAGE = f"""<!doctype html><html><head><title>Ferries of the Sound</title>
<style>p {{ color: red }}</style><script>var hidden = "script text";</script></head><body>
<nav><a href="/">Navigation link</a></nav>
<h1>Timetable</h1>
<p>The <b>ferry</b> to <i>Sandholm</i> leaves at nine<br>and carries forty cars.</p>
<h2>Fees</h2><div>{FEES}</div><p hidden>not seen</p>
<table><tr><th>Vehicle</th><th>Price</th></tr><tr><td>Car</td><td>30</td></tr></table>
<ul><li>Pay on board</li><li>Pay ashore</li></ul></body></html>"""


def an_epub() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book/content.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "book/content.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            "<dc:title>Ferries of the Sound</dc:title><dc:creator>I. Holm</dc:creator></metadata>"
            '<manifest><item id="b" href="two.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="a" href="one%20a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
        )
        archive.writestr(
            "book/one a.xhtml", f"<html><body><h1>Timetable</h1><p>{FERRY}</p></body></html>"
        )
        archive.writestr("book/two.xhtml", f"<html><body><h1>Fees</h1><p>{FEES}</p></body></html>")
    return file.getvalue()


def odt_cell(text: str, columns: int = 1, rows: int = 1) -> str:
    spans = f'table:number-columns-spanned="{columns}" table:number-rows-spanned="{rows}"'
    return f"<table:table-cell {spans}><text:p>{text}</text:p></table:table-cell>"


def an_odt(more: str = "") -> bytes:
    file = io.BytesIO()
    names = "urn:oasis:names:tc:opendocument:xmlns"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{names}:office:1.0" '
            f'xmlns:text="{names}:text:1.0" xmlns:table="{names}:table:1.0">'
            "<office:body><office:text>"
            f'<text:h text:outline-level="1">Timetable</text:h><text:p>{FERRY}</text:p>'
            f'<text:h text:outline-level="2">Fees</text:h><text:p>{FEES}</text:p>'
            "<table:table><table:table-row><table:table-cell><text:p>Vehicle</text:p></table:table-cell>"
            "<table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>"
            "<table:table-row><table:table-cell><text:p>Car</text:p></table:table-cell>"
            "<table:table-cell><text:p>30</text:p></table:table-cell></table:table-row></table:table>"
            f"{more}</office:text></office:body></office:document-content>",
        )
    return file.getvalue()


RST = f"""Timetable
=========

The ferry to *Sandholm* leaves at nine
and carries forty cars.

.. include:: /etc/passwd

Fees
----

{FEES}

======== =====
Vehicle  Price
======== =====
Car      30
======== =====
"""

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


class TestHtml:
    def test_what_no_reader_sees_is_left_out(self) -> None:
        document = parse_bytes(PAGE.encode(), "ferries.html")
        for hidden in ("script text", "color: red", "Navigation link", "not seen"):
            assert hidden not in document.text
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

    def test_deep_nesting_is_read(self) -> None:
        page = "<div>" * 5000 + "deep text" + "</div>" * 5000
        assert "deep text" in parse_bytes(page.encode(), "a.html").text


class TestMail:
    def mail(self) -> email.message.EmailMessage:
        made = email.message.EmailMessage(policy=email.policy.default)
        made["Subject"], made["From"] = "Ferries of the Sound", "Ida Holm <holm@example.org>"
        made["Date"] = "Tue, 3 Mar 2020 10:00:00 +0000"
        made.set_content(f"{FERRY}\n\n{FEES}\n")
        made.add_alternative(f"<p>{FERRY} In HTML.</p>", subtype="html")
        return made

    def test_subject_sender_date_and_text(self) -> None:
        document = parse_bytes(bytes(self.mail()), "mail.eml")
        assert document.title == "Ferries of the Sound"
        assert document.metadata == {"author": "Ida Holm <holm@example.org>", "date": "2020-03-03"}
        assert texts(document) == [FERRY, FEES]

    def test_attachments_are_read_by_their_parsers(self) -> None:
        mail = self.mail()
        mail.add_attachment(a_docx(), maintype="application", subtype="x", filename="../../a.docx")
        mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="a.png")
        document = parse_bytes(bytes(mail), "mail.eml")
        assert "Vehicle: Car; Price: 30" in texts(document)

    def test_an_encrypted_mail_is_named(self) -> None:
        mail = email.message.EmailMessage(policy=email.policy.default)
        mail["Subject"] = "Secret"
        mail.set_content(b"...", maintype="application", subtype="pkcs7-mime")
        with pytest.raises(ParseError, match="encrypted"):
            parse_bytes(bytes(mail), "mail.eml")

    def test_a_mail_without_a_header_is_none(self) -> None:
        with pytest.raises(ParseError, match="no mail"):
            parse_bytes(b"just text", "mail.eml")


class TestTables:
    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_rows_name_their_columns(self, mark: str) -> None:
        rows = [("Vehicle", "Price"), ("Car", '"30\n dollars"'), ("Lorry", "90")]
        data = "\r\n".join(mark.join(row) for row in rows).encode("utf-16")
        document = parse_bytes(data, "fees.csv")
        assert texts(document) == ["Vehicle: Car; Price: 30 dollars", "Vehicle: Lorry; Price: 90"]
        assert [block.line for block in document.blocks] == [2, 4]

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

    def test_text_has_no_mark(self) -> None:
        assert format_of(b"Just text") is None
        assert set(SUFFIXES.values()) == set(FORMATS)

    @pytest.mark.parametrize(
        ("name", "package"),
        [
            ("a.docx", "docx"),
            ("a.pptx", "pptx"),
            ("a.html", "selectolax"),
            ("a.epub", "lxml"),
            ("a.rst", "docutils"),
            ("a.rtf", "striprtf"),
            ("a.md", "markdown_it"),
        ],
    )
    def test_a_package_that_is_missing_is_named_with_what_installs_it(
        self, name: str, package: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for loaded in [one for one in sys.modules if one.split(".")[0] == package]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ParseError, match=rf"'{package}.*pip install -r requirements\.txt"):
            parse_bytes(WHOLE[name], name)

    def test_a_file_without_text_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "a.html").write_text("<html><body><img src=x></body></html>")
        with pytest.raises(ParseError, match="no text"):
            parse(tmp_path / "a.html", "a.html")


class TestArchives:
    def test_one_that_would_explode_is_refused(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("word/document.xml", b"\0" * 30_000_000)
        with pytest.raises(ParseError, match="suspiciously"):
            opened(file.getvalue())
        with pytest.raises(ParseError, match="suspiciously"):
            parse_bytes(file.getvalue(), "a.docx")
        assert LARGEST > 30_000_000

    def test_a_missing_part_is_named(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("mimetype", "application/epub+zip")
        with pytest.raises(ParseError, match=r"container\.xml"):
            parse_bytes(file.getvalue(), "a.epub")
        with pytest.raises(ParseError, match="lacks"):
            member(opened(file.getvalue()), "x")

    def test_entities_are_not_expanded(self) -> None:
        bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        odt = an_odt()
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(odt)) as old, zipfile.ZipFile(file, "w") as new:
            new.writestr("mimetype", old.read("mimetype"))
            content = old.read("content.xml").decode().replace(FEES, "Laugh: &b;")
            new.writestr("content.xml", bomb + content)
        assert "hahaha" not in parse_bytes(file.getvalue(), "a.odt").text


WHOLE = {
    "a.docx": a_docx(),
    "a.pptx": a_pptx(),
    "a.html": PAGE.encode(),
    "a.epub": an_epub(),
    "a.odt": an_odt(),
    "a.rst": RST.encode(),
    "a.csv": b"Vehicle,Price\nCar,30\n",
    "a.eml": bytes(TestMail().mail()),
    "a.rtf": rb"{\rtf1\ansi The ferry.\par}",
    "a.md": b"# Fees\n\nA car costs 30.\n",
    "a.txt": b"A car costs 30.\n",
}


class TestDamage:
    @pytest.mark.parametrize("name", WHOLE)
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_nothing_but_our_own_error_is_raised(self, name: str, data: st.DataObject) -> None:
        whole = bytearray(WHOLE[name])
        for _ in range(data.draw(st.integers(0, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(whole)))
        try:
            document = parse_bytes(bytes(whole[:end]), name)
        except ParseError:
            return
        for block in document.blocks:
            assert 0 <= block.start < block.end <= len(document.text)
            assert text_of(document, block).strip() == text_of(document, block)
