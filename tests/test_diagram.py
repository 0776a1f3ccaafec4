"""What stands in the boxes of diagrams is text, as what stands in paragraphs is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from lxml import etree

from index.errors import ParseError
from index.parsers import parse_bytes
from tests.samples import FERRY, texts

SCHEMAS = "http://schemas.openxmlformats.org"
A = f'xmlns:a="{SCHEMAS}/drawingml/2006/main"'
DIAGRAM = f'xmlns:dgm="{SCHEMAS}/drawingml/2006/diagram"'
DATA = f"{SCHEMAS}/officeDocument/2006/relationships/diagramData"


def a_diagram(*boxes: str) -> bytes:
    paragraphs = (f"<a:p><a:r><a:t>{box}</a:t></a:r></a:p>" for box in boxes)
    points = "".join(f"<dgm:pt><dgm:t>{one}</dgm:t></dgm:pt>" for one in ("<a:p/>", *paragraphs))
    return f"<dgm:dataModel {DIAGRAM} {A}><dgm:ptLst>{points}</dgm:ptLst></dgm:dataModel>".encode()


def a_frame(relation: str) -> str:
    relations = f'xmlns:r="{SCHEMAS}/officeDocument/2006/relationships"'
    reference = f'<dgm:relIds {DIAGRAM} {relations} r:dm="{relation}"/>'
    kind = f'uri="{SCHEMAS}/drawingml/2006/diagram"'
    return f"<a:graphic {A}><a:graphicData {kind}>{reference}</a:graphicData></a:graphic>"


def a_docx(diagram: bytes) -> bytes:
    import docx
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    made = docx.Document()
    paragraph = made.add_paragraph(FERRY)
    part = Part(PackURI("/word/diagrams/data1.xml"), "application/xml", diagram, made.part.package)
    frame = a_frame(made.part.relate_to(part, DATA))
    words = f'xmlns:w="{SCHEMAS}/wordprocessingml/2006/main"'
    paragraph._p.append(etree.fromstring(f"<w:r {words}><w:drawing>{frame}</w:drawing></w:r>"))
    made.add_paragraph("After it.")
    return saved(made)


def a_pptx(diagram: bytes) -> bytes:
    from pptx import Presentation
    from pptx.opc.package import Part
    from pptx.opc.packuri import PackURI
    from pptx.oxml import parse_xml

    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "Piers"
    part = Part(PackURI("/ppt/diagrams/data1.xml"), "application/xml", made.part.package, diagram)
    frame = a_frame(slide.part.relate_to(part, DATA))
    slides = f'xmlns:p="{SCHEMAS}/presentationml/2006/main"'
    facts = '<p:nvGraphicFramePr><p:cNvPr id="9" name="x"/><p:cNvGraphicFramePr/><p:nvPr/>'
    place = f'<p:xfrm {A}><a:off x="0" y="0"/><a:ext cx="9" cy="9"/></p:xfrm>'
    shape = f"<p:graphicFrame {slides}>{facts}</p:nvGraphicFramePr>{place}{frame}</p:graphicFrame>"
    slide.shapes._spTree.append(parse_xml(shape))
    return saved(made)


def saved(made: Any) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def test_the_boxes_follow_the_paragraph_in_word() -> None:
    document = parse_bytes(a_docx(a_diagram("Load cars", "Close the ramp")), "a.docx")
    assert texts(document) == [FERRY, "Load cars", "Close the ramp", "After it."]


def test_the_boxes_are_on_their_slide() -> None:
    document = parse_bytes(a_pptx(a_diagram("Load cars", "Close the ramp")), "a.pptx")
    assert texts(document) == ["Load cars", "Close the ramp"]
    assert {(block.headings, block.page) for block in document.blocks} == {(("Piers",), 1)}


@pytest.mark.parametrize(("make", "name"), [(a_docx, "a.docx"), (a_pptx, "a.pptx")])
def test_one_that_is_damaged_is_named(make: Any, name: str) -> None:
    with pytest.raises(ParseError, match="The XML inside the file is"):
        parse_bytes(make(b"\0"), name)
