"""PDF: reading order, paragraphs, headings, and words that are cut or turned."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from reportlab.lib.pagesizes import A4

from index.parsers.pdf import boxes, parse_pdf
from tests.sheets import (
    FEES,
    FERRY,
    HEIGHT,
    WIDTH,
    WINTER,
    Sheet,
    block_of,
    in_letters,
    read,
    texts,
    wrapped,
)


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
    def test_columns_are_read_one_after_the_other(self) -> None:
        sheet = Sheet()
        sheet.write("Ferries of the Sound: what they cost and when they sail in summer", size=16)
        sheet.columns([FERRY, FEES], [WINTER, FERRY])
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
        sheet.columns([WINTER], [FEES])
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
