"""reStructuredText: sections, paragraphs, lists, tables and code, by docutils.

Comments and what a document says of itself are left out and counted. No directive includes other
files, fetches anything or passes raw markup through.
"""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from index.errors import ParseError
from index.parsers.grid import Cell
from index.parsers.text import decode
from index.parsers.writer import Writer
from index.records import Document, Extent

if TYPE_CHECKING:
    from docutils import nodes

_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "input_encoding": "unicode",
    "doctitle_xform": False,
    "line_length_limit": 10_000_000,
}


def parse_rst(data: bytes, document_id: str, digest: str) -> Document:
    """Read reStructuredText; the title is the first heading.

    Raises:
        ParseError: the bytes are no text, or docutils gives up.
    """
    from docutils.core import publish_doctree
    from docutils.utils import SystemMessage

    text = decode(data)
    try:
        tree = publish_doctree(
            text, settings_overrides=_SETTINGS | {"warning_stream": io.StringIO()}
        )
    except (SystemMessage, ValueError, KeyError, IndexError, AttributeError, TypeError,
            AssertionError, NotImplementedError, RecursionError) as error:  # fmt: skip
        raise ParseError(f"The reStructuredText cannot be read: {error}.") from error
    writer = Writer()
    _write(tree, writer, 0)
    writer.end_section()
    name = PurePosixPath(document_id).stem.replace("_", " ").replace("-", " ").strip()
    title = writer.first_heading or name
    blocks, extent = tuple(writer.blocks), Extent(writer.left_out)
    return Document(document_id, title, writer.text(), blocks, "rst", digest, {}, extent)


def _write(node: nodes.Node, writer: Writer, depth: int) -> None:
    from docutils import nodes

    for child in node.children:
        line = _line(child)
        if isinstance(child, nodes.section):
            _write(child, writer, depth + 1)
        elif isinstance(child, nodes.title):
            if isinstance(node, nodes.section):
                writer.begin_section(min(depth, 6), " ".join(child.astext().split()), line)
            else:
                writer.add(" ".join(child.astext().split()), line)
        elif isinstance(child, nodes.table):
            _table(child, writer)
        elif isinstance(child, nodes.literal_block | nodes.doctest_block | nodes.line_block):
            writer.add(child.astext().strip("\n"), line)
        elif isinstance(
            child, nodes.system_message | nodes.substitution_definition | nodes.target
            | nodes.problematic,
        ):  # fmt: skip
            continue
        elif isinstance(child, nodes.comment | nodes.raw | nodes.docinfo):
            writer.leave_out(child.astext())
        elif isinstance(child, nodes.TextElement):
            writer.add(" ".join(child.astext().split()), line)
        else:
            _write(child, writer, depth)


def _table(table: Any, writer: Writer) -> None:
    from docutils import nodes

    rows, head = [], 0
    for row in table.findall(nodes.row):
        if row.parent.parent.parent is not table:
            continue  # of a table inside a cell, which the cell's text has
        head += isinstance(row.parent, nodes.thead)
        rows.append(
            [
                Cell(cell.astext(), cell.get("morecols", 0) + 1, cell.get("morerows", 0) + 1)
                for cell in row.children
            ]
        )
    writer.add_table(rows, head=head)


def _line(node: Any) -> int | None:
    while node is not None:
        if getattr(node, "line", None):
            return int(node.line)
        node = node.parent
    return None
