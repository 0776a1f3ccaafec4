"""reStructuredText: sections, paragraphs, lists, tables and code, by docutils.

Comments, tables of contents, raw markup and what a document says of itself are left out and
counted. No directive includes other files, fetches anything or passes raw markup through. What
only Sphinx knows is read as the text that it stands around.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from index.errors import ParseError
from index.parsers.author import day, description, names
from index.parsers.grid import Cell
from index.parsers.numerals import numeral, raised
from index.parsers.sphinx import know
from index.parsers.text import decode
from index.parsers.title import name_of
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
    "line_length_limit": 10**9,
}
_STYLES = {"loweralpha": "a", "upperalpha": "A", "lowerroman": "i", "upperroman": "I"}
_RULE = re.compile(r"([^\w\s])\1*")
_UNSEEN = re.compile(r"\.\. (?:raw|include)::")


def parse_rst(data: bytes, document_id: str, digest: str) -> Document:
    """Read reStructuredText; the title is the first heading.

    Raises:
        ParseError: the bytes are no text, or docutils gives up.
    """
    from docutils.core import publish_doctree
    from docutils.utils import SystemMessage

    text = decode(data)
    know(text)
    try:
        tree = publish_doctree(
            text, settings_overrides=_SETTINGS | {"warning_stream": io.StringIO()}
        )
    except (SystemMessage, ValueError, KeyError, IndexError, AttributeError, TypeError,
            AssertionError, NotImplementedError, RecursionError) as error:  # fmt: skip
        raise ParseError(f"The reStructuredText cannot be read: {error}.") from error
    writer = Writer()
    _Tree(writer).write(tree)
    writer.end_section()
    title = writer.first_heading or name_of(document_id)
    blocks, extent = tuple(writer.blocks), Extent(writer.left_out)
    return Document(document_id, title, writer.text(), blocks, "rst", digest, _facts(tree), extent)


def _facts(tree: nodes.document) -> dict[str, str]:
    from docutils import nodes

    dates = (day(one.astext()) for one in tree.findall(nodes.date))
    facts = {
        "author": names(one.astext() for one in tree.findall(nodes.author)),
        "date": next(filter(None, dates), ""),
    }
    return {name: value for name, value in facts.items() if value}


class _Tree:
    """Writes what stands in the nodes of a document, and before it what it begins with."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._before: list[str] = []  # the number of an item, the label of a note, a term

    def write(self, node: nodes.Node, depth: int = 0) -> None:
        """Add the nodes inside one that is in so many sections."""
        from docutils import nodes

        explained = nodes.definition_list_item | nodes.field | nodes.option_list_item
        number = node.get("start", 1) if isinstance(node, nodes.enumerated_list) else None
        for child in node.children:
            self._writer.item |= isinstance(child, nodes.list_item)
            if isinstance(child, nodes.section):
                self.write(child, depth + 1)
            elif isinstance(child, nodes.title):
                text = " ".join(child.astext().split())
                if isinstance(node, nodes.section):
                    self._writer.begin_section(min(depth, 6), text, _line(child))
                else:
                    self._add(text, child)
            elif isinstance(child, nodes.list_item) and number is not None:
                mark = numeral(number, _STYLES.get(node["enumtype"], "1"))
                self._before.append(f"{node['prefix']}{mark}{node['suffix']}")
                number += 1
                self._item(child.children, child, depth)
            elif isinstance(child, nodes.footnote | nodes.citation):
                self._before.append(f"[{child.children[0].astext()}]" if child.children else "")
                self._item(child.children[1:], child, depth)
            elif isinstance(child, explained):
                *terms, meaning = child.children
                self._before.append(f"{', '.join(one.astext() for one in terms)}:")
                self._item([meaning], child, depth)
            else:
                self._node(child, depth)
            self._writer.item &= not isinstance(child, nodes.list_item)

    def _item(self, children: list[nodes.Node], node: nodes.Node, depth: int) -> None:
        from docutils import nodes

        whole = nodes.container("", *children)
        self.write(whole, depth)
        if self._before:  # nothing stands behind it
            self._add("", node)

    def _node(self, node: nodes.Node, depth: int) -> None:
        from docutils import nodes

        kinds = nodes.substitution_definition | nodes.target | nodes.problematic
        if isinstance(node, nodes.table):
            self._table(node)
        elif isinstance(node, nodes.literal_block | nodes.doctest_block | nodes.line_block):
            self._add(node.astext().strip("\n"), node)
        elif isinstance(node, nodes.system_message):
            for literal in node.findall(nodes.literal_block):
                self._misread(literal.astext(), node)
        elif isinstance(node, kinds):
            return
        elif isinstance(node, nodes.comment | nodes.raw | nodes.docinfo) or (
            isinstance(node, nodes.topic) and "contents" in node["classes"]
        ):
            self._writer.leave_out(node.astext())
        elif isinstance(node, nodes.image):
            self._add(description(node.get("alt")), node)
        elif isinstance(node, nodes.TextElement):
            parts = (
                raised(one.astext()) if isinstance(one, nodes.superscript) else one.astext()
                for one in node.children
            )
            self._add(" ".join("".join(parts).split()), node)
        else:
            self.write(node, depth)

    def _misread(self, text: str, node: nodes.Node) -> None:
        """What docutils does not know what to do with: a heading of a wrong level, perhaps."""
        if _UNSEEN.match(text):
            self._writer.leave_out(text)
            return
        lines = (line for line in text.split("\n") if not _RULE.fullmatch(line.strip()))
        self._add("\n".join(lines), node)

    def _add(self, text: str, node: nodes.Node) -> None:
        self._writer.add(" ".join(filter(None, (*self._before, text))), _line(node))
        self._before.clear()

    def _table(self, table: Any) -> None:
        from docutils import nodes

        rows, head = [], 0
        for title in table.children:
            if isinstance(title, nodes.title):
                self._add(title.astext(), title)
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
        self._writer.add_table(rows, head=head)


def _line(node: Any) -> int | None:
    while node is not None:
        if getattr(node, "line", None):
            return int(node.line)
        node = node.parent
    return None
