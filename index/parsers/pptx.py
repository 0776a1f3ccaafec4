"""PPTX: texts, tables, diagrams, charts and notes of each slide under its title, by python-pptx.

Dates, numbers and footers of slides and comments are left out and counted.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from index.errors import ParseError
from index.parsers.archive import DAMAGED, opened, read, xml
from index.parsers.diagram import drawn_texts
from index.parsers.grid import Cell
from index.parsers.numerals import numeral, office_formula, raised
from index.parsers.office import as_usual, properties_of
from index.parsers.title import name_of
from index.parsers.writer import Writer
from index.records import Document, Extent

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_CHOICES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_COMMENTS = re.compile(r"ppt/comments/.*\.xml")
_OBJECT = "{http://schemas.openxmlformats.org/presentationml/2006/main}oleObj"
_STYLES = {"alphaLc": "a", "alphaUc": "A", "romanLc": "i", "romanUc": "I", "arabic": "1"}
_NUMBERED = re.compile(r"(alphaLc|alphaUc|romanLc|romanUc|arabic)(ParenBoth|ParenR|Period|Plain)")
_BESIDE = 200_000  # how much lower a shape may begin that stands beside another, in EMU: 5.5 mm


def parse_pptx(data: bytes, document_id: str, digest: str) -> Document:
    """Read a presentation; a passage's page is its slide, from 1.

    Raises:
        ParseError: it is damaged, encrypted, or no presentation.
    """
    from lxml import etree
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    archive = opened(data)
    unread = []
    try:
        presentation = Presentation(io.BytesIO(as_usual(data, archive)))
        writer = Writer()
        for number, slide in enumerate(presentation.slides, start=1):
            before = len(writer.blocks)
            _slide(slide, writer, number)
            picture = next(slide.element.iter("{*}pic"), None)
            if len(writer.blocks) == before and picture is not None:
                unread.append(f"Slide {number} is a picture.")
            kinds = dict.fromkeys(
                one.get("progId") or "unknown" for one in slide.element.iter(_OBJECT)
            )
            unread += [
                f"Slide {number} has an object of another program ('{one}')." for one in kinds
            ]
        properties = properties_of(archive)
    except ParseError:
        raise
    except (
        *DAMAGED, PythonPptxError, KeyError, AttributeError, TypeError, IndexError, etree.LxmlError,
    ) as error:  # fmt: skip
        raise ParseError(
            f"The presentation is damaged: {error or type(error).__name__}."
        ) from error
    for text in _comments(archive):
        writer.leave_out(text)
    return Document(
        document_id,
        properties.pop("title", "") or writer.first_heading or name_of(document_id),
        writer.text(),
        tuple(writer.blocks),
        "pptx",
        digest,
        properties,
        Extent(writer.left_out, unread=tuple(unread)),
    )


def _slide(slide: Any, writer: Writer, number: int) -> None:
    _choose(slide.shapes.element)
    title = slide.shapes.title
    heading = " ".join(_joined(title.text_frame).split()) if title is not None else ""
    writer.end_section()
    writer.begin_section(1, heading, page=number)
    for shape in _in_order(slide.shapes):
        if title is None or shape.element is not title.element:
            _shape(shape, slide, writer, number)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        for text in _paragraphs(frame):
            writer.add(text, page=number)
    writer.end_section()


def _shape(shape: Any, slide: Any, writer: Writer, number: int) -> None:
    if _is_running(shape):
        writer.leave_out(_joined(shape.text_frame))
        return
    if getattr(shape, "has_table", False):
        rows = [
            [
                Cell(_joined(cell.text_frame), cell.span_width, cell.span_height)
                for cell in row.cells
                if not cell.is_spanned
            ]
            for row in shape.table.rows
        ]
        writer.add_table(rows, head=int(shape.table.first_row), page=number)
    elif shape.has_text_frame:
        for text in _paragraphs(shape.text_frame):
            writer.add(text, page=number)
    for text in drawn_texts(shape.element, slide.part):
        writer.add(text, page=number)


def _is_running(shape: Any) -> bool:
    """Whether a shape holds the date, the number or the footer of its slide."""
    from pptx.enum.shapes import PP_PLACEHOLDER as KIND

    running = (KIND.DATE, KIND.FOOTER, KIND.HEADER, KIND.SLIDE_NUMBER)
    return shape.is_placeholder and shape.placeholder_format.type in running


def _choose(tree: Any) -> None:
    """Put what stands in two ways, for new programs and old ones, there in the first of them."""
    for choices in list(tree.iter(f"{_CHOICES}AlternateContent")):
        ways = choices.findall(f"{_CHOICES}Choice") + choices.findall(f"{_CHOICES}Fallback")
        chosen = next(filter(len, ways), None)
        if chosen is not None and choices.getparent() is not None:
            for child in list(chosen):
                choices.addprevious(child)
            choices.getparent().remove(choices)


def _in_order(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes as they are seen, row by row from the left; those of a group stay together."""
    from pptx.shapes.group import GroupShape

    rows: list[list[Any]] = []
    for shape in sorted(shapes, key=lambda one: one.top or 0):
        if not rows or (shape.top or 0) - (rows[-1][0].top or 0) > _BESIDE:
            rows.append([])
        rows[-1].append(shape)
    for row in rows:
        for shape in sorted(row, key=lambda one: one.left or 0):
            if isinstance(shape, GroupShape):
                yield from _in_order(shape.shapes)
            else:
                yield shape


def _paragraphs(frame: Any) -> Iterator[str]:
    """The text of each paragraph, after its number if it is an item of a numbered list."""
    counts: dict[int, int] = {}  # level: the number of its last item
    for paragraph in frame.paragraphs:
        text, level = _text(paragraph._p), paragraph.level
        found = paragraph._p.find(f"{_A}pPr/{_A}buAutoNum")
        kind = None if found is None else _NUMBERED.fullmatch(found.get("type") or "")
        if found is None or kind is None:
            counts = {one: count for one, count in counts.items() if one < level}
            yield text
        elif text.strip():
            start = found.get("startAt") or "1"
            first = int(start) if start.isdecimal() else 1
            counts = {one: count for one, count in counts.items() if one <= level}
            counts[level] = counts.get(level, first - 1) + 1
            mark = numeral(counts[level], _STYLES[kind[1]])
            before, after = {
                "ParenBoth": ("(", ")"), "ParenR": ("", ")"), "Period": ("", "."), "Plain": ("", "")
            }[kind[2]]  # fmt: skip
            yield f"{before}{mark}{after} {text}"


def _joined(frame: Any) -> str:
    return "\n".join(_text(paragraph._p) for paragraph in frame.paragraphs)


def _text(element: Any) -> str:
    """What is seen of a paragraph, formulas too."""
    parts = []
    for child in element:
        if child.tag == f"{_A}br":
            parts.append("\n")
        elif child.tag in (f"{_A}r", f"{_A}fld"):
            text = (child.findtext(f"{_A}t") or "").replace("\v", "\n")
            offset = child.find(f"{_A}rPr")
            above = offset is not None and (offset.get("baseline") or "").rstrip("%").isdecimal()
            parts.append(raised(text) if above and offset.get("baseline") != "0" else text)
        elif child.tag == f"{_M}oMath":
            parts.append(office_formula(child))
        elif isinstance(child.tag, str):
            parts.append(_text(child))
    return "".join(parts)


def _comments(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in filter(_COMMENTS.fullmatch, archive.namelist()):
        try:
            root = xml(read(archive, name))
        except ParseError:
            continue  # the text is there without them
        for element in root.iter("{*}text", f"{_A}t"):
            yield element.text or ""
