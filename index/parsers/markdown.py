"""Markdown: headings, paragraphs, lists, tables and code, by markdown-it-py.

The document's text is what a reader sees, without the marks. HTML inside Markdown is not
interpreted: it stays as the characters it is made of. A heading with nothing below it is read as
a paragraph. Front matter gives the title and is otherwise left out, and counted.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from index.parsers.text import decode
from index.parsers.writer import Writer, row_text
from index.records import Block, Document, Extent

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---\n([\w-]+[ \t]*:.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)


def parse_markdown(data: bytes, document_id: str, digest: str) -> Document:
    """Read CommonMark with tables; the title is the front matter's, or the first heading.

    Raises:
        ParseError: the bytes are no text.
    """
    source = decode(data)
    title, first_line, left_out = "", 1, 0
    if front := _FRONT_MATTER.match(source):
        found = _TITLE.search(front.group(1))
        title = found.group(2) if found else ""
        left_out = len(front.group(1).strip())
        first_line += source.count("\n", 0, front.end())
        source = source[front.end() :]
    text, blocks, first_heading = _read(source, first_line)
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    title, extent = title or first_heading or name, Extent(left_out)
    return Document(document_id, title, text, blocks, "markdown", digest, {}, extent)


def _read(source: str, first_line: int) -> tuple[str, tuple[Block, ...], str]:
    from markdown_it import MarkdownIt

    tokens = (
        MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).parse(source)
    )
    writer = Writer()
    columns: list[str] = []
    row: list[str] = []
    inside = ""
    level = 0
    for token in tokens:
        line = first_line + token.map[0] if token.map else None
        if token.type == "inline":
            content = _visible(token)
            if inside == "heading":
                writer.begin_section(level, content, line)
            elif inside == "cell":
                row.append(content)
            else:
                writer.add(content, line)
        elif token.type == "heading_open":
            inside, level = "heading", int(token.tag[1:])
        elif token.type in ("th_open", "td_open"):
            inside = "cell"
        elif token.type in ("heading_close", "th_close", "td_close"):
            inside = ""
        elif token.type == "tr_open":
            row, row_line = [], line
        elif token.type == "thead_close":
            columns = row
        elif token.type == "tr_close" and columns:
            writer.add(row_text(columns, row), row_line)
        elif token.type == "table_close":
            if row is columns:  # the head is all there is
                writer.add("; ".join(filter(None, columns)), row_line)
            columns = []
        elif token.type in ("fence", "code_block"):
            writer.add(token.content.rstrip("\n"), line)
    writer.end_section()
    return writer.text(), tuple(writer.blocks), writer.first_heading


def _visible(token: Token) -> str:
    parts = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" " if child.type == "softbreak" else "\n")
        else:
            parts.append(child.content)
    return "".join(parts).strip()
