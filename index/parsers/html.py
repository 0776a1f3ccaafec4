"""HTML, and the chapters of an EPUB: what a reader of the page sees, under its headings.

Scripts, styles, forms and navigation are left out, and the text in the latter two is counted;
tables are read row by row. The page is taken apart as browsers do, by Lexbor; nothing is fetched
and no script runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from index.errors import ParseError
from index.parsers.author import day, names
from index.parsers.html_table import is_layout, texts_of
from index.parsers.html_text import (
    BLOCKS,
    BREAK,
    DEEPEST,
    INLINE,
    SOFT,
    as_it_is,
    inline,
    is_hidden,
    is_left_out,
    mark_pages,
    visible,
)
from index.parsers.numerals import numeral
from index.parsers.text import decode
from index.parsers.title import name_of
from index.parsers.writer import Writer
from index.records import Document, Extent

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BARE = re.compile(r"list-style(?:-type)?\s*:\s*none", re.IGNORECASE)
_CHARSET = re.compile(
    rb"""charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_AUTHORS = frozenset("author dc.creator dcterms.creator citation_author".split())
_DATES = frozenset(
    "article:published_time date dc.date dcterms.date dcterms.created dcterms.issued "
    "datepublished citation_publication_date".split()
)
_FRAMES = "iframe[srcdoc], template[shadowrootmode]"
_FRAMED = 5  # pages inside each other
_BLANK = re.compile(r"\n\s*\n")


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
    return Document(
        document_id,
        title or writer.first_heading or name_of(document_id),
        writer.text(),
        tuple(writer.blocks),
        "html",
        digest,
        _facts(root),
        Extent(left_out=writer.left_out),
    )


def decode_html(data: bytes) -> str:
    """Characters by byte-order mark, by the declared charset if it fits, else as plain text."""
    found = _CHARSET.search(data[:4096])
    return decode(data, (found[1] or found[2]).decode("ascii", "replace") if found else "")


def tree(text: str, depth: int = 0) -> Node:
    """The root of a page; pages that stand in it are part of it, to some depth.

    Raises:
        ParseError: there is none.
    """
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(text.encode("utf-8", "replace")).root
    if root is None:
        raise ParseError("The page is empty.")
    for frame in root.css(_FRAMES) if depth < _FRAMED else ():
        if not is_hidden(frame):
            source = frame.attributes.get("srcdoc") or (frame.html or "").partition(">")[2]
            inner = tree(f"<body>{source}", depth + 1)  # white space before words stays so
            for child in list((inner.css_first("body") or inner).iter(include_text=True)):
                frame.insert_before(child)
        frame.decompose()
    mark_pages(root)
    return root


def write(root: Node, writer: Writer) -> None:
    """Add what a reader sees of an element to a writer."""
    _Page(writer).write(root)


class _Page:
    """Gathers the words of a paragraph until it ends, and what stands before the next one."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._parts: list[str] = []
        self._before: list[str] = []  # the number of an item, or the term that is explained

    def write(self, root: Node) -> None:
        self._visit(root, 0)
        self._flush()

    def _flush(self) -> None:
        text = " ".join("".join(self._parts).split()).replace(BREAK, "\n").replace(SOFT, "")
        self._parts.clear()
        text = "\n".join(line.strip() for line in text.split("\n")).strip()
        if text:
            self._writer.add(" ".join([*self._before, text]))
            self._before.clear()

    def _visit(self, node: Node, depth: int) -> None:
        tag = node.tag or ""
        level = _HEADINGS.get(tag) or _level(node)
        if tag == "-text" or tag in INLINE or is_left_out(node):
            self._parts.append(inline(node, self._writer))
        elif level:
            self._flush()
            if heading := visible(node, self._writer):
                self._writer.begin_section(level, " ".join([*self._before, heading]))
                self._before.clear()
        elif tag == "table" and not is_layout(node):
            self._flush()
            self._table(node, depth)
        elif tag == "pre":
            self._flush()
            for part in _BLANK.split(as_it_is(node)):
                self._writer.add(part.strip("\n"))
        elif tag == "dt":
            self._flush()
            self._before.append(f"{visible(node, self._writer).rstrip(':')}:")
        elif depth > DEEPEST:
            self._parts.append(f" {node.text(separator=' ')} ")
        elif tag in BLOCKS:
            self._flush()
            self._writer.item |= tag == "li"
            self._children(node, depth)
            self._flush()
            self._writer.item &= tag != "li"
        else:
            self._children(node, depth)

    def _children(self, node: Node, depth: int) -> None:
        """What is in an element; items of a numbered list after their numbers."""
        marks = _marks(node) if node.tag == "ol" else {}
        for number, child in enumerate(node.iter(include_text=True)):
            if number in marks:
                self._before.append(marks[number])
            self._visit(child, depth + 1)
            if number in marks:
                self._flush()
                self._before.clear()
        if node.tag == "dl" and self._before:  # a term that nothing explains
            self._writer.add(" ".join(self._before).rstrip(":"))
            self._before.clear()

    def _table(self, table: Node, depth: int) -> None:
        """A paragraph for each row; tables inside its cells follow it."""
        writer = self._writer
        for child in table.iter():
            if child.tag == "caption":
                writer.add(visible(child, writer))
        for text, inner in texts_of(table, writer):
            writer.add(text)
            for found in inner:
                self._visit(found, depth + 1)
                self._flush()


def _level(node: Node) -> int:
    """The level of an element that calls itself a heading; 0 for others."""
    attributes = node.attributes if node.tag in BLOCKS else {}
    if attributes.get("role") != "heading":
        return 0
    level = attributes.get("aria-level") or ""
    return int(level[:2]) if level.isascii() and level.isdecimal() else 2


def _marks(ordered: Node) -> dict[int, str]:
    """The number that is seen before each item of a list, by the item's place in it."""
    attributes = ordered.attributes
    if _BARE.search(attributes.get("style") or ""):
        return {}
    places = [
        (place, child)
        for place, child in enumerate(ordered.iter(include_text=True))
        if child.tag == "li"
    ]
    falls = "reversed" in attributes
    number = _integer(attributes.get("start"), len(places) if falls else 1)
    marks = {}
    for place, item in places:
        number = _integer(item.attributes.get("value"), number)
        style = item.attributes.get("type") or attributes.get("type") or "1"
        marks[place] = f"{numeral(number, style)}."
        number += -1 if falls else 1
    return marks


def _integer(value: str | None, otherwise: int) -> int:
    found = re.fullmatch(r"\s*([-+]?\d{1,9})\s*", value or "", re.ASCII)
    return int(found[1]) if found else otherwise


def _facts(root: Node) -> dict[str, str]:
    """Author and date, as the page's head names them."""
    authors, dates = [], []
    for meta in root.css("meta"):
        attributes = meta.attributes
        keys = (attributes.get(key) or "" for key in ("name", "property", "itemprop"))
        name = next(filter(None, keys), "").lower()
        if name in _AUTHORS:
            authors.append(attributes.get("content"))
        elif name in _DATES:
            dates.append(day(attributes.get("content")))
    facts = {"author": names(authors), "date": next(filter(None, dates), "")}
    return {key: value for key, value in facts.items() if value}
