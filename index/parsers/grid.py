"""Tables with merged cells: each row as a text that stands on its own.

A merged cell's text stands once, but where it heads rows, at their left, in each of them. Names of
columns are those of the head's cells above; a cell as wide as the table has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_VALUE = re.compile(
    r"[-+(]?[$€£¥]?\s?[-+]?[\d.,' ]*\d[\d.,' ]*\)?\s?[%€$£¥]?"
    r"|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ].*)?|\d{1,2}:\d\d(?::\d\d)?"
)
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d")
WIDEST = 1000  # columns; a page may claim that a cell spans millions


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, and how many columns and rows it spans."""

    text: str
    across: int = 1
    down: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A cell as one row has it: its first column, and whether it began in a row above."""

    text: str
    start: int
    end: int
    continued: bool = False


def row_texts(rows: Sequence[Sequence[Cell]], head: int = 1) -> Iterator[tuple[int, str]]:
    """The number of each row, from 0, that has a text, and the text: ``Country: France; Ships: 5``.

    ``head`` is how many of the first rows name the columns; rows that their cells reach down to do
    so, too.
    """
    grid = list(_placed(rows))
    width = max((row[-1].end for row in grid if row), default=0)
    filled = [
        number
        for number, row in enumerate(grid)
        if any(place.text for place in row if not place.continued)
    ]
    while head and len(filled) > 1 and len(grid[filled[0]]) == 1 < width == grid[filled[0]][0].end:
        yield filled[0], grid[filled[0]][0].text  # the table's title
        filled, head = filled[1:], max(head - 1, 1)
    if head and filled:
        head = max(head, _depth(rows[filled[0]]))
    names: list[str] = []
    if 0 < head < len(filled):
        names = _names([grid[number] for number in filled[:head]])
        heads, filled = filled[:head], filled[head:]
        shown = {column for number in filled for column in _named(grid[number], names)}
        if any(name and column not in shown for column, name in enumerate(names)):
            for number in heads:  # a name that no row has would be lost
                yield number, _text(grid[number], (), width)
    for number in filled:
        yield number, _text(grid[number], names, width)


def guessed_head(rows: Sequence[Sequence[Cell]]) -> int:
    """How many rows name the columns of a table that does not say so: one or none."""
    filled = [[" ".join(cell.text.split()) for cell in row] for row in rows]
    filled = [row for row in filled if sum(map(bool, row)) > 1]
    if not filled or not is_head(filled[0]):
        return 0
    pairs = sum(len(row) == 2 and row[0].endswith(":") for row in filled)
    return int(2 * pairs < len(filled))


def is_head(cells: Sequence[str]) -> bool:
    """Whether a first row names columns: all different, none long, none a value but for years."""
    named = [cell for cell in cells if cell]
    if len(named) < 2 or len(named) > len(set(named)) or max(map(len, named)) > 80:
        return False
    values = [cell for cell in named if _VALUE.fullmatch(cell)]
    are_years = len(values) > 1 and all(map(_YEAR.fullmatch, values))
    return not values or (are_years and cells[0] not in values)


def _placed(rows: Iterable[Sequence[Cell]]) -> Iterator[list[Place]]:
    """Each row's cells from left to right, those that began above among them."""
    reaching: list[tuple[int, Place]] = []  # the row after a cell's last one
    for number, row in enumerate(rows):
        reaching = [(end, place) for end, place in reaching if end > number]
        places = [replace(place, continued=True) for _, place in reaching]
        taken = {column for place in places for column in range(place.start, place.end)}
        column = 0
        for cell in row:
            while column in taken:
                column += 1
            column = min(column, WIDEST - 1)  # what is further out stands in the last one
            end = column + max(1, min(cell.across, WIDEST - column))
            place = Place(" ".join(cell.text.split()), column, end)
            places.append(place)
            if cell.down > 1:
                reaching.append((number + cell.down, place))
            column = end
        yield sorted(places, key=lambda place: place.start)


def _depth(row: Sequence[Cell]) -> int:
    """How many rows a head has: one, unless it has cells side by side under a wide one."""
    return max(cell.down for cell in row) if any(cell.across > 1 for cell in row) else 1


def _names(head: Sequence[Sequence[Place]]) -> list[str]:
    """The name of each column: what stands in the head above it, from the top."""
    names: list[list[str]] = [[] for _ in range(max(row[-1].end for row in head))]
    for row in head:
        for place in row:
            for column in range(place.start, place.end):
                if place.text and place.text not in names[column]:
                    names[column].append(place.text)
    return [" ".join(name) for name in names]


def _shown(row: Sequence[Place]) -> Iterator[Place]:
    """The cells that stand in a row's text: its own, and those at the left that began above."""
    heading = True  # so far all cells began above
    for place in row:
        if not place.continued or heading:
            yield place
        heading = heading and place.continued


def _named(row: Sequence[Place], names: Sequence[str]) -> set[int]:
    """The columns whose names stand in a row's text."""
    if row[-1].end > len(names):
        return set()
    shown = (place for place in _shown(row) if place.text)
    return {column for place in shown for column in range(place.start, place.end)}


def _text(row: Sequence[Place], names: Sequence[str], width: int) -> str:
    fits = row[-1].end <= len(names)
    parts = []
    for place in _shown(row):
        wide = place.end - place.start == width > 1
        name = ""
        if fits and not wide:
            name = ", ".join(dict.fromkeys(filter(None, names[place.start : place.end])))
        if place.text:
            parts.append(f"{name}: {place.text}" if name else place.text)
    joined = "; ".join(parts)
    return joined if names else joined.replace(":; ", ": ")  # "Port:" names what stands beside it
