"""Presentations: what stands on a slide, in the order in which it is seen."""

from __future__ import annotations

import base64
import copy
import io
from typing import Any

from lxml import etree

from index.parsers import parse_bytes
from index.records import Document
from tests.samples import a_pptx, repacked, saved, texts

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SCHEMAS = "http://schemas.openxmlformats.org"
A = f'xmlns:a="{SCHEMAS}/drawingml/2006/main"'


def a_deck(layout: int = 6) -> tuple[Any, Any]:
    from pptx import Presentation

    made = Presentation()
    return made, made.slides.add_slide(made.slide_layouts[layout])


def box(slide: Any, text: str, left: float, top: float) -> Any:
    from pptx.util import Inches

    made = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(1), Inches(1))
    made.text_frame.text = text
    return made


def read(made: Any) -> Document:
    return parse_bytes(saved(made), "deck.pptx")


def test_boxes_side_by_side_are_read_from_the_left() -> None:
    made, slide = a_deck()
    for text, left, top in (("two", 5, 2), ("one", 1, 2.05), ("zero", 5, 1), ("three", 1, 4)):
        box(slide, text, left, top)
    assert texts(read(made)) == ["zero", "one", "two", "three"]


def test_the_boxes_of_a_group_stay_together() -> None:
    made, slide = a_deck()
    box(slide, "between", 1, 2)
    group = slide.shapes.add_group_shape([box(slide, "first", 1, 1), box(slide, "second", 1, 3)])
    assert group.top < box(slide, "last", 1, 5).top
    assert texts(read(made)) == ["first", "second", "between", "last"]


def test_a_chart_is_a_row_for_each_category() -> None:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    made, slide = a_deck()
    data = CategoryChartData(number_format="0%")
    data.categories = ["East", "West"]
    data.add_series("2019", (0.25, 0.5))
    data.add_series("2020", (0.1, None))
    frame = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 99, 99, data)
    frame.chart.has_title = True
    frame.chart.chart_title.text_frame.text = "Share of cars"
    assert texts(read(made)) == ["Share of cars", "East; 2019: 25%; 2020: 10%", "West; 2019: 50%"]


def test_what_is_there_for_new_programs_and_old_ones_is_read_once() -> None:
    made, slide = a_deck()
    shape = box(slide, "new", 1, 1).element
    compatibility = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
    both = etree.SubElement(slide.shapes._spTree, f"{compatibility}AlternateContent")
    for name in ("Choice", "Fallback"):
        etree.SubElement(both, f"{compatibility}{name}").append(copy.deepcopy(shape))
    shape.getparent().remove(shape)
    assert texts(read(made)) == ["new"]


def test_where_new_programs_have_nothing_what_old_ones_show_is_read() -> None:
    made, slide = a_deck()
    shape = box(slide, "for old ones", 1, 1)._element
    names = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ways = etree.fromstring(
        f'<mc:AlternateContent {names}><mc:Choice Requires="p14"/><mc:Fallback/>'
        "</mc:AlternateContent>"
    )
    shape.addprevious(ways)
    ways[1].append(shape)
    assert texts(read(made)) == ["for old ones"]


def test_a_shape_of_no_known_kind_and_one_that_has_the_title_s_number_are_read() -> None:
    made, slide = a_deck(5)
    slide.shapes.title.text = "Piers"
    bare = box(slide, "North", 1, 3)._element
    del bare.nvSpPr.cNvSpPr.attrib["txBox"]
    bare.spPr.clear()
    box(slide, "South", 1, 4)._element.nvSpPr.cNvPr.set("id", str(slide.shapes.title.shape_id))
    assert sorted(texts(read(made))) == ["North", "South"]


def test_objects_of_other_programs_are_named() -> None:
    made, slide = a_deck()
    slide.shapes.add_ole_object(io.BytesIO(b"rows"), "Excel.Sheet.12", 0, 0)
    box(slide, "Fees", 1, 1)
    unread = read(made).extent.unread
    assert unread == ("Slide 1 has an object of another program ('Excel.Sheet.12').",)


def test_formulas_raised_numbers_and_numbers_of_items_are_read() -> None:
    made, slide = a_deck()
    frame = box(slide, "10", 1, 1).text_frame
    raised = frame.paragraphs[0].add_run()
    raised.text = "6"
    raised._r.get_or_add_rPr().set("baseline", "30000")
    maths = f'xmlns:m="{SCHEMAS}/officeDocument/2006/math"'
    formula = f"<m:oMath {maths}><m:r><m:t> a+b</m:t></m:r></m:oMath>"
    frame.paragraphs[0]._p.append(etree.fromstring(formula))
    for number, text in enumerate(("one", "in", "two", "plain")):
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, int(number == 1)
        if text != "plain":
            kind = "alphaLcParenR" if number == 1 else "arabicPeriod"
            mark = etree.fromstring(f'<a:buAutoNum {A} type="{kind}"/>')
            paragraph._p.get_or_add_pPr().append(mark)
    assert texts(read(made)) == ["10⁶ a+b", "1. one", "a) in", "2. two", "plain"]


def test_a_slide_that_is_a_picture_is_named_and_an_empty_one_says_nothing() -> None:
    made, _ = a_deck()
    slide = made.slides.add_slide(made.slide_layouts[6])
    slide.shapes.add_picture(io.BytesIO(DOT), 0, 0)
    document = read(made)
    assert texts(document) == []
    assert document.extent.unread == ("Slide 2 is a picture.",)


def test_footers_and_comments_are_left_out_and_counted() -> None:
    from pptx.oxml import parse_xml

    made, slide = a_deck()
    footer = box(slide, "The Ferry Board", 1, 7)
    place = f'<p:ph xmlns:p="{SCHEMAS}/presentationml/2006/main" type="ftr" idx="11"/>'
    footer.element.nvSpPr.nvPr.append(parse_xml(place))
    box(slide, "kept", 1, 1)
    comments = f"<c xmlns:p='{SCHEMAS}/presentationml/2006/main'><p:text>Why?</p:text></c>"
    data = repacked(saved(made), {"ppt/comments/comment1.xml": comments.encode()})
    document = parse_bytes(data, "deck.pptx")
    assert texts(document) == ["kept"]
    assert document.extent.left_out == len("The Ferry Board" + "Why?")


def test_a_presentation_without_properties_has_no_date() -> None:
    with_date = parse_bytes(a_pptx(), "deck.pptx")
    assert with_date.metadata["date"] == "2013-01-27"
    core = repacked(a_pptx(), {"docProps/core.xml": b"<x/>"})
    assert parse_bytes(core, "deck.pptx").metadata == {}
