"""Numbered headings of PDFs, and what a document is called that does not say it."""

from __future__ import annotations

import io

import pytest

from index.parsers.docx import parse_docx
from index.parsers.text import parse_text
from index.parsers.title import telling
from tests.sheets import FEES, FERRY, WINTER, Sheet, block_of, read, texts


def directive() -> Sheet:
    """A page as offices write them: a letterhead, a subject, sections in capitals."""
    sheet = Sheet()
    sheet.write("Office of the Sound", size=20)
    sheet.write("SUBJECT: Crossings in Winter")
    return sheet


class TestNumbered:
    def test_numbered_capitals_are_headings(self) -> None:
        sheet = directive()
        sheet.write("1. PURPOSE")
        sheet.write(FERRY)
        sheet.write("2. RESPONSIBILITIES")
        sheet.write("2.1. CAPTAINS")
        sheet.write(FEES)
        sheet.write("3. EFFECTIVE DATE.")
        sheet.write(WINTER)
        document = read(sheet)
        office = "Office of the Sound"
        assert block_of(document, FERRY).headings == (office, "1. PURPOSE")
        assert block_of(document, FEES).headings == (office, "2. RESPONSIBILITIES", "2.1. CAPTAINS")
        assert block_of(document, WINTER).headings == (office, "3. EFFECTIVE DATE.")

    @pytest.mark.parametrize(
        "heading",
        [
            "SEC. 12. CROSSINGS IN WINTER.",
            "ARTICLE IV. CROSSINGS",
            "A. CROSSINGS",
            "§ 12. ICE TIME",
        ],
    )
    def test_sections_of_laws_are_headings(self, heading: str) -> None:
        sheet = directive()
        sheet.write(heading)
        sheet.write(FERRY)
        assert block_of(read(sheet), FERRY).headings == ("Office of the Sound", heading)

    @pytest.mark.parametrize(
        "line",
        [
            "1. Purpose",
            "12 FERRIES OF THE SOUND",
            "1. FERRIES AND LORRIES 90",
            "A FERRY FOR ALL",
            "1. A",
            "U.S. ARMY",
        ],
    )
    def test_other_lines_are_none(self, line: str) -> None:
        sheet = directive()
        sheet.write(line)
        sheet.write(FERRY)
        assert block_of(read(sheet), FERRY).headings == ("Office of the Sound",)

    def test_where_all_is_in_capitals_they_tell_nothing(self) -> None:
        sheet = Sheet()
        sheet.write("1. PURPOSE")
        sheet.write(FERRY.upper())
        assert texts(read(sheet)) == ["1. PURPOSE", FERRY.upper()]

    def test_smaller_headings_within_a_section_stand_below_it(self) -> None:
        sheet = Sheet()
        sheet.write("Act of the Sound", size=20)
        sheet.write("Title I: Ferries", size=17)
        sheet.write("SEC. 101. CROSSINGS.")
        sheet.write(FERRY)
        sheet.write("As it will read", size=14)
        sheet.write(FEES)
        sheet.write("SEC. 102. WINTER.")
        sheet.write(WINTER)
        document = read(sheet)
        above = ("Act of the Sound", "Title I: Ferries")
        assert block_of(document, FERRY).headings == (*above, "SEC. 101. CROSSINGS.")
        assert block_of(document, FEES).headings == (
            *above, "SEC. 101. CROSSINGS.", "As it will read",
        )  # fmt: skip
        assert block_of(document, WINTER).headings == (*above, "SEC. 102. WINTER.")

    def test_a_table_of_contents_does_not_move_the_headings(self) -> None:
        sheet = Sheet()
        sheet.write("Rules of the Sound", size=20)
        for line in ("1. PURPOSE", "2. WINTER"):
            sheet.write(line)
        sheet.write("Part one", size=14)
        sheet.write("1. PURPOSE")
        sheet.write(FERRY)
        document = read(sheet)
        assert block_of(document, FERRY).headings == (
            "Rules of the Sound", "Part one", "1. PURPOSE",
        )  # fmt: skip
        assert "2. WINTER" in texts(document)


class TestTitles:
    def test_what_a_letter_is_about_is_its_title(self) -> None:
        assert read(directive()).title == "Crossings in Winter"

    @pytest.mark.parametrize(
        ("subject", "title"),
        [
            ("Subject: Ferries and fees", "Ferries and fees"),
            ("SUBJ : Ferries\nand fees", "Ferries and fees"),
            ("SUBJECT: Ferries References: (a) Act of the Sound", "Ferries"),
            ("Betreff: Fähren im Winter", "Fähren im Winter"),
            ("Objet : Les traversées", "Les traversées"),
            ("Subject: ", "memo 7"),
            ("Subject: " + "word " * 60, "memo 7"),
            ("The subject: ferries", "memo 7"),
            ("Subject matters: ferries", "memo 7"),
        ],
    )
    def test_of_a_text_as_well(self, subject: str, title: str) -> None:
        text = f"To whom it concerns\n\n{subject}\n\n{FERRY}\n"
        assert parse_text(text.encode(), "letters/memo_7.txt", "").title == title

    def test_far_below_it_is_no_title(self) -> None:
        text = "\n\n".join([FERRY] * 30 + ["Subject: Fees"])
        assert parse_text(text.encode(), "memo.txt", "").title == "memo"

    @pytest.mark.parametrize(
        ("own", "title"), [("", "Crossings in Winter"), ("The winter", "The winter")]
    )
    def test_of_a_word_document_that_does_not_say_its_own(self, own: str, title: str) -> None:
        import docx

        document = docx.Document()
        document.core_properties.title = own
        document.add_heading("Office of the Sound", 1)
        document.add_paragraph("SUBJECT:\tCrossings in Winter")
        document.add_paragraph(FERRY)
        file = io.BytesIO()
        document.save(file)
        assert parse_docx(file.getvalue(), "memo.docx", "").title == title

    @pytest.mark.parametrize(
        ("headings", "title"),
        [
            (["CHAPTER 1 – FERRIES", "CHAPTER 2 – FEES"], "handbook of 2023"),
            (["Annex A: Piers", "Annex B: Fees"], "handbook of 2023"),
            (["Chapter 3: Ferries", "Fees"], "Chapter 3: Ferries"),
            (["Chapters of a life", "Chapter 1", "Chapter 2"], "Chapters of a life"),
            (["Part of the fleet", "Part of the crew"], "Part of the fleet"),
        ],
    )
    def test_one_part_of_several_does_not_name_the_whole(
        self, headings: list[str], title: str
    ) -> None:
        import docx

        document = docx.Document()
        for heading in headings:
            document.add_heading(heading, 1)
            document.add_paragraph(FERRY)
        file = io.BytesIO()
        document.save(file)
        assert parse_docx(file.getvalue(), "handbook_of_2023.docx", "").title == title

    @pytest.mark.parametrize("line", ["(Release Point 116-149)", "OCT 2 7 2018", "[Draft]"])
    def test_a_date_or_remark_in_large_letters_is_none(self, line: str) -> None:
        sheet = Sheet()
        sheet.write(line, size=20)
        sheet.write("Ferries of the Sound", size=16)
        sheet.write(FERRY)
        assert read(sheet).title == "Ferries of the Sound"

    def test_where_no_heading_tells_it_is_the_file_s_name(self) -> None:
        assert telling(["(a)", "12", "C. (U) POLICY:", "IV. FEES"]) == ""
        sheet = Sheet()
        sheet.write("2024", size=20)
        sheet.write(FERRY)
        assert read(sheet).title == "ferries"
