"""DOCX: paragraphs under their headings, tables by rows, notes and diagrams after their paragraph.

Headers and footers of pages, comments and deleted text are left out and counted. Read by
python-docx.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from index.errors import ParseError
from index.parsers.archive import DAMAGED, opened, read, xml
from index.parsers.author import names
from index.parsers.diagram import box_texts
from index.parsers.grid import WIDEST, Cell, row_texts
from index.parsers.writer import Writer
from index.records import Document, Extent

_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_NOTES = {"word/footnotes.xml": "footnote", "word/endnotes.xml": "endnote"}
_ASIDE = re.compile(r"word/(?:header|footer|comments)\d*\.xml")
_DRAWN = ("}drawing", "}pict", "}AlternateContent")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def parse_docx(data: bytes, document_id: str, digest: str) -> Document:
    """Read a Word document; title, author and date are those of its properties.

    Raises:
        ParseError: it is damaged, encrypted, or no Word document.
    """
    import docx
    from docx.oxml.exceptions import InvalidXmlError
    from lxml import etree

    archive = opened(data)
    try:
        document = docx.Document(io.BytesIO(data))
        writer = Writer()
        title = _body(document, writer, _notes(archive))
        _leave_out(archive, document, writer)
        properties = _properties(document) if "docProps/core.xml" in archive.namelist() else {}
    except ParseError:
        raise
    except (
        *DAMAGED, KeyError, AttributeError, TypeError, IndexError, etree.LxmlError, InvalidXmlError,
    ) as error:  # fmt: skip
        raise ParseError(
            f"The Word document is damaged: {error or type(error).__name__}."
        ) from error
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(
        document_id,
        properties.pop("title", "") or title or writer.first_heading or name,
        writer.text(),
        tuple(writer.blocks),
        "docx",
        digest,
        properties,
        Extent(writer.left_out),
    )


def _body(document: Any, writer: Writer, notes: dict[tuple[str, str], str]) -> str:
    """Add all paragraphs and tables; returns the paragraph that is styled as the title."""
    title = ""
    for item in _items(document):
        text = "" if item.tag == f"{_W}tbl" else _text(item)
        style = _style(item, document) if text else ""
        heading = _HEADING.search(style)
        if item.tag == f"{_W}tbl":
            _table(item, writer)
        elif text and heading:
            writer.begin_section(int(heading[1]), " ".join(text.split()))
        elif style == "Title" and not title:
            title = " ".join(text.split())
        else:
            writer.add(text)
        for box in box_texts(item, document.part):
            writer.add(box)
        for kind in _NOTES.values():
            for reference in item.iter(f"{_W}{kind}Reference"):
                writer.add(notes.pop((kind, reference.get(f"{_W}id", "")), ""))
    for note in notes.values():
        writer.add(note)
    if title and not writer.blocks:
        writer.add(title)
    writer.end_section()
    return title


def _items(document: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, those in content controls and text boxes too."""

    def walk(element: Any) -> Iterator[Any]:
        for child in element:
            if child.tag == f"{_W}p":
                yield child
                for box in child.iter(f"{_W}txbxContent"):
                    if not _is_copy(box):
                        yield from walk(box)
            elif child.tag == f"{_W}tbl":
                yield child
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
                yield from walk(child)

    yield from walk(document.element.body)


def _text(paragraph: Any) -> str:
    """What is seen of a paragraph: with links and insertions, without text boxes inside it."""
    parts: list[str] = []

    def walk(element: Any) -> None:
        for child in element:
            tag = child.tag
            if tag == f"{_W}t":
                parts.append(child.text or "")
            elif tag == f"{_W}tab":
                parts.append("\t")
            elif tag in (f"{_W}br", f"{_W}cr"):
                parts.append("\n" if child.get(f"{_W}type") in (None, "textWrapping") else "")
            elif tag == f"{_W}noBreakHyphen":
                parts.append("-")
            elif tag in (f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr"):
                continue
            elif isinstance(tag, str) and not tag.endswith(_DRAWN):
                walk(child)

    walk(paragraph)
    return "".join(parts).strip()


def _style(paragraph: Any, document: Any) -> str:
    from docx.text.paragraph import Paragraph

    try:
        style = Paragraph(paragraph, document).style
        return str(style.name or "") if style is not None else ""
    except (KeyError, AttributeError, ValueError):
        return ""


def _table(table: Any, writer: Writer) -> None:
    """A paragraph for each row; tables inside its cells follow it."""
    rows: list[list[Cell]] = []
    inner: list[list[Any]] = []
    head = 0
    reaching: dict[int, tuple[int, int]] = {}  # column: row and position of a cell that goes on
    for row in table.iter(f"{_W}tr"):
        if not _belongs(row, table) or row.find(f"{_W}trPr/{_W}del") is not None:
            continue
        if head == len(rows) and _on(row.find(f"{_W}trPr/{_W}tblHeader")):
            head += 1
        before = _number(row.find(f"{_W}trPr/{_W}gridBefore"), 0)
        cells = [Cell("", before)] if before else []
        column = before
        for cell in row.iter(f"{_W}tc"):
            if not _belongs(cell, table):
                continue
            across = _number(cell.find(f"{_W}tcPr/{_W}gridSpan"), 1)
            merge = cell.find(f"{_W}tcPr/{_W}vMerge")
            if merge is None or merge.get(f"{_W}val") == "restart" or column not in reaching:
                reaching.pop(column, None)
                if merge is not None:
                    reaching[column] = len(rows), len(cells)
                cells.append(Cell(_cell(cell, table), across))
            else:
                first, place = reaching[column]
                above = rows[first][place]
                rows[first][place] = replace(above, down=len(rows) - first + 1)
            column += across
        inner.append([one for one in row.iter(f"{_W}tbl") if _belongs(one, table)])
        rows.append(cells)
    texts = dict(row_texts(rows, max(head, 1)))
    for number, tables in enumerate(inner):
        writer.add(texts.get(number, ""))
        for one in tables:
            _table(one, writer)


def _belongs(element: Any, table: Any) -> bool:
    """Whether an element is of this table, and not of another one inside it."""
    return next(element.iterancestors(f"{_W}tbl")) is table


def _cell(cell: Any, table: Any) -> str:
    texts = (
        _text(found)
        for found in cell.iter(f"{_W}p")
        if _belongs(found, table) and not _is_copy(found)
    )
    return " ".join(text for text in texts if text)


def _is_copy(element: Any) -> bool:
    """Whether an element is the second copy of a text box that Word keeps for older programs."""
    return any(above.tag.endswith("}Fallback") for above in element.iterancestors())


def _number(element: Any, otherwise: int) -> int:
    value = "" if element is None else element.get(f"{_W}val") or ""
    return min(int(value), WIDEST) if value.isascii() and value.isdecimal() else otherwise


def _on(element: Any) -> bool:
    return element is not None and element.get(f"{_W}val") not in ("0", "false", "off")


def _notes(archive: zipfile.ZipFile) -> dict[tuple[str, str], str]:
    """The text of each note, by its kind and the id by which paragraphs refer to it."""
    found = {}
    for name, kind in _NOTES.items():
        if name not in archive.namelist():
            continue
        for note in xml(read(archive, name)).iter(f"{_W}{kind}"):
            if note.get(f"{_W}type") in (None, "normal"):
                texts = (_text(paragraph) for paragraph in note.iter(f"{_W}p"))
                found[kind, note.get(f"{_W}id", "")] = " ".join(filter(None, texts))
    return found


def _leave_out(archive: zipfile.ZipFile, document: Any, writer: Writer) -> None:
    """Count what stands beside the text: headers, footers, comments, and what was deleted."""
    for name in filter(_ASIDE.fullmatch, archive.namelist()):
        try:
            root = xml(read(archive, name))
        except ParseError:
            continue  # the text is there without it
        for paragraph in root.iter(f"{_W}p"):
            writer.leave_out(_text(paragraph))
    for deleted in document.element.body.iter(f"{_W}delText"):
        writer.leave_out(deleted.text or "")


def _properties(document: Any) -> dict[str, str]:
    try:
        core = document.core_properties
        found = {"title": core.title, "author": names([core.author])}
        if core.modified is not None:
            found["date"] = core.modified.date().isoformat()
    except (KeyError, ValueError, AttributeError):
        return {}
    generic = "Word Document"  # what a program put there is no title
    return {
        name: " ".join(value.split()) for name, value in found.items() if value and value != generic
    }
