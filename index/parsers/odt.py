"""ODT: paragraphs under their headings, lists, and tables row by row.

Tables of contents, comments and deleted text are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from index.errors import ParseError
from index.parsers.archive import opened, read, xml
from index.parsers.author import names
from index.parsers.grid import WIDEST, Cell, row_texts
from index.parsers.writer import Writer
from index.records import Document, Extent

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_SPANS = ("columns", "rows")
_LEFT_OUT = frozenset(
    (
        f"{_TEXT}tracked-changes",
        f"{_TEXT}sequence-decls",
        f"{_TEXT}table-of-content",
        "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}annotation",
    )
)

_APART = frozenset(
    (f"{_TEXT}note", "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}text-box")
)  # what follows the paragraph that it belongs to


def parse_odt(data: bytes, document_id: str, digest: str) -> Document:
    """Read an OpenDocument text; title, author and date are those of its properties.

    Raises:
        ParseError: it is damaged, encrypted, or no OpenDocument text.
    """
    archive = opened(data)
    body = next(xml(read(archive, "content.xml")).iter("{*}text"), None)
    if body is None:
        raise ParseError("The file is no OpenDocument text.")
    writer = Writer()
    _write(body, writer)
    writer.end_section()
    for element in body.iter(*_LEFT_OUT):
        writer.leave_out(" ".join(element.itertext(f"{_TEXT}*")))
    properties: dict[str, str] = {}
    if "meta.xml" in archive.namelist():
        root = xml(read(archive, "meta.xml"))
        for name, tag in (("title", "title"), ("author", "creator"), ("date", "date")):
            value = " ".join((root.findtext(f".//{{*}}{tag}") or "").split())
            value = names([value]) if name == "author" else value
            if value:
                properties[name] = value[:10] if name == "date" else value
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(
        document_id,
        properties.pop("title", "") or writer.first_heading or name,
        writer.text(),
        tuple(writer.blocks),
        "odt",
        digest,
        properties,
        Extent(writer.left_out),
    )


def _write(element: Any, writer: Writer) -> None:
    for child in element:
        if child.tag in _LEFT_OUT:
            continue
        if child.tag == f"{_TEXT}h":
            level = child.get(f"{_TEXT}outline-level") or "1"
            heading = " ".join(_text(child).split())
            if heading:
                writer.begin_section(int(level[:2]) if level.isdecimal() else 1, heading)
        elif child.tag == f"{_TEXT}p":
            writer.add(_text(child))
        elif child.tag == f"{_TABLE}table":
            _write_table(child, writer)
        else:
            _write(child, writer)
            continue
        for part in _apart(child):
            _write(part, writer)


def _apart(element: Any) -> Iterator[Any]:
    """The notes and text boxes in an element, not those in one another."""
    for child in element:
        if child.tag in _APART:
            yield child
        elif child.tag not in _LEFT_OUT:
            yield from _apart(child)


def _write_table(table: Any, writer: Writer) -> None:
    """A paragraph for each row; tables inside its cells follow it."""
    rows: list[list[Cell]] = []
    inner: list[list[Any]] = []
    for row in _inside(table, f"{_TABLE}table-row"):
        cells, tables = [], []
        for cell in _inside(row, f"{_TABLE}table-cell"):
            paragraphs = [one for tag in ("p", "h") for one in _inside(cell, f"{_TEXT}{tag}")]
            text = " ".join(filter(None, (_text(one) for one in paragraphs)))
            spans = (_number(cell, f"{_TABLE}number-{name}-spanned") for name in _SPANS)
            cells += [Cell(text, *spans)] * _number(cell, f"{_TABLE}number-columns-repeated")
            tables += list(_inside(cell, f"{_TABLE}table"))
        while cells and not cells[-1].text:
            cells.pop()  # those to the right of a table are repeated by the thousand
        rows.append(cells)
        inner.append(tables)
    heads = next(_inside(table, f"{_TABLE}table-header-rows"), ())
    texts = dict(row_texts(rows, max(1, len(heads))))
    for number, tables in enumerate(inner):
        writer.add(texts.get(number, ""))
        for one in tables:
            _write_table(one, writer)


def _inside(element: Any, tag: str) -> Iterator[Any]:
    """The elements with a tag, in order, but for those in tables further inside."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag != f"{_TABLE}table" and child.tag not in _LEFT_OUT | _APART:
            yield from _inside(child, tag)


def _number(element: Any, name: str) -> int:
    value = element.get(name) or ""
    return min(int(value), WIDEST) if value.isascii() and value.isdecimal() else 1


def _text(element: Any) -> str:
    parts = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            count = child.get(f"{_TEXT}c") or "1"
            parts.append(" " * min(int(count) if count.isdecimal() else 1, 100))
        elif child.tag == f"{_TEXT}tab":
            parts.append("\t")
        elif child.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif child.tag not in _LEFT_OUT | _APART and isinstance(child.tag, str):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts).strip() if element.tag in (f"{_TEXT}p", f"{_TEXT}h") else "".join(parts)
