"""PPTX: texts, tables, diagrams and notes of each slide under its title. Read by python-pptx."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from index.errors import ParseError
from index.parsers.archive import DAMAGED, opened
from index.parsers.author import names
from index.parsers.diagram import box_texts
from index.parsers.grid import Cell
from index.parsers.writer import Writer
from index.records import Document


def parse_pptx(data: bytes, document_id: str, digest: str) -> Document:
    """Read a presentation; a passage's page is its slide, from 1.

    Raises:
        ParseError: it is damaged, encrypted, or no presentation.
    """
    from lxml import etree
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    opened(data)
    try:
        presentation = Presentation(io.BytesIO(data))
        writer = Writer()
        for number, slide in enumerate(presentation.slides, start=1):
            _slide(slide, writer, number)
        writer.end_section()
        core = presentation.core_properties
        found = {"title": core.title, "author": names([core.author])}
        if core.modified is not None:
            found["date"] = core.modified.date().isoformat()
    except (
        *DAMAGED, PythonPptxError, KeyError, AttributeError, TypeError, IndexError, etree.LxmlError,
    ) as error:  # fmt: skip
        raise ParseError(
            f"The presentation is damaged: {error or type(error).__name__}."
        ) from error
    generic = {"PowerPoint Presentation", "Steve Canny"}  # of python-pptx's own template
    properties = {
        name: " ".join(value.split())
        for name, value in found.items()
        if value and value not in generic
    }
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(
        document_id,
        properties.pop("title", "") or writer.first_heading or name,
        writer.text(),
        tuple(writer.blocks),
        "pptx",
        digest,
        properties,
    )


def _slide(slide: Any, writer: Writer, number: int) -> None:
    title = slide.shapes.title
    heading = " ".join(title.text_frame.text.split()) if title is not None else ""
    writer.begin_section(1, heading or f"Slide {number}", page=number)
    # In the order in which they are seen: from the top, then from the left.
    for shape in sorted(_shapes(slide.shapes), key=lambda one: (one.top or 0, one.left or 0)):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False):
            rows = [
                [
                    Cell(cell.text, cell.span_width, cell.span_height)
                    for cell in row.cells
                    if not cell.is_spanned
                ]
                for row in shape.table.rows
            ]
            writer.add_table(rows, head=int(shape.table.first_row), page=number)
        elif shape.has_text_frame:
            for paragraph in shape.text_frame.paragraphs:
                writer.add(paragraph.text.replace("\v", "\n"), page=number)
        for text in box_texts(shape.element, slide.part):
            writer.add(text, page=number)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        for paragraph in frame.paragraphs:
            writer.add(paragraph.text.replace("\v", "\n"), page=number)


def _shapes(shapes: Any) -> Iterator[Any]:
    from pptx.enum.shapes import MSO_SHAPE_TYPE

    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _shapes(shape.shapes)
        else:
            yield shape
