"""Word documents: nothing that a reader sees is lost, and nothing that none sees is kept."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest

from index.parsers import parse_bytes
from index.records import Document
from tests.samples import FERRY, a_docx, a_pptx, repacked, saved, texts

SCHEMAS = "http://schemas.openxmlformats.org"
NAMES = (
    f'xmlns:w="{SCHEMAS}/wordprocessingml/2006/main" '
    f'xmlns:m="{SCHEMAS}/officeDocument/2006/math" '
    f'xmlns:wp="{SCHEMAS}/drawingml/2006/wordprocessingDrawing" '
    'xmlns:o="urn:schemas-microsoft-com:office:office"'
)


def read(*paragraphs: str) -> Document:
    """A document of paragraphs given as XML."""
    import docx
    from docx.oxml import parse_xml

    made = docx.Document()
    body = made.element.body
    for paragraph in paragraphs:
        body.insert(len(body) - 1, parse_xml(f"<w:p {NAMES}>{paragraph}</w:p>"))
    return parse_bytes(saved(made), "a.docx")


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def maths(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


class TestWords:
    def test_a_formula_stands_on_its_line(self) -> None:
        power = f"<m:sSup><m:e>{maths('c')}</m:e><m:sup>{maths('2')}</m:sup></m:sSup>"
        half = f"<m:f><m:num>{maths('a+b')}</m:num><m:den>{maths('2')}</m:den></m:f>"
        document = read(f"{run('So ')}<m:oMath>{maths('E=m')}{power}</m:oMath>{run(' holds.')}",
                        f"<m:oMathPara><m:oMath>{half}</m:oMath></m:oMathPara>")  # fmt: skip
        assert texts(document) == ["So E=mc^2 holds.", "(a+b)/2"]

    def test_a_raised_number_is_no_digit_of_the_one_before_it(self) -> None:
        above = '<w:vertAlign w:val="superscript"/>'
        document = read(run("10") + run("6", above) + run(" on the 1") + run("st", above))
        assert texts(document) == ["10⁶ on the 1st"]

    def test_hidden_and_deleted_words_are_left_out_and_counted(self) -> None:
        document = read(
            run("Seen") + run("hidden", "<w:vanish/>") + run(" shown", '<w:vanish w:val="0"/>'),
            f"<w:ins>{run('put in')}</w:ins><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>",
        )
        assert texts(document) == ["Seen shown", "put in"]
        assert document.extent.left_out == len("hidden" + "gone")

    def test_how_a_word_is_read_stands_not_inside_it(self) -> None:
        ruby = f"<w:r><w:ruby><w:rt>{run('minato')}</w:rt><w:rubyBase>{run('port')}</w:rubyBase>"
        document = read(f"{run('The ')}{ruby}</w:ruby></w:r>")
        assert texts(document) == ["The port"]
        assert document.extent.left_out == len("minato")

    def test_signs_of_symbol_fonts_are_the_signs_that_are_seen(self) -> None:
        signs = (("Symbol", "F0B3"), ("Symbol", "F06D"), ("Wingdings", "F0FE"), ("Arial", "00A7"))
        parts = (f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>' for font, code in signs)
        assert texts(read("".join(parts))) == ["≥μ☑§"]

    def test_a_description_is_kept_and_the_name_of_a_file_is_not(self) -> None:
        said = ("The pier at dusk", "pier.png", "A boat. Description automatically generated")
        drawn = (f"<w:drawing><wp:inline><wp:docPr id='1' name='x' descr='{one}'/></wp:inline>"
                 "</w:drawing>" for one in said)  # fmt: skip
        document = read(run("See.") + "".join(f"<w:r>{one}</w:r>" for one in drawn))
        assert texts(document) == ["See.", "The pier at dusk"]

    def test_words_that_old_programs_have_otherwise_are_read_once(self) -> None:
        def ways(first: str, second: str) -> str:
            return (
                '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/'
                f'markup-compatibility/2006"><mc:Choice Requires="w14">{first}</mc:Choice>'
                f"<mc:Fallback>{second}</mc:Fallback></mc:AlternateContent>"
            )

        sun = f"<w:r>{ways('<w:sym/>', '<w:t>☀</w:t>')}</w:r>"
        document = read(ways(run("Sunny"), run("Fair")) + run(" days ") + sun)
        assert texts(document) == ["Sunny days ☀"]

    def test_a_new_page_sets_words_apart(self) -> None:
        assert texts(read(run("ebb") + '<w:r><w:br w:type="page"/></w:r>' + run("flow"))) == [
            "ebb\nflow"
        ]

    def test_what_is_chosen_in_a_form_is_read(self) -> None:
        def field(data: str) -> str:
            begin = "<w:fldChar w:fldCharType='begin'>"
            return f"<w:r>{begin}<w:ffData>{data}</w:ffData></w:fldChar></w:r>"

        ports = "".join(f'<w:listEntry w:val="{name}"/>' for name in ("Turku", "Rauma"))
        document = read(
            run("To ") + field(f'<w:ddList><w:result w:val="1"/>{ports}</w:ddList>'),
            run("From ") + field(f"<w:ddList>{ports}</w:ddList>"),
            field("<w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox>") + run(" car"),
            field("<w:checkBox><w:default w:val='0'/></w:checkBox>") + run(" lorry"),
        )
        assert texts(document) == ["To Rauma", "From Turku", "☒ car", "☐ lorry"]

    def test_words_drawn_as_a_picture_are_read(self) -> None:
        vml = 'xmlns:v="urn:schemas-microsoft-com:vml"'
        document = read(
            f'<w:r><w:pict><v:shape {vml} alt="A ferry at its pier">'
            '<v:textpath string="Closed in ice"/></v:shape></w:pict></w:r>'
        )
        assert texts(document) == ["A ferry at its pier", "Closed in ice"]

    def test_objects_and_texts_of_other_files_are_named(self) -> None:
        document = read(run(FERRY) + "<w:object><o:OLEObject ProgID='Excel.Sheet.12'/></w:object>")
        assert document.extent.unread == (
            "An object of another program stands in it ('Excel.Sheet.12').",
        )


class TestPlaces:
    def test_headings_are_told_by_outline_levels_and_by_what_styles_are_based_on(self) -> None:
        import docx

        made = docx.Document()
        style = made.styles.add_style("Chapter", 1)
        style.base_style = made.styles["Heading 1"]
        made.add_paragraph("Ships", "Chapter")
        made.add_paragraph("Ferries")._p.get_or_add_pPr().append(outline(1))
        made.add_paragraph(FERRY)
        (block,) = parse_bytes(saved(made), "a.docx").blocks
        assert block.headings == ("Ships", "Ferries")

    def test_a_paragraph_in_a_heading_s_style_is_a_paragraph(self) -> None:
        import docx

        made = docx.Document()
        made.add_heading(f"{FERRY} " * 5, 1)
        made.add_paragraph("After it.")
        document = parse_bytes(saved(made), "a.docx")
        assert texts(document) == [(f"{FERRY} " * 5).strip(), "After it."]

    @pytest.mark.parametrize("named", ["A template", "FERRY RULES", ""])
    def test_the_title_on_the_page_is_never_lost(self, named: str) -> None:
        import docx

        made = docx.Document()
        made.core_properties.title = named
        made.add_paragraph("Ferry rules", "Title")
        made.add_paragraph(FERRY)
        document = parse_bytes(saved(made), "a.docx")
        assert document.title == (named or "Ferry rules")
        assert texts(document) == (["Ferry rules"] if named == "A template" else []) + [FERRY]

    def test_a_table_of_contents_is_left_out_and_counted(self) -> None:
        contents = "<w:pPr><w:pStyle w:val='TOC1'/></w:pPr>"
        document = read(f"{contents}{run('Fees')}<w:r><w:ptab/></w:r>{run('4')}", run(FERRY))
        assert texts(document) == [FERRY]
        assert document.extent.left_out == len("Fees 4")

    def test_the_date_is_the_file_s_and_never_today(self) -> None:
        with_date = repacked(a_docx(), {}, {"_rels/.rels": (b"core-properties", b"other")})
        assert parse_bytes(with_date, "a.docx").metadata["date"] == "2013-12-23"
        core = (
            b'<x xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Ida Holm</dc:creator></x>'
        )
        without = repacked(a_docx(), {"docProps/core.xml": core})
        assert parse_bytes(without, "a.docx").metadata == {"author": "Ida Holm"}

    @pytest.mark.parametrize(("made", "name"), [(a_docx(), "a.docx"), (a_pptx(), "a.pptx")])
    def test_the_strict_kind_is_read_as_the_usual_one(self, made: bytes, name: str) -> None:
        usual = rb"http://schemas\.openxmlformats\.org/(officeDocument|\w+ml)/2006/"
        strict = rb"http://purl.oclc.org/ooxml/\1/"
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(file, "w") as new:
            for part in old.namelist():
                new.writestr(part, re.sub(usual, strict, old.read(part)))
        assert texts(parse_bytes(file.getvalue(), name)) == texts(parse_bytes(made, name))

    def test_damaged_notes_are_read_as_far_as_they_go_and_named(self) -> None:
        notes = f"<w:footnotes {NAMES}><w:footnote w:id='2'><w:p>{run('A note.')}".encode()
        document = parse_bytes(repacked(a_docx(), {"word/footnotes.xml": notes}), "a.docx")
        assert "A note." in texts(document)
        (reason,) = document.extent.unread
        assert reason.startswith("'word/footnotes.xml', not wholly:")


def outline(level: int) -> Any:
    from docx.oxml import parse_xml

    return parse_xml(f'<w:outlineLvl {NAMES} w:val="{level}"/>')


LEVELS = (
    ("decimal", "%1."), ("lowerLetter", "%2)"), ("lowerRoman", "(%3)"), ("upperRoman", "%1.%4"),
)  # fmt: skip


def a_list(*items: tuple[int, int], more: str = "") -> list[str]:
    """The texts of items, each given as its list and its level."""
    import docx
    from docx.oxml import parse_xml

    made = docx.Document()
    levels = "".join(
        f'<w:lvl w:ilvl="{place}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for place, (kind, text) in enumerate(LEVELS)
    )
    numbering = made.part.numbering_part.element
    numbering.insert(
        0, parse_xml(f'<w:abstractNum {NAMES} w:abstractNumId="90">{levels}</w:abstractNum>')
    )
    for number in (91, 92):
        extra = more if number == 92 else ""
        numbering.append(
            parse_xml(
                f'<w:num {NAMES} w:numId="{number}"><w:abstractNumId w:val="90"/>{extra}</w:num>'
            )
        )
    for number, level in items:
        paragraph = made.add_paragraph("item")
        paragraph._p.get_or_add_pPr().append(
            parse_xml(
                f'<w:numPr {NAMES}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
            )
        )
    return [text.removesuffix(" item") for text in texts(parse_bytes(saved(made), "a.docx"))]


class TestNumbers:
    def test_items_count_at_each_level_and_begin_anew_below_the_next(self) -> None:
        items = [(91, level) for level in (0, 1, 1, 2, 0, 1, 3)]
        assert a_list(*items) == ["1.", "a)", "b)", "(i)", "2.", "a)", "2.I"]

    def test_a_list_goes_on_elsewhere_unless_it_says_where_it_begins(self) -> None:
        assert a_list((91, 0), (92, 0), (91, 0)) == ["1.", "2.", "3."]
        anew = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
        assert a_list((91, 0), (92, 0), (92, 0), more=anew) == ["1.", "5.", "6."]

    def test_styles_give_numbers_too_and_bullets_are_none(self) -> None:
        import docx

        made = docx.Document()
        for style in ("List Number", "List Bullet", "List Number"):
            made.add_paragraph("item", style)
        assert texts(parse_bytes(saved(made), "a.docx")) == ["1. item", "item", "2. item"]


class TestBoxes:
    def test_a_picture_in_a_box_is_described_once(self) -> None:
        picture = "<w:drawing><wp:docPr id='1' name='x' descr='The pier at dusk'/></w:drawing>"
        box = f"<w:txbxContent><w:p>{run('In a box.')}<w:r>{picture}</w:r></w:p></w:txbxContent>"
        document = read(f"{run(FERRY)}<w:r><w:pict>{box}</w:pict></w:r>")
        assert texts(document) == [FERRY, "In a box.", "The pier at dusk"]

    def test_boxes_in_boxes_are_read_once_each(self) -> None:
        inside = run("deep")
        for number in range(30):
            box = f"<w:txbxContent><w:p>{inside}</w:p></w:txbxContent>"
            inside = f"{run(f'box {number}')}<w:r><w:pict>{box}</w:pict></w:r>"
        assert len(texts(read(inside))) == 31


class TestTables:
    def test_a_table_of_one_column_is_a_frame_around_paragraphs(self) -> None:
        import docx

        made = docx.Document()
        cell = made.add_table(1, 1).cell(0, 0)
        cell.text = "Before."
        cell.add_paragraph("Fees", "Heading 1")
        cell.add_paragraph(FERRY)
        document = parse_bytes(saved(made), "a.docx")
        assert texts(document) == ["Before.", FERRY]
        assert document.blocks[1].headings == ("Fees",)

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([["Car", "30"], ["Lorry", "90"]], ["Car; 30", "Lorry; 90"]),
            ([["Port:", "Turku"], ["Depth:", "10 m"]], ["Port: Turku", "Depth: 10 m"]),
            ([["", "2019", "2020"], ["Cars", "5", "6"]], ["Cars; 2019: 5; 2020: 6"]),
            ([["Port", "Opened"], ["Turku", "1998-03-01"]], ["Port: Turku; Opened: 1998-03-01"]),
        ],
    )
    def test_a_first_row_names_columns_only_if_it_can(
        self, rows: list[list[str]], expected: list[str]
    ) -> None:
        import docx

        made = docx.Document()
        table = made.add_table(len(rows), len(rows[0]))
        for row, cells in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
        assert texts(parse_bytes(saved(made), "a.docx")) == expected
