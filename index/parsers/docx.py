"""DOCX: paragraphs under their headings, tables row by row, footnotes after the text.

Headers and footers of pages, comments and deleted text are left out. Read by python-docx.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from index.errors import ParseError
from index.parsers.archive import member, opened, xml
from index.parsers.writer import Writer
from index.records import Document

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_NOTES = {"word/footnotes.xml": "footnote", "word/endnotes.xml": "endnote"}
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
        title = _body(document, writer)
        _notes(archive, writer)
        properties = _properties(document) if "docProps/core.xml" in archive.namelist() else {}
    except ParseError:
        raise
    except (
        ValueError, KeyError, AttributeError, TypeError, IndexError, OSError, NotImplementedError,
        etree.LxmlError, InvalidXmlError, zipfile.BadZipFile, RecursionError,
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
    )


def _body(document: Any, writer: Writer) -> str:
    """Add all paragraphs and tables; returns the paragraph that is styled as the title."""
    title = ""
    for item in _items(document):
        if hasattr(item, "rows"):
            _table(item, writer)
            continue
        text = _text(item)
        style = _style(item)
        heading = _HEADING.search(style)
        if not text:
            continue
        if heading:
            writer.begin_section(int(heading[1]), " ".join(text.split()))
        elif style == "Title" and not title:
            title = " ".join(text.split())
        else:
            writer.add(text)
    if title and not writer.blocks:
        writer.add(title)
    writer.end_section()
    return title


def _items(document: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, those in content controls and text boxes too."""
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    def walk(element: Any) -> Iterator[Any]:
        for child in element:
            if child.tag == f"{_W}p":
                yield Paragraph(child, document)
                for box in child.iter(f"{_W}txbxContent"):
                    # Word keeps a second copy of a text box for older programs.
                    if not any(above.tag.endswith("}Fallback") for above in box.iterancestors()):
                        yield from walk(box)
            elif child.tag == f"{_W}tbl":
                yield Table(child, document)
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
                yield from walk(child)

    yield from walk(document.element.body)


def _text(paragraph: Paragraph) -> str:
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
            elif isinstance(tag, str) and not tag.endswith(
                ("}drawing", "}pict", "}AlternateContent")
            ):
                walk(child)

    walk(paragraph._p)
    return "".join(parts).strip()


def _style(paragraph: Paragraph) -> str:
    try:
        style = paragraph.style
        return str(style.name or "") if style is not None else ""
    except (KeyError, AttributeError, ValueError):
        return ""


def _table(table: Table, writer: Writer) -> None:
    rows = []
    for row in table._tbl.iter(f"{_W}tr"):
        if next(row.iterancestors(f"{_W}tbl")) is not table._tbl:
            continue  # of a table inside a cell, which the cell's text has
        rows.append([_cell(cell) for cell in row.findall(f"{_W}tc")])
    writer.add_table(rows)


def _cell(cell: Any) -> str:
    from docx.text.paragraph import Paragraph

    texts = (_text(Paragraph(found, None)) for found in cell.iter(f"{_W}p"))  # type: ignore[arg-type]
    return " ".join(text for text in texts if text)


def _notes(archive: zipfile.ZipFile, writer: Writer) -> None:
    names = set(archive.namelist())
    for name, kind in _NOTES.items():
        if name not in names:
            continue
        for note in xml(member(archive, name)).iter(f"{_W}{kind}"):
            if note.get(f"{_W}type") in (
                "separator",
                "continuationSeparator",
                "continuationNotice",
            ):
                continue
            writer.add(" ".join("".join(text.text or "" for text in note.iter(f"{_W}t")).split()))


def _properties(document: Any) -> dict[str, str]:
    try:
        core = document.core_properties
        found = {"title": core.title, "author": core.author}
        if core.modified is not None:
            found["date"] = core.modified.date().isoformat()
    except (KeyError, ValueError, AttributeError):
        return {}
    # What programs put there of themselves is no title and no author.
    generic = {"Word Document", "python-docx"}
    return {
        name: " ".join(value.split())
        for name, value in found.items()
        if value and value not in generic
    }
