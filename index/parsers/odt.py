"""ODT: paragraphs under their headings, lists, and tables row by row."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from index.errors import ParseError
from index.parsers.archive import member, opened, xml
from index.parsers.writer import Writer
from index.records import Document

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_LEFT_OUT = frozenset(
    (
        f"{_TEXT}tracked-changes",
        f"{_TEXT}sequence-decls",
        f"{_TEXT}table-of-content",
        "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}annotation",
    )
)


def parse_odt(data: bytes, document_id: str, digest: str) -> Document:
    """Read an OpenDocument text; title, author and date are those of its properties.

    Raises:
        ParseError: it is damaged, encrypted, or no OpenDocument text.
    """
    archive = opened(data)
    body = next(xml(member(archive, "content.xml")).iter("{*}text"), None)
    if body is None:
        raise ParseError("The file is no OpenDocument text.")
    writer = Writer()
    _write(body, writer)
    writer.end_section()
    properties: dict[str, str] = {}
    if "meta.xml" in archive.namelist():
        root = xml(member(archive, "meta.xml"))
        for name, tag in (("title", "title"), ("author", "creator"), ("date", "date")):
            value = " ".join((root.findtext(f".//{{*}}{tag}") or "").split())
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
    )


def _write(element: Any, writer: Writer) -> None:
    for child in element:
        if child.tag in _LEFT_OUT:
            continue
        if child.tag == f"{_TEXT}h":
            level = child.get(f"{_TEXT}outline-level") or "1"
            heading = " ".join(_text(child).split())
            if heading:
                writer.begin_section(int(level) if level.isdecimal() else 1, heading)
        elif child.tag == f"{_TEXT}p":
            writer.add(_text(child))
        elif child.tag == f"{_TABLE}table":
            rows = [
                [" ".join(_text(part) for part in cell) for cell in row.iter(f"{_TABLE}table-cell")]
                for row in child.iter(f"{_TABLE}table-row")
            ]
            writer.add_table(rows)
        else:
            _write(child, writer)


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
        elif child.tag not in _LEFT_OUT and isinstance(child.tag, str):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts).strip() if element.tag in (f"{_TEXT}p", f"{_TEXT}h") else "".join(parts)
