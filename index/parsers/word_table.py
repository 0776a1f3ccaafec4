"""Tables of Word documents: a text for each row, with the names of its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from index.parsers.diagram import is_copy
from index.parsers.grid import WIDEST, Cell, guessed_head, row_texts
from index.parsers.word_text import W, is_on


def rows_of(table: Any) -> list[Any]:
    """The rows of a table, not those of tables inside it, nor deleted ones."""
    return [
        row
        for row in table.iter(f"{W}tr")
        if belongs(row, table) and row.find(f"{W}trPr/{W}del") is None
    ]


def is_frame(table: Any) -> bool:
    """Whether a table has one column and no head: it only frames what stands in it."""
    rows = rows_of(table)
    return not any(_names(row) for row in rows) and all(
        sum(1 for cell in row.iter(f"{W}tc") if belongs(cell, table)) < 2 for row in rows
    )


def belongs(element: Any, table: Any) -> bool:
    """Whether an element is of this table, and not of another one inside it."""
    return next(element.iterancestors(f"{W}tbl"), None) is table


def texts_of(table: Any, text_of: Callable[[Any], str]) -> Iterator[tuple[str, list[Any]]]:
    """The text of each row and the tables inside its cells; ``text_of`` reads a paragraph."""
    rows: list[list[Cell]] = []
    inner: list[list[Any]] = []
    head = 0
    reaching: dict[int, tuple[int, int]] = {}  # column: row and position of a cell that goes on
    for row in rows_of(table):
        if head == len(rows) and _names(row):
            head += 1
        before = _number(row.find(f"{W}trPr/{W}gridBefore"), 0)
        cells = [Cell("", before)] if before else []
        column = before
        for cell in row.iter(f"{W}tc"):
            if not belongs(cell, table):
                continue
            across = _number(cell.find(f"{W}tcPr/{W}gridSpan"), 1)
            merge = cell.find(f"{W}tcPr/{W}vMerge")
            if merge is None or merge.get(f"{W}val") == "restart" or column not in reaching:
                reaching.pop(column, None)
                if merge is not None:
                    reaching[column] = len(rows), len(cells)
                cells.append(Cell(_cell(cell, table, text_of), across))
            else:
                first, place = reaching[column]
                above = rows[first][place]
                rows[first][place] = replace(above, down=len(rows) - first + 1)
            column += across
        inner.append(
            [one for one in row.iter(f"{W}tbl") if belongs(one, table) and not is_copy(one)]
        )
        rows.append(cells)
    texts = dict(row_texts(rows, head or guessed_head(rows)))
    for number, tables in enumerate(inner):
        yield texts.get(number, ""), tables


def _cell(cell: Any, table: Any, text_of: Callable[[Any], str]) -> str:
    texts = (
        text_of(found)
        for found in cell.iter(f"{W}p")
        if belongs(found, table) and not is_copy(found)
    )
    return " ".join(filter(None, texts))


def _names(row: Any) -> bool:
    return is_on(row.find(f"{W}trPr/{W}tblHeader"))


def _number(element: Any, otherwise: int) -> int:
    value = "" if element is None else element.get(f"{W}val") or ""
    return min(int(value), WIDEST) if value.isascii() and value.isdecimal() else otherwise
