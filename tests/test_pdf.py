"""PDF: reading order, paragraphs, headings, pages, what is left out, and where quotes stand."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from index.errors import ParseError
from index.parsers import ocr
from index.parsers.pdf import boxes, parse_pdf
from index.records import Block, Document
from tests.test_hostile import a_pdf_of, a_stream

WIDTH, HEIGHT = A4
FERRY = (
    "The ferry to Sandholm leaves at nine in the morning and carries forty cars and two hundred "
    "people. It takes an hour and a half, longer when the sound is full of ice, and it does not "
    "sail at all in a storm."
)
FEES = (
    "A car costs thirty dollars and a lorry ninety. Children below the age of six travel without "
    "a ticket, and so do guide dogs and their owners. The price is the same on all days."
)
WINTER = (
    "From November until March there are two crossings a day instead of five. The cafeteria is "
    "closed then, but hot drinks are sold on the car deck by a machine."
)


class Sheet:
    """A PDF under construction, with the cursor at the top of its first page."""

    def __init__(self, **options: object) -> None:
        self.file = io.BytesIO()
        self.canvas = Canvas(self.file, pagesize=A4, **options)
        self.y = HEIGHT - 120

    def write(
        self,
        text: str,
        *,
        left: float = 70,
        width: float = 450,
        size: float = 11,
        bold: bool = False,
    ) -> None:
        """A paragraph, its words wrapped, and an empty line after it."""
        font = "Helvetica-Bold" if bold else "Helvetica"
        self.canvas.setFont(font, size)
        for line in wrapped(text, width, font, size):
            self.canvas.drawString(left, self.y, line)
            self.y -= 1.25 * size
        self.y -= size

    def line(self, x: float, y: float, text: str, size: float = 9) -> None:
        self.canvas.setFont("Helvetica", size)
        self.canvas.drawString(x, y, text)

    def page(self) -> None:
        self.canvas.showPage()
        self.y = HEIGHT - 120

    def bytes(self) -> bytes:
        self.canvas.save()
        return self.file.getvalue()


def wrapped(text: str, width: float, font: str, size: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        tried = f"{lines[-1]} {word}".strip()
        if stringWidth(tried, font, size) > width:
            lines.append(word)
        else:
            lines[-1] = tried
    return lines


def read(sheet: Sheet) -> Document:
    return parse_pdf(sheet.bytes(), "ferries.pdf", "")


def in_letters(content: bytes, letters: str) -> bytes:
    """A PDF of one page whose font says by a range of a CMap what its letters mean."""
    meaning = (
        f"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange {letters} endbfrange"
    )
    cmap = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap " + meaning.encode()
    cmap += b" endcmap end end"
    widths = b"/FirstChar 32/LastChar 126/Widths[" + b"666 " * 95 + b"]"
    return a_pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</Font<</F 5 0 R>>>>>>",
        a_stream(content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier/ToUnicode 6 0 R%b>>" % widths,
        a_stream(cmap),
    )


def texts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def block_of(document: Document, text: str) -> Block:
    (found,) = [b for b in document.blocks if text in document.text[b.start : b.end]]
    return found


class TestParagraphs:
    def test_lines_become_paragraphs_under_their_headings(self) -> None:
        sheet = Sheet()
        sheet.write("Ferries of the Sound", size=20)
        sheet.write("Timetable", size=14, bold=True)
        sheet.write(FERRY)
        sheet.write("Fees", size=14, bold=True)
        sheet.write(FEES)
        document = read(sheet)
        assert texts(document) == [FERRY, FEES]
        assert document.blocks[0].headings == ("Ferries of the Sound", "Timetable")
        assert document.blocks[1].headings == ("Ferries of the Sound", "Fees")
        assert document.title == "Ferries of the Sound"
        assert {block.page for block in document.blocks} == {1}

    @pytest.mark.parametrize(
        ("said", "title"),
        [
            ("A year of ferries", "A year of ferries"),
            ("PUBL081.PS", "Ferries of the Sound"),
            ("Microsoft Word - ferries.docx", "Ferries of the Sound"),
        ],
    )
    def test_what_a_program_left_as_a_title_is_none(self, said: str, title: str) -> None:
        sheet = Sheet()
        sheet.canvas.setTitle(said)
        sheet.write("Ferries of the Sound", size=20)
        sheet.write(FERRY)
        assert read(sheet).title == title

    def test_a_bold_line_of_the_usual_size_is_a_heading(self) -> None:
        sheet = Sheet()
        sheet.write("Fees", bold=True)
        sheet.write(FEES)
        assert block_of(read(sheet), FEES).headings == ("Fees",)

    def test_items_of_a_list_are_paragraphs(self) -> None:
        sheet = Sheet()
        for item in (
            "1. Buy a ticket",
            "2. Wait in lane three",
            "(a) lorries first",
            "• no smoking",
        ):
            sheet.line(70, sheet.y, item, 11)
            sheet.y -= 13
        assert len(texts(read(sheet))) == 4

    def test_words_cut_at_the_end_of_a_line_are_mended(self) -> None:
        sheet = Sheet()
        for line in (
            "The committee has recommended the estab-",
            "lishment of a year-round crossing, well-",
            "known to be wanted in every long-term",
            "plan for the islands of the inner sound.",
        ):
            sheet.line(70, sheet.y, line, 11)
            sheet.y -= 13.5
        (text,) = texts(read(sheet))
        assert "the establishment of a year-round" in text
        assert "long-term plan" in text

    def test_a_line_that_only_begins_in_bold_is_no_heading(self) -> None:
        sheet = Sheet()
        sheet.canvas.setFont("Helvetica-Bold", 11)
        sheet.canvas.drawString(70, sheet.y, "Lorry")
        sheet.line(
            105, sheet.y, "means a vehicle that is longer than seven metres and is built to", 11
        )
        sheet.line(70, sheet.y - 13.5, "carry goods, whatever the goods may be.", 11)
        document = read(sheet)
        assert document.blocks[0].headings == ()
        assert document.text.startswith("Lorry means a vehicle")
        assert "built to carry goods" in document.text

    def test_a_row_of_a_table_is_no_heading(self) -> None:
        sheet = Sheet()
        sheet.canvas.setFont("Helvetica-Bold", 11)
        for x, cell in ((70, "Vehicle"), (200, "Price"), (330, "Length")):
            sheet.canvas.drawString(x, sheet.y, cell)
        sheet.y -= 30
        sheet.write(FERRY)
        assert texts(read(sheet)) == ["Vehicle Price Length", FERRY]

    def test_a_note_at_the_foot_of_a_page_cuts_no_sentence(self) -> None:
        sheet = Sheet()
        lines = wrapped(f"{FERRY} {FEES}", 450, "Helvetica", 11)
        note = "1 The timetable hangs on the pier."
        for number, line in enumerate(lines):
            if number in (1, 2):
                sheet.line(70, 120, note, 8)
                sheet.page()
            sheet.line(70, sheet.y, line, 11)
            sheet.y -= 13.75
        data = sheet.bytes()
        document = parse_pdf(data, "a.pdf", "")
        assert texts(document) == [f"{FERRY} {FEES}", note, note]
        assert [block.page for block in document.blocks] == [1, 1, 2]
        assert [page for page, _ in boxes(data, 1, " ".join(lines[:2]))] == [1, 2]

    def test_a_paragraph_goes_on_over_the_page(self) -> None:
        sheet = Sheet()
        lines = wrapped(FERRY, 450, "Helvetica", 11)
        for number, line in enumerate(lines):
            if number == 1:
                sheet.page()
            sheet.line(70, sheet.y, line, 11)
            sheet.y -= 13.75
        document = read(sheet)
        assert texts(document) == [FERRY]
        assert document.blocks[0].page == 1

    @pytest.mark.parametrize("title", ["", "Harbour rules"])
    @pytest.mark.parametrize(
        ("last", "first", "joined"),
        [
            ("the office on the quay answers for them: write to Mrs", "Holm in time.", True),
            ("the office on the quay answers for them: write to her", "and wait.", True),
            ("the office on the quay answers for them, as ever was.", "Holm keeps it.", False),
            ("the office on the quay answers for", "Holm keeps it.", False),
            ("the office on the quay answers for them: write to Mrs", "2. Dogs pay.", False),
            ("the office on the quay answers for them: write to Mrs", "Lost and found", False),
        ],
    )
    def test_a_full_last_line_goes_on_over_the_page(
        self, title: str, last: str, first: str, joined: bool
    ) -> None:
        sheet = Sheet()
        if title:
            sheet.line(150, sheet.y, title, 24)
            sheet.y -= 40
        above = ("Lost bags are kept for a year by those who found them", "and by nobody else,")
        for line in (above[0], f"{above[1]} whatever they are worth, so that", last):
            sheet.line(70, sheet.y, line, 11)
            sheet.y -= 13.75
        sheet.page()
        sheet.line(70, sheet.y, first, 11)
        found = texts(read(sheet))
        assert found[-1].endswith(f"{last} {first}" if joined else first)
        assert (found[-1] == first) is not joined

    def test_each_passage_has_its_page(self) -> None:
        sheet = Sheet()
        for text in (FERRY, FEES, WINTER):
            sheet.write(text)
            sheet.page()
        assert [block.page for block in read(sheet).blocks] == [1, 2, 3]


class TestHyphens:
    def mended(self, *lines: str) -> str:
        sheet = Sheet()
        for line in lines:
            sheet.line(70, sheet.y, line, 11)
            sheet.y -= 13.5
        return " ".join(texts(read(sheet)))

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            (("It is well-", "known to all"), "well-known"),
            (("A self-", "employed pilot, and an estab-", "lished one"), "an established one"),
            (("All of the long-", "ing of the self-", "ish man"), "longing of the selfish man"),
            (("The rules of EAP-", "CJCS. See EAP-CJCS for more"), "rules of EAP-CJCS."),
            (("The NAVI-", "GATION office"), "The NAVIGATION office"),
            (("Ships of the Anglo-", "Norwegian sound"), "Anglo-Norwegian sound"),
            (("A long-term plan, state-of-the-", "art ships"), "state-of-the-art ships"),
            (("The non-develop-", "mental plan; developmental"), "non-developmental plan;"),
            (("Many pre-", "and postwar piers"), "pre- and postwar piers"),
            (
                ("A multi-", "purpose pier, no multipurpose-like one; multi-purpose"),
                "A multi-purpose",
            ),
            (("From page 12-", "14 and on"), "12-14 and on"),
        ],
    )
    def test_a_hyphen_stays_where_it_is_one(self, lines: tuple[str, ...], expected: str) -> None:
        assert expected in self.mended(*lines)


class TestOrder:
    def columns(self, sheet: Sheet, left: Sequence[str], right: Sequence[str]) -> None:
        top = sheet.y
        for x, paragraphs in ((70, left), (310, right)):
            sheet.y = top
            for text in paragraphs:
                sheet.write(text, left=x, width=215)

    def test_columns_are_read_one_after_the_other(self) -> None:
        sheet = Sheet()
        sheet.write("Ferries of the Sound: what they cost and when they sail in summer", size=16)
        self.columns(sheet, [FERRY, FEES], [WINTER, FERRY])
        document = read(sheet)
        assert texts(document) == [FERRY, FEES, WINTER, FERRY]

    def test_lines_drawn_across_both_columns_are_put_right(self) -> None:
        sheet = Sheet()
        pairs = zip(
            wrapped(f"{FERRY} {FEES}", 215, "Helvetica", 11),
            wrapped(f"{WINTER} {FEES}", 215, "Helvetica", 11),
            strict=False,
        )
        for left, right in pairs:
            sheet.line(70, sheet.y, left, 11)
            sheet.line(310, sheet.y, right, 11)
            sheet.y -= 13.5
        whole = " ".join(texts(read(sheet)))
        assert FERRY in whole
        assert WINTER in whole

    def test_three_columns(self) -> None:
        sheet = Sheet()
        sheet.write("Ferries of the Sound: what they cost and when they sail in summer", size=16)
        top = sheet.y
        for x, paragraphs in ((40, [FERRY, FEES]), (225, [WINTER, FEES]), (410, [FEES, FERRY])):
            sheet.y = top
            for text in paragraphs:
                sheet.write(text, left=x, width=150, size=10)
        assert texts(read(sheet)) == [FERRY, FEES, WINTER, FEES, FEES, FERRY]

    def test_columns_below_half_a_page_of_text(self) -> None:
        sheet = Sheet()
        for text in (FERRY, FEES, WINTER, FERRY, FEES):
            sheet.write(text)
        self.columns(sheet, [WINTER], [FEES])
        assert texts(read(sheet)) == [FERRY, FEES, WINTER, FERRY, FEES, WINTER, FEES]

    def test_close_rows_of_a_table_are_paragraphs(self) -> None:
        sheet = Sheet()
        for cells in (("Car", "30", "5 m"), ("Lorry", "90", "12 m"), ("Motor home", "120", "9 m")):
            for x, cell in zip((70, 200, 330), cells, strict=True):
                sheet.line(x, sheet.y, cell, 11)
            sheet.y -= 13
        assert texts(read(sheet)) == ["Car 30 5 m", "Lorry 90 12 m", "Motor home 120 9 m"]

    def test_a_word_that_is_cut_in_a_cell_is_mended(self) -> None:
        sheet = Sheet()
        for cells in (("Advanced devel-", "12,000", "14,000"), ("opment of ferries",)):
            for x, cell in zip((70, 200, 330), cells, strict=False):
                sheet.line(x, sheet.y, cell, 11)
            sheet.y -= 13
        (text,) = texts(read(sheet))
        assert text == "Advanced development of ferries 12,000 14,000"

    def test_items_of_a_table_of_contents_are_paragraphs(self) -> None:
        sheet = Sheet()
        for item in ("Ferries " + "." * 60 + " 3", "Fees " + ". " * 40 + "10", "Winter 12"):
            sheet.line(70, sheet.y, item, 11)
            sheet.y -= 13
        assert texts(read(sheet)) == ["Ferries … 3", "Fees … 10", "Winter 12"]

    def test_a_large_initial_begins_its_word(self) -> None:
        sheet = Sheet()
        sheet.canvas.setFont("Times-Roman", 42)
        sheet.canvas.drawString(70, sheet.y - 28, FERRY[0])
        lines = wrapped(FERRY[1:], 300, "Helvetica", 11)
        for number, line in enumerate(lines):
            sheet.line(98 if number < 2 else 70, sheet.y, line, 11)
            sheet.y -= 13.5
        assert texts(read(sheet)) == [FERRY]

    @pytest.mark.parametrize("first", [0x5D0, 0x628])
    def test_hebrew_and_arabic_are_read_from_the_right(self, first: int) -> None:
        words = ["abc", "def,", "bad", "cafe."]  # as they are read, in letters of that script
        shown, x = b"", 500
        for word in words:  # as they are seen: the first one is the last from the left
            x -= 8 * len(word) + 6
            seen = word[::-1].encode()
            shown += b"BT /F 12 Tf 1 0 0 1 %d 700 Tm (%b) Tj ET\n" % (x, seen)
        data = in_letters(shown, f"<61> <7a> <{first:04x}>")
        expected = "".join(
            chr(first + ord(letter) - ord("a")) if letter.isalpha() else letter
            for letter in " ".join(words)
        )
        assert texts(parse_pdf(data, "a.pdf", "")) == [expected]
        ((_, (left, _, right, _)),) = boxes(data, 1, " ".join(expected.split()[1:3]))
        assert x + 40 < left < right < 475

    def test_rows_of_a_table_are_read_as_rows(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        for cells in (
            ("Vehicle", "Price", "Length"),
            ("Car", "30", "5 m"),
            ("Lorry", "90", "12 m"),
        ):
            for x, cell in zip((70, 200, 330), cells, strict=True):
                sheet.line(x, sheet.y, cell, 11)
            sheet.y -= 30
        assert {"Car 30 5 m", "Lorry 90 12 m"} <= set(texts(read(sheet)))


class TestTurned:
    def turned(self, rotation: int) -> bytes:
        """A page whose text runs upwards, and which is shown turned."""
        sheet = Sheet()
        sheet.canvas.setPageRotation(rotation)
        sheet.canvas.translate(WIDTH, 0)
        sheet.canvas.rotate(90)
        sheet.y = WIDTH - 100
        sheet.write(FERRY, width=600)
        sheet.write(FEES, width=600)
        return sheet.bytes()

    @pytest.mark.parametrize("rotation", [0, 90])
    def test_a_page_that_lies_on_its_side(self, rotation: int) -> None:
        data = self.turned(rotation)
        assert texts(parse_pdf(data, "a.pdf", "")) == [FERRY, FEES]
        ((page, (left, bottom, right, top)),) = boxes(data, 1, "forty cars")
        assert page == 1
        assert top - bottom > 4 * (right - left), "it runs upwards in the page's own space"

    def test_what_stands_upwards_at_the_side_cuts_no_sentence(self) -> None:
        sheet = Sheet()
        sheet.canvas.saveState()
        sheet.canvas.translate(60, 500)
        sheet.canvas.rotate(90)
        sheet.line(0, 0, "Printed on the pier", 18)
        sheet.canvas.restoreState()
        for text in (FERRY, FEES):
            sheet.write(text, left=120, width=400)
        data = sheet.bytes()
        assert texts(parse_pdf(data, "a.pdf", "")) == [FERRY, FEES, "Printed on the pier"]
        ((_, (left, bottom, right, top)),) = boxes(data, 1, "Printed on the pier")
        assert (round(left), round(bottom)) == (47, 502)
        assert top - bottom > 100 > right - left

    def test_a_word_across_each_page_is_left_out(self) -> None:
        sheet = Sheet()
        for text in (FERRY, FEES, WINTER):
            sheet.canvas.saveState()
            sheet.canvas.translate(250, 500)
            sheet.canvas.rotate(50)
            sheet.line(0, 0, "DRAFT", 90)
            sheet.canvas.restoreState()
            sheet.write(text)
            sheet.page()
        document = read(sheet)
        assert texts(document) == [FERRY, FEES, WINTER]
        assert document.extent.left_out == 3 * len("DRAFT")

    def test_a_page_whose_corner_is_elsewhere(self) -> None:
        sheet = Sheet()
        sheet.canvas.setPageSize(A4)
        sheet.canvas.translate(-300, 1000)
        for number, text in enumerate((FERRY, FEES, WINTER), start=1):
            sheet.line(70, HEIGHT - 40, "Ferry Board")
            sheet.line(290, 30, str(number))
            sheet.write(text)
            sheet.page()
            sheet.canvas.translate(-300, 1000)
        pdf = pypdfium2.PdfDocument(sheet.bytes())
        for page in [*pdf][:3]:
            page.set_mediabox(-300, 1000, WIDTH - 300, HEIGHT + 1000)
        file = io.BytesIO()
        pdf.save(file)
        document = parse_pdf(file.getvalue(), "a.pdf", "")
        assert texts(document) == [FERRY, FEES, WINTER]
        assert document.extent.left_out == len("Ferry Board" * 3 + "123")
        ((_, box), *_) = boxes(file.getvalue(), 1, FERRY)
        assert box[0] == pytest.approx(70 - 300, abs=1)


class TestNotes:
    NOTE = "Prices were last changed in the spring."

    def noted(self, left: float) -> Sheet:
        """Two pages of one paragraph, beside whose second line there is a note."""
        sheet = Sheet()
        lines = wrapped(f"{FERRY} {FEES} {WINTER} {FERRY} {FEES}", 380, "Helvetica", 11)
        for number, line in enumerate(lines):
            if number == len(lines) - 3:
                sheet.page()
            sheet.line(120, sheet.y, line, 11)
            for place, words in enumerate(wrapped(self.NOTE, 60, "Helvetica", 7)):
                if number == 1:
                    sheet.line(left, sheet.y - 8 * place, words, 7)
            sheet.y -= 13.5
        return sheet

    @pytest.mark.parametrize("left", [45, 520])
    def test_a_note_in_the_margin_cuts_no_sentence(self, left: float) -> None:
        document = read(self.noted(left))
        assert texts(document) == [f"{FERRY} {FEES} {WINTER} {FERRY} {FEES}", self.NOTE]
        assert [block.page for block in document.blocks] == [1, 1]

    def test_it_has_boxes_as_all_text_has(self) -> None:
        data = self.noted(45).bytes()
        assert {page for page, _ in boxes(data, 1, self.NOTE)} == {1}
        assert {page for page, _ in boxes(data, 1, f"{FERRY} {FEES}")} == {1}


class TestLeftOut:
    def test_marks_of_the_printer_at_the_side(self) -> None:
        sheet = Sheet()
        for text in (FERRY, FEES, WINTER):
            sheet.line(5, HEIGHT / 2, "PRS 7", 6)
            sheet.write(text)
            sheet.page()
        assert texts(read(sheet)) == [FERRY, FEES, WINTER]

    def test_a_number_beside_other_text_is_no_page_number(self) -> None:
        sheet = Sheet()
        for number, text in enumerate((FERRY, FEES), start=1):
            sheet.line(70, HEIGHT - 80, f"{number}.", 11)
            sheet.line(110, HEIGHT - 80, f"What is to be known {'before' * number}", 11)
            sheet.line(300, 30, str(number))
            sheet.write(text)
            sheet.page()
        found = read(sheet)
        assert "1. What is to be known before" in found.text
        assert "2. What is to be known beforebefore" in found.text
        assert found.extent.left_out == 2

    def test_running_headers_footers_and_page_numbers(self) -> None:
        sheet = Sheet()
        for number, text in enumerate((FERRY, FEES, WINTER, FERRY), start=1):
            sheet.line(70, HEIGHT - 40, f"Ferry Board, Report {number}")
            sheet.line(280, 30, f"Page {number} of 4")
            sheet.line(500, 30, str(number))
            sheet.write(text)
            sheet.page()
        document = read(sheet)
        assert texts(document) == [FERRY, FEES, WINTER, FERRY]
        every = "Ferry Board, Report 1" + "Page 1 of 4" + "1"
        assert document.extent.left_out == 4 * len(every)

    def test_text_that_looks_like_a_header_is_kept(self) -> None:
        sheet = Sheet()
        every = []
        for page in range(6):
            for place in range(10):
                number = 7 * page + place
                act = f"(Act of May {number}, {1900 + 3 * number}, ch. {number * number}.)"
                text = (FERRY, FEES, WINTER)[(page + place) % 3]
                sheet.y = HEIGHT - 50 if place == 0 else sheet.y
                sheet.write(act)
                sheet.write(text)
                every += [act, text]
            sheet.page()
        document = read(sheet)
        assert document.extent.left_out == 0
        assert texts(document) == every

    def test_the_end_of_a_paragraph_at_the_end_of_a_page_is_no_page_number(self) -> None:
        sheet = Sheet()
        for year in (1874, 1911, 1930):
            sheet.write(FERRY)
            sheet.line(70, 60, f"{year}].")
            sheet.page()
        document = read(sheet)
        assert document.extent.left_out == 0
        assert "1911]." in document.text

    def test_numbers_that_stand_higher(self) -> None:
        sheet = Sheet()
        for number, text in enumerate((FERRY, FEES, WINTER), start=7):
            sheet.line(290, 140, str(number))
            sheet.write(text)
            sheet.page()
        document = read(sheet)
        assert texts(document) == [FERRY, FEES, WINTER]
        assert document.extent.left_out == 3

    def test_headers_that_change_and_end_in_the_number(self) -> None:
        sheet = Sheet()
        for number, text in enumerate((FERRY, FEES, WINTER, FERRY), start=40):
            title = ("PIERS", "Ferries of the Sound", "TICKETS", "Ferries of the Sound")[
                number - 40
            ]
            sheet.line(70 if number % 2 == 0 else 400, HEIGHT - 40, title)
            sheet.line(500 if number % 2 == 0 else 70, HEIGHT - 40, str(number))
            sheet.write(text)
            sheet.page()
        assert texts(read(sheet)) == [FERRY, FEES, WINTER, FERRY]

    def test_sections_that_are_numbered_like_their_pages_are_kept(self) -> None:
        sheet = Sheet()
        for number, text in enumerate((FERRY, FEES, WINTER, FERRY), start=1):
            sheet.line(70, HEIGHT - 60, f"{number}.", 11)
            sheet.line(110, HEIGHT - 60, "Of " + "cars dogs ice fog".split()[number - 1], 11)
            sheet.write(text)
            sheet.page()
        document = read(sheet)
        assert "1. Of cars" in document.text
        assert "4. Of fog" in document.text
        assert document.extent.left_out == 0

    def test_the_number_of_a_single_page(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        sheet.line(290, 30, "1")
        document = read(sheet)
        assert texts(document) == [FERRY]
        assert document.extent.left_out == 1

    def test_what_lies_outside_the_page(self) -> None:
        sheet = Sheet()
        sheet.canvas.setCropBox((50, 300, 560, 800))
        sheet.line(70, 100, "Proof 4 of the printer")
        sheet.write(FERRY)
        document = read(sheet)
        assert texts(document) == [FERRY]
        assert document.extent.left_out == len("Proof 4 of the printer")

    def test_comments(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        sheet.canvas.textAnnotation("Is that so?", Rect=(100, 100, 120, 120))
        document = read(sheet)
        assert texts(document) == [FERRY]
        assert document.extent.left_out == len("Is that so?")

    def test_numbers_of_two_pages(self) -> None:
        sheet = Sheet()
        for number, text in ((9, FERRY), (10, FEES)):
            sheet.line(280, 30, f"– {number} –")
            sheet.write(text)
            sheet.page()
        document = read(sheet)
        assert texts(document) == [FERRY, FEES]
        assert document.extent.left_out == len("– 9 –" + "– 10 –")

    def test_what_stands_at_the_top_of_one_page_only_is_kept(self) -> None:
        sheet = Sheet()
        for number, text in enumerate((FERRY, FEES, WINTER)):
            if number == 0:
                sheet.line(70, HEIGHT - 40, "Notice of the Ferry Board on prices")
            sheet.write(text)
            sheet.page()
        assert "Notice of the Ferry Board on prices" in read(sheet).text

    def test_where_nothing_else_is_there_headers_are_the_text(self) -> None:
        sheet = Sheet()
        for number in range(1, 5):
            sheet.line(70, HEIGHT - 40, f"Pier {number} is closed")
            sheet.line(300, 30, str(number))
            sheet.page()
        document = read(sheet)
        assert texts(document) == [f"Pier {number} is closed" for number in range(1, 5)]
        assert [block.page for block in document.blocks] == [1, 2, 3, 4]
        assert document.extent.left_out == len("1234")

    def test_the_names_of_columns_on_each_page_of_a_table_are_kept(self) -> None:
        sheet = Sheet()
        for page in range(4):
            sheet.line(70, HEIGHT - 20, "Ferry Board")
            for row in range(8):
                cells = ("Pier", "Cars", "Fee") if row == 0 else (f"P{'abcd'[page]}", "7", "30")
                for x, cell in zip((70, 250, 400), cells, strict=True):
                    sheet.line(x, HEIGHT - 40 - 20 * row, cell)
            sheet.page()
        document = read(sheet)
        assert texts(document).count("Pier Cars Fee") == 4
        assert document.extent.left_out == 4 * len("Ferry Board")

    def test_a_blank_page_is_not_missed_and_a_picture_is(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        sheet.page()
        sheet.page()
        sheet.canvas.rect(100, 100, 200, 200, fill=1)
        sheet.page()
        assert read(sheet).extent.without_text == (3,)


class TestFilledIn:
    def form(self) -> bytes:
        sheet = Sheet()
        sheet.write(FERRY)
        fields = sheet.canvas.acroForm
        sheet.line(70, 500, "Name of the skipper", 11)
        fields.textfield(name="n", value="Ingrid Tangen", x=200, y=495, width=200, height=20)
        sheet.line(70, 460, "Has a licence", 11)
        fields.checkbox(name="l", checked=True, x=200, y=455, size=16)
        sheet.line(70, 430, "Has a dog", 11)
        fields.checkbox(name="d", checked=False, x=200, y=425, size=16)
        return sheet.bytes()

    def test_fields_are_read_where_they_stand(self) -> None:
        data = self.form()
        expected = ["Name of the skipper Ingrid Tangen", "Has a licence ☒", "Has a dog ☐"]
        assert texts(parse_pdf(data, "a.pdf", "")) == [FERRY, *expected]
        ((_, (left, bottom, right, top)),) = boxes(data, 1, "Ingrid Tangen")
        assert (round(left), round(bottom), round(right), round(top)) == (200, 495, 400, 515)

    def test_attached_files_are_named(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        pdf = pypdfium2.PdfDocument(sheet.bytes())
        pdf.new_attachment("fees.csv").set_data(b"car,30")
        file = io.BytesIO()
        pdf.save(file)
        (reason,) = parse_pdf(file.getvalue(), "a.pdf", "").extent.unread
        assert reason.startswith("'fees.csv': It is attached to the PDF.")


class TestDamage:
    def test_pictures_alone_are_named(self) -> None:
        sheet = Sheet()
        sheet.canvas.rect(100, 100, 200, 200, fill=1)
        with pytest.raises(ParseError, match="no text layer"):
            read(sheet)

    def test_letters_that_nobody_knows_are_a_picture(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ocr, "engine", lambda *_: "")
        with pytest.raises(ParseError, match="no text layer"):
            parse_pdf(
                in_letters(b"BT /F 12 Tf 50 700 Td (abcd) Tj ET", "<61> <7a> <fffd>"), "a.pdf", ""
            )

    def test_signs_before_items_of_a_list(self) -> None:
        content = b"BT /F 12 Tf 50 700 Td 14 TL (a Buy) Tj T* (a Wait) Tj ET"
        document = parse_pdf(in_letters(content, "<61> <61> <f0b7>"), "a.pdf", "")
        assert texts(document) == ["• Buy", "• W•it"]

    def test_a_password_is_named(self) -> None:
        sheet = Sheet(encrypt=StandardEncryption("secret"))
        sheet.write(FERRY)
        with pytest.raises(ParseError, match="encrypted"):
            read(sheet)

    @settings(max_examples=80)
    @given(data=st.data())
    def test_nothing_but_our_own_error_is_raised(self, data: st.DataObject) -> None:
        sheet = Sheet(pageCompression=0)
        sheet.write(FERRY)
        whole = bytearray(sheet.bytes())
        for _ in range(data.draw(st.integers(0, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(whole)))
        try:
            document = parse_pdf(bytes(whole[:end]), "a.pdf", "")
        except ParseError:
            return
        for block in document.blocks:
            assert 0 <= block.start < block.end <= len(document.text)


class TestBoxes:
    QUOTE = "Children below the age of six travel without a ticket, and so do guide dogs"

    def test_they_fall_on_the_words(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        sheet.write(FEES)
        data = sheet.bytes()
        found = boxes(data, 1, self.QUOTE)
        assert len(found) == 2, "the quote reaches over two lines"
        scale = 3
        page = pypdfium2.PdfDocument(data)[0]
        picture = page.render(scale=scale).to_pil().convert("L")
        inked = picture.point(lambda value: 255 if value < 128 else 0)
        for number, (left, bottom, right, top) in found:
            assert number == 1
            box = [round(scale * n) for n in (left, HEIGHT - top, right, HEIGHT - bottom)]
            ink = inked.crop(tuple(box)).getbbox()
            assert ink is not None
            # The ink reaches from edge to edge of the box: it is neither too wide nor too narrow.
            assert ink[0] <= 2 * scale
            assert ink[2] >= box[2] - box[0] - 2 * scale
            # Beside the words there is a space, free of ink, or the margin.
            around = inked.crop((box[0] - 2 * scale, box[1], box[0] - 1, box[3]))
            assert around.getbbox() is None

    def test_a_quote_may_go_on_on_the_next_page(self) -> None:
        sheet = Sheet()
        lines = wrapped(FERRY, 450, "Helvetica", 11)
        sheet.line(70, sheet.y, lines[0], 11)
        sheet.page()
        sheet.line(70, sheet.y, lines[1], 11)
        found = boxes(sheet.bytes(), 1, f"{lines[0][-20:]} {lines[1][:20]}")
        assert [page for page, _ in found] == [1, 2]

    def test_a_footer_between_the_pages_does_not_hide_it(self) -> None:
        sheet = Sheet()
        lines = wrapped(FERRY, 450, "Helvetica", 11)
        sheet.line(70, sheet.y, lines[0], 11)
        sheet.line(280, 30, "Page 1")
        sheet.page()
        sheet.line(70, HEIGHT - 40, "Ferry Board")
        sheet.line(70, sheet.y, lines[1], 11)
        data = sheet.bytes()
        assert [page for page, _ in boxes(data, 1, f"{lines[0][-20:]} {lines[1]}")] == [1, 2]
        assert boxes(data, 1, f"{lines[0][-20:]} {lines[1]} zeppelin") == []

    def test_what_is_not_there_has_none(self) -> None:
        sheet = Sheet()
        sheet.write(FERRY)
        data = sheet.bytes()
        assert boxes(data, 1, "zeppelin") == []
        assert boxes(data, 7, "ferry") == []
        assert boxes(data, 1, "!?") == []

    def test_every_sentence_of_a_document_is_found(self) -> None:
        sheet = Sheet()
        TestOrder().columns(sheet, [FERRY, FEES], [WINTER, FEES])
        data = sheet.bytes()
        document = parse_pdf(data, "a.pdf", "")
        for block in document.blocks:
            for sentence in document.text[block.start : block.end].split(". "):
                assert boxes(data, block.page or 0, sentence)
