"""HTML, and the chapters of an EPUB: what a reader of the page sees, under its headings.

Scripts, styles, forms and navigation are left out; tables are read row by row. Nothing is fetched
and no script runs.
"""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from index.errors import ParseError
from index.parsers.text import decode
from index.parsers.writer import Writer
from index.records import Document

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LEFT_OUT = frozenset(
    "script style template noscript nav form button input select textarea iframe object embed svg "
    "math canvas audio video map dialog head menu".split()
)
BLOCKS = frozenset(
    "p div section article main header footer aside ul ol li dl dt dd blockquote pre figure "
    "figcaption table tr td th caption address details summary center body html hgroup fieldset "
    "h1 h2 h3 h4 h5 h6 hr".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ROLES = frozenset("navigation banner contentinfo search menu menubar toolbar dialog".split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_BLANK = re.compile(r"\n\s*\n")
_LATIN = ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii")
_BREAK = "\x00"  # stands for <br> until white space has been made one space
DEEPEST = 250  # elements inside each other; deeper ones are read as one text


def parse_html(data: bytes, document_id: str, digest: str) -> Document:
    """Read a saved web page; the title is its ``<title>``, or the first heading.

    Raises:
        ParseError: the bytes are no text, or no HTML can be made of them.
    """
    root = tree(decode_html(data))
    writer = Writer()
    write(root, writer)
    writer.end_section()
    title = " ".join((root.findtext(".//title") or "").split())
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(
        document_id,
        title or writer.first_heading or name,
        writer.text(),
        tuple(writer.blocks),
        "html",
        digest,
    )


def decode_html(data: bytes) -> str:
    """Characters by byte-order mark, by the declared charset if it fits, else as plain text."""
    declared = _CHARSET.search(data[:4096])
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if declared and not marked:
        name = declared[1].decode("ascii", "replace").lower()
        # What pages call Latin-1 is what browsers read as cp1252.
        name = (
            "cp1252" if name in ("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii") else name
        )
        try:
            text = data.decode("utf-8") if _is_utf8(data) else data.decode(name)
            if "\x00" not in text:
                return text
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(data)


def _is_utf8(data: bytes) -> bool:
    """Whether bytes beyond ASCII are valid UTF-8, whatever charset is declared."""
    try:
        return not data.isascii() and bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def tree(text: str) -> HtmlElement:
    """The elements of a page.

    Raises:
        ParseError: there are none.
    """
    from lxml import etree, html

    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        # An XML declaration in text that is decoded already would be taken at its word.
        content = _DECLARATION.sub("", text).encode("utf-8", "replace")
        root = html.document_fromstring(content, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError) as error:
        raise ParseError("The page is empty or is not HTML.") from error
    return root


def write(root: HtmlElement, writer: Writer, page: int | None = None) -> None:
    """Add what a reader sees of an element to a writer."""
    parts: list[str] = []

    def flush() -> None:
        text = " ".join("".join(parts).split()).replace(_BREAK, "\n")
        parts.clear()
        writer.add("\n".join(line.strip() for line in text.split("\n")), page=page)

    def visit(element: HtmlElement, depth: int) -> None:
        tag = element.tag
        if not isinstance(tag, str):
            return
        if _left_out(element):
            return
        if tag in _HEADINGS:
            flush()
            heading = visible(element)
            if heading:
                writer.begin_section(_HEADINGS[tag], heading, page=page)
            return
        if tag == "table" and not element.findall(".//table"):
            flush()
            _write_table(element, writer, page)
            return
        if tag == "pre":
            flush()
            for part in _BLANK.split(element.text_content()):
                writer.add(part.strip("\n"), page=page)
            return
        if tag == "br":
            parts.append(f" {_BREAK} ")
        block = tag in BLOCKS
        if block:
            flush()
        if depth > DEEPEST:
            parts.append(element.text_content())
        else:
            parts.append(element.text or "")
            for child in element:
                visit(child, depth + 1)
                parts.append(child.tail or "")
        if block:
            flush()

    visit(root, 0)
    flush()


def visible(element: HtmlElement) -> str:
    """The text of an element on one line, without what is left out."""
    if not isinstance(element.tag, str) or _left_out(element):
        return ""
    parts = [element.text or ""]
    for child in element:
        parts += [" " if child.tag in BLOCKS or child.tag == "br" else "", visible(child)]
        parts.append(child.tail or "")
    return " ".join("".join(parts).split())


def _left_out(element: HtmlElement) -> bool:
    return (
        element.tag in LEFT_OUT
        or element.get("role") in _ROLES
        or element.get("aria-hidden") == "true"
        or element.get("hidden") is not None
        or bool(_HIDDEN.search(element.get("style") or ""))
    )


def _write_table(table: HtmlElement, writer: Writer, page: int | None) -> None:
    caption = table.find("caption")
    if caption is not None:
        writer.add(visible(caption), page=page)
    rows, head = [], False
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        if not rows:
            inside = row.getparent()
            head = (inside is not None and inside.tag == "thead") or (
                bool(cells) and all(cell.tag == "th" for cell in cells)
            )
        rows.append([visible(cell) for cell in cells])
    if rows and max(map(len, rows)) < 2:  # only there to place things on the page
        for cells in rows:
            writer.add(" ".join(cells), page=page)
    else:
        writer.add_table(rows, head=head, page=page)
