"""Tables of web pages: those that hold data, told from those that only place things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from index.parsers.grid import WIDEST, Cell, row_texts
from index.parsers.html_text import is_left_out, seen, visible
from index.parsers.writer import Writer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

_PARTS = ("thead", "tbody", "tfoot")


def rows_of(table: Node) -> list[Node]:
    """The rows of a table in the order of a page: not those of tables inside it."""
    rows: dict[str, list[Node]] = {"tbody": [], "tfoot": []}
    for child in table.iter():
        if child.tag == "tr":
            rows["tbody"].append(child)
        elif child.tag in _PARTS:
            of = "tfoot" if child.tag == "tfoot" else "tbody"
            rows[of].extend(row for row in child.iter() if row.tag == "tr")
    return rows["tbody"] + rows["tfoot"]


def cells_of(row: Node) -> Iterator[Node]:
    return (cell for cell in row.iter() if cell.tag in ("td", "th"))


def is_layout(table: Node) -> bool:
    """Whether a table only places things: what stands in it is no data in columns."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    cells = [list(cells_of(row)) for row in rows_of(table)]
    if any(cell.tag == "th" for row in cells for cell in row):
        return False
    inner = "table table, h1, h2, h3, h4, h5, h6"
    return max(map(len, cells), default=0) < 2 or table.css_first(inner) is not None


def is_head(row: Node, first: bool) -> bool:
    """Whether a row names columns."""
    inside = row.parent
    if inside is not None and inside.tag == "thead":
        return True
    cells = list(cells_of(row))
    filled = [cell for cell in cells if cell.text().strip()]
    if not filled or (len(filled) < len(cells) and (len(filled) < 2 or not first)):
        return False
    return all(cell.tag == "th" for cell in filled) or (
        first and len(filled) > 1 and all(map(_is_bold, filled))
    )


def _is_bold(cell: Node) -> bool:
    bold = cell.css_first("b, strong")
    return bold is not None and bold.text().strip() == cell.text().strip()


def texts_of(table: Node, writer: Writer) -> Iterator[tuple[str, list[Node]]]:
    """The text of each row and the tables in its cells; what is left out, the writer counts."""
    rows: list[list[Cell]] = []
    inner: list[list[Node]] = []
    head = 0
    beside = True  # names stand at the left, if anywhere
    for row in seen(rows_of(table), writer):
        if head == len(rows) and is_head(row, not rows):
            head += 1
        cells = seen(cells_of(row), writer)
        beside = beside and len(cells) == 2 and cells[0].tag == "th" != cells[1].tag
        rows.append([_cell(one, writer) for one in cells])
        inner.append([found for cell in cells for found in _tables(cell)])
    if beside:
        rows = [[Cell(f"{name.text.rstrip(':')}:"), value] for name, value in rows]
    texts = dict(row_texts(rows, head))
    for number, tables in enumerate(inner):
        yield texts.get(number, ""), tables


def _tables(cell: Node) -> Iterable[Node]:
    """The tables in a cell, not those in one another."""
    waiting = [cell]
    while waiting:
        for child in waiting.pop().iter():
            if is_left_out(child):
                continue
            if child.tag == "table":
                yield child
            else:
                waiting.append(child)


def _cell(cell: Node, writer: Writer) -> Cell:
    text = visible(cell, writer, tables=False)
    return Cell(text, _span(cell, "colspan"), _span(cell, "rowspan"))


def _span(cell: Node, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(int(value), WIDEST) if value.isascii() and value.isdecimal() else 1
