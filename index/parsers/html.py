"""HTML, and the chapters of an EPUB: what a reader of the page sees, under its headings.

Scripts, styles, forms and navigation are left out, and the text in the latter two is counted;
tables are read row by row. The page is taken apart as browsers do, by Lexbor; nothing is fetched
and no script runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from index.errors import ParseError
from index.parsers.grid import WIDEST, Cell
from index.parsers.text import decode
from index.parsers.writer import Writer
from index.records import Document, Extent

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

NO_TEXT = frozenset(
    "script style template noscript iframe object embed canvas audio video head".split()
)
LEFT_OUT = NO_TEXT | frozenset(
    "nav form button input select textarea svg math map dialog menu".split()
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
_BLANK = re.compile(r"\n\s*\n")
_BREAK = "\x00"  # stands for <br> until white space has been made one space
DEEPEST = 250  # elements inside each other; deeper ones are read as one text


def parse_html(data: bytes, document_id: str, digest: str) -> Document:
    """Read a saved web page; the title is its ``<title>``, or the first heading.

    Raises:
        ParseError: the bytes are no text.
    """
    root = tree(decode_html(data))
    writer = Writer()
    write(root, writer)
    writer.end_section()
    named = root.css_first("head title")
    title = " ".join(named.text().split()) if named is not None else ""
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    return Document(
        document_id,
        title or writer.first_heading or name,
        writer.text(),
        tuple(writer.blocks),
        "html",
        digest,
        extent=Extent(left_out=writer.left_out),
    )


def decode_html(data: bytes) -> str:
    """Characters by byte-order mark, by the declared charset if it fits, else as plain text."""
    found = _CHARSET.search(data[:4096])
    return decode(data, found[1].decode("ascii", "replace") if found else "")


def tree(text: str) -> Node:
    """The root of a page.

    Raises:
        ParseError: there is none.
    """
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(text.encode("utf-8", "replace")).root
    if root is None:
        raise ParseError("The page is empty.")
    return root


def write(root: Node, writer: Writer) -> None:
    """Add what a reader sees of an element to a writer."""
    parts: list[str] = []

    def flush() -> None:
        text = " ".join("".join(parts).split()).replace(_BREAK, "\n")
        parts.clear()
        writer.add("\n".join(line.strip() for line in text.split("\n")))

    def visit(node: Node, depth: int) -> None:
        tag = node.tag
        if tag == "-text":
            parts.append(node.text_content or "")
        elif tag == "br":
            parts.append(f" {_BREAK} ")
        elif _left_out(node):
            leave_out(node, writer)
        elif tag in _HEADINGS:
            flush()
            if heading := visible(node, writer):
                writer.begin_section(_HEADINGS[tag], heading)
        elif tag == "table" and not node.css("table table"):
            flush()
            _write_table(node, writer)
        elif tag == "pre":
            flush()
            for part in _BLANK.split(node.text()):
                writer.add(part.strip("\n"))
        else:
            if tag in BLOCKS:
                flush()
            if depth > DEEPEST:
                parts.append(node.text(separator=" "))
            else:
                for child in node.iter(include_text=True):
                    visit(child, depth + 1)
            if tag in BLOCKS:
                flush()

    visit(root, 0)
    flush()


def visible(node: Node, writer: Writer, depth: int = 0) -> str:
    """The text of an element on one line, without what is left out, which the writer counts."""
    if depth > DEEPEST:
        return " ".join(node.text(separator=" ").split())
    parts: list[str] = []
    for child in node.iter(include_text=True):
        if child.tag == "-text":
            parts.append(child.text_content or "")
        elif _left_out(child):
            leave_out(child, writer)
        else:
            apart = " " if child.tag in BLOCKS or child.tag == "br" else ""
            inner = visible(child, writer, depth + 1)
            raw = child.text()
            # White space at the edges of an inline element sets words apart.
            before = " " if raw[:1].isspace() else apart
            parts.append(f"{before}{inner}{' ' if raw[-1:].isspace() else apart}")
    return " ".join("".join(parts).split())


def leave_out(node: Node, writer: Writer) -> None:
    """Count the text of an element that is not kept."""
    parts: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.tag == "-text":
            parts.append(one.text_content or "")
        elif one.tag not in NO_TEXT:
            waiting.extend(one.iter(include_text=True))
    writer.leave_out(" ".join(parts))


def _left_out(node: Node) -> bool:
    if node.tag in LEFT_OUT:
        # Some servers put the whole page into a form.
        return node.tag != "form" or node.css_first("h1, main, article") is None
    attributes = node.attributes
    if attributes and "note" in f"{attributes.get('epub:type')} {attributes.get('role')}":
        return False  # a note that is hidden until someone points at its number
    return bool(attributes) and (
        attributes.get("role") in _ROLES
        or attributes.get("aria-hidden") == "true"
        or "hidden" in attributes
        or bool(_HIDDEN.search(attributes.get("style") or ""))
    )


def _write_table(table: Node, writer: Writer) -> None:
    caption = table.css_first("caption")
    if caption is not None:
        writer.add(visible(caption, writer))
    rows: list[list[Cell]] = []
    head = 0
    for row in _seen(table.css("tr"), writer):
        cells = _seen((cell for cell in row.iter() if cell.tag in ("td", "th")), writer)
        inside = row.parent
        heads = (inside is not None and inside.tag == "thead") or (
            bool(cells) and all(cell.tag == "th" for cell in cells)
        )
        if heads and head == len(rows):
            head += 1
        rows.append(
            [
                Cell(visible(one, writer), _span(one, "colspan"), _span(one, "rowspan"))
                for one in cells
            ]
        )
    if rows and max(map(len, rows)) < 2:  # only there to place things on the page
        head = 0
    writer.add_table(rows, head=head)


def _seen(nodes: Iterable[Node], writer: Writer) -> list[Node]:
    """Those that are not left out; the writer counts the others."""
    kept = []
    for node in nodes:
        if _left_out(node):
            leave_out(node, writer)
        else:
            kept.append(node)
    return kept


def _span(cell: Node, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(int(value), WIDEST) if value.isascii() and value.isdecimal() else 1
