"""Markdown: headings, paragraphs, lists, tables and code, by markdown-it-py.

The document's text is what a reader sees, without the marks. HTML inside Markdown is not
interpreted: it stays as the characters it is made of. A heading with nothing below it is read as
a paragraph. Front matter gives title, author and date and is otherwise left out, and counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from index.parsers.author import day, names
from index.parsers.grid import Cell, row_texts
from index.parsers.text import decode
from index.parsers.title import name_of
from index.parsers.writer import Writer
from index.records import Block, Document, Extent

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---\n([\w-]+[ \t]*:.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FACT = re.compile(r"^(title|author|date):[ \t]*(['\"]?)(.+?)\2[ \t]*$", re.MULTILINE | re.I)
_NOTE = re.compile(r"^([ \t>]*)\[\^", re.MULTILINE)
_NESTED = 100  # quotations and lists inside each other


def parse_markdown(data: bytes, document_id: str, digest: str) -> Document:
    """Read CommonMark with tables; the title is the front matter's, or the first heading.

    Raises:
        ParseError: the bytes are no text.
    """
    source = decode(data)
    facts: dict[str, str] = {}
    first_line, left_out = 1, 0
    if front := _FRONT_MATTER.match(source):
        facts = {found[1].lower(): found[3] for found in _FACT.finditer(front.group(1))}
        left_out = len(front.group(1).strip())
        first_line += source.count("\n", 0, front.end())
        source = source[front.end() :]
    text, blocks, first_heading, deepest = _read(source, first_line)
    title = facts.get("title", "") or first_heading or name_of(document_id)
    about = {
        "author": names(one.strip(" '\"") for one in _several(facts.get("author", ""))),
        "date": day(facts.get("date")),
    }
    about = {key: value for key, value in about.items() if value}
    unread = ("What is nested too deeply in it.",) if deepest >= _NESTED - 1 else ()
    extent = Extent(left_out, unread=unread)
    return Document(document_id, title, text, blocks, "markdown", digest, about, extent)


def _several(value: str) -> list[str]:
    """The items of a list in brackets, or the value itself."""
    return value[1:-1].split(",") if value[:1] + value[-1:] == "[]" else [value]


def _read(source: str, first_line: int) -> tuple[str, tuple[Block, ...], str, int]:
    """The text, its blocks, the first heading, and how deeply it is nested."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTED})
    # A note of one word would be the address of a link, which nobody sees.
    tokens = parser.enable(["table", "strikethrough"]).parse(_NOTE.sub(r"\1\\[^", source))
    writer = Writer()
    lines = source.split("\n")
    rows: list[list[Cell]] = []
    row_lines: list[int | None] = []
    inside = ""
    level = 0
    mark = ""  # the number of an item of which nothing has been read yet
    numbers: list[int] = []  # of the items that come next, from the outermost list on
    for token in tokens:
        line = first_line + token.map[0] if token.map else None
        if token.type == "inline":
            content = _visible(token)
            if content and inside != "cell":
                content, mark = f"{mark} {content}".strip(), ""
            if inside == "heading":
                writer.begin_section(level, content, line)
            elif inside == "cell":
                rows[-1].append(Cell(content))
            else:
                writer.add(content, line)
        elif token.type == "heading_open":
            inside, level = "heading", int(token.tag[1:])
        elif token.type == "ordered_list_open":
            numbers.append(int(token.attrs.get("start", 1)))
        elif token.type == "ordered_list_close":
            numbers.pop()
        elif token.type == "list_item_open":
            writer.item = True
            if token.info:
                mark = f"{mark} {numbers[-1]}{token.markup}".strip()
                numbers[-1] += 1
        elif token.type == "list_item_close":
            writer.item, mark = False, ""
        elif token.type in ("th_open", "td_open"):
            inside = "cell"
        elif token.type in ("heading_close", "th_close", "td_close"):
            inside = ""
        elif token.type == "tr_open":
            rows.append([])
            row_lines.append(line)
            beyond = _cells(lines[token.map[0]]) if token.map else []
        elif token.type == "tr_close":
            rows[-1] += map(Cell, beyond[len(rows[0]) :])  # more cells than columns have names
        elif token.type == "table_close":
            for number, text in row_texts(rows):
                writer.add(text, row_lines[number])
            rows, row_lines = [], []
        elif token.type in ("fence", "code_block"):
            content = token.content.rstrip("\n")
            writer.add(f"{mark} {content}" if mark else content, line)
            mark = ""
    writer.end_section()
    deepest = max((token.level for token in tokens), default=0)
    return writer.text(), tuple(writer.blocks), writer.first_heading, deepest


def _cells(line: str) -> list[str]:
    """The cells of a row as they are written."""
    from markdown_it.rules_block.table import escapedSplit

    cells = escapedSplit(line.lstrip(" \t>").rstrip())
    return cells[not cells[0] : len(cells) - (not cells[-1])]


def _visible(token: Token) -> str:
    parts = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" " if child.type == "softbreak" else "\n")
        else:
            parts.append(child.content)
    return "".join(parts).strip()
