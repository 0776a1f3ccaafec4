"""Running headers, footers and page numbers: told by what stands at one place of several pages.

They stand at the outer edge of pages, alike on pages that follow each other but for numbers, which
stay or count with the pages. What only looks like that is text, and is kept.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.parsers.layout import Line, Page, is_column

MARGIN = 0.13  # of the page's height, at its top and at its bottom, where headers and footers are
NUMBERS = 0.2  # of it, where page numbers are
EDGE = 0.06  # of the page's width, at its sides, where printers leave their marks
RUNNING = 3  # pages that a line must stand on to be a header or footer
APART = 2  # pages at most from one to the next: left ones may differ from right ones
PLACE = 6.0  # points within which lines of several pages stand at one place
LARGER = 1.15  # than the usual letters are those of titles, whose numbers are their own

LONGEST_NUMBER = 40  # characters of a page's number, with what stands around it

_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_PAGE = re.compile(
    r"[\W_]*(?:(?:page|seite|p[aá]gina|sid[ae])\b[\W_]*)?(\d{1,5}|[ivxlc]{1,8})"
    r"(?:\s*(?:/|of|von|de)\s*\d{1,5})?[\W_]*",
    re.IGNORECASE,
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

_Name = tuple[object, ...]
"""What lines of several pages have in common."""

_Chains = dict[_Name, dict[int, int]]
"""For each name the pages that have it, and on how many that follow each other it stands."""


@dataclass(slots=True)
class _Mark:
    """A line near a side of a page, and how far from it.

    It runs if other pages have one of the names of each of its ``parts``. ``number`` is the name
    of what may be the page's number.
    """

    line: Line
    distance: float
    parts: list[list[_Name]]
    number: _Name | None


def drop_running(pages: Sequence[Page]) -> int:
    """Leave out headers, footers, printers' marks and page numbers.

    Returns how many characters that are.
    """
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            letters[line.size] += len(line.text)
    title = LARGER * letters.most_common(1)[0][0] if letters else 0.0
    edges = [(page, rows) for page in pages for rows in _edges(page, title)]
    chains = _chains(edges, len(pages))
    headed = _headed(edges, chains)
    left_out = 0
    for page, rows in edges:
        dropped: set[int] = set()
        for row, inner in pairwise([*rows, []]):
            if _heads_table(row, inner):
                break
            found = [mark for mark in row if _runs(page, mark, chains)]
            rest = [mark for mark in row if not _runs(page, mark, chains)]
            numbers = [mark for mark in rest if mark.number and _counts(page, mark, chains)]
            # A number beside other text is a cell's or a section's, unless it ends headers.
            if len(numbers) == len(rest) or any(mark.number in headed for mark in numbers):
                found = row
            if not found:
                break
            dropped |= {id(mark.line) for mark in found}
            left_out += sum(len(mark.line.text) for mark in found)
        if dropped:
            page.lines = [line for line in page.lines if id(line) not in dropped]
            page.across = [line for line in page.across if id(line) not in dropped]
    return left_out


def _edges(page: Page, title: float) -> Iterator[list[list[_Mark]]]:
    """The rows at the top and at the bottom of a page, each from the outside; and other lines."""
    sides: dict[str, list[_Mark]] = defaultdict(list)
    for line in page.lines:
        middle = (line.bottom + line.top) / 2
        side, distance = "bottom", middle
        if line.right < EDGE * page.width:
            side = "left"
        elif line.left > (1 - EDGE) * page.width:
            side = "right"
        elif middle > (1 - NUMBERS) * page.height:
            side, distance = "top", page.height - middle
        elif middle > NUMBERS * page.height:
            continue
        sides[side].append(_mark(page, side, distance, line, title))
    for line in page.across:
        sides["across"].append(_mark(page, "across", line.bottom, line, title))
    for side, marks in sides.items():
        if side in ("top", "bottom"):
            yield _rows(sorted(marks, key=lambda mark: mark.distance))
        else:
            yield from ([[mark]] for mark in marks)


def _rows(marks: list[_Mark]) -> list[list[_Mark]]:
    rows: list[list[_Mark]] = []
    for mark in marks:
        first = rows[-1][0].line if rows else mark.line
        if rows and first.bottom < (mark.line.bottom + mark.line.top) / 2 < first.top:
            rows[-1].append(mark)
        else:
            rows.append([mark])
    return rows


def _mark(page: Page, side: str, distance: float, line: Line, title: float) -> _Mark:
    if side in ("top", "bottom"):
        found = _PAGE.fullmatch(line.text) if len(line.text) < LONGEST_NUMBER else None
        if found:
            number = "page", side, _value(found[1]) - page.number
            return _Mark(line, distance, [], number)
        if distance > MARGIN * page.height:
            return _Mark(line, distance, [], None)
    masked = line.text if line.size > title and side != "across" else _NUMBER.sub("#", line.text)
    alike: _Name = (side, masked, round(distance / PLACE))
    numbers = _DIGITS.findall(line.text) if masked != line.text else []
    parts: list[list[_Name]] = [
        [(*alike, place, int(value)), (*alike, place, "+", int(value) - page.number)]
        for place, value in enumerate(numbers)
    ]
    return _Mark(line, distance, parts or [[alike]], None)


def _value(number: str) -> int:
    """A number in digits, or in Roman ones."""
    if number.isdigit():
        return int(number)
    values = [_ROMAN[letter] for letter in number.lower()]
    return sum(-a if a < b else a for a, b in pairwise([*values, 0]))


def _chains(edges: Sequence[tuple[Page, list[list[_Mark]]]], pages: int) -> _Chains:
    """For each name the pages that have it, with how many follow each other so."""
    seen: dict[_Name, list[int]] = defaultdict(list)
    for page, rows in edges:
        marks = [mark for row in rows for mark in row]
        names = {name for mark in marks for part in mark.parts for name in part}
        for name in names | {mark.number for mark in marks if mark.number}:
            seen[name].append(page.number)
    if pages == 1:
        seen["page", "bottom", 0] *= 2  # nothing else could prove it
    chains: _Chains = {}
    for name, numbers in seen.items():
        if len(numbers) < 2:
            continue
        breaks = [at for at, (a, b) in enumerate(pairwise(numbers), 1) if b - a > APART]
        parts = [numbers[a:b] for a, b in pairwise([0, *breaks, len(numbers)])]
        chains[name] = {number: len(part) for part in parts for number in part}
    return chains


def _runs(page: Page, mark: _Mark, chains: _Chains) -> bool:
    """Whether a line is a header or a footer, by the pages around; some of its numbers may be new.

    A time of day, for one, stays the same on some pages only.
    """
    known = sum(
        any(chains.get(name, {}).get(page.number, 0) >= RUNNING for name in part)
        for part in mark.parts
    )
    return 2 * known > len(mark.parts)


def _counts(page: Page, mark: _Mark, chains: _Chains) -> bool:
    """Whether a line is its page's number, by those of the pages around."""
    if mark.number is None:
        return False
    wanted = 2 if mark.distance < MARGIN * page.height else RUNNING
    return chains.get(mark.number, {}).get(page.number, 0) >= wanted


def _heads_table(row: Sequence[_Mark], inner: Sequence[_Mark]) -> bool:
    """Whether a row names the columns of a table, whose first cells stand further in."""
    cells = [(mark.line.left, mark.line.right) for mark in inner]
    return len(row) > 2 and all(
        any(is_column((mark.line.left, mark.line.right), cell, mark.line.size) for cell in cells)
        for mark in row
    )


def _headed(edges: Sequence[tuple[Page, list[list[_Mark]]]], chains: _Chains) -> set[_Name]:
    """The numbers that stand to the right of headers: those of sections stand to their left."""
    found: Counter[_Name] = Counter()
    for page, rows in edges:
        for row in rows:
            last = max(row, key=lambda mark: mark.line.right)
            if len(row) > 1 and last.number and _counts(page, last, chains):
                found[last.number] += 1
    return {name for name, times in found.items() if times >= 2}
