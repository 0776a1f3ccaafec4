"""PDF: what is left out of a page, filled in, damaged, and where on it quotes stand."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption

from index.errors import ParseError
from index.parsers import ocr
from index.parsers.pdf import boxes, parse_pdf
from tests.sheets import (
    FEES,
    FERRY,
    HEIGHT,
    WINTER,
    Sheet,
    in_letters,
    read,
    texts,
    wrapped,
)


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
        sheet.columns([FERRY, FEES], [WINTER, FEES])
        data = sheet.bytes()
        document = parse_pdf(data, "a.pdf", "")
        for block in document.blocks:
            for sentence in document.text[block.start : block.end].split(". "):
                assert boxes(data, block.page or 0, sentence)
