"""Where lines stand on pages: their order, notes in the margin, and running headers.

Columns are read one after the other, a table row by row. Lines have no meaning here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

MARGIN = 0.13  # of the page's height, at its top and at its bottom, where headers and footers are
EDGE = 0.06  # of the page's width, at its sides, where printers leave their marks
RUNNING = 3  # pages that a line must stand on to be a header or footer
CUT = "\u00ad"  # at the end of a line: the word goes on in the next one

_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points from the page's lower left corner."""


@dataclass(slots=True)
class Line:
    """Words side by side. ``words`` are offsets into ``text`` and their left and right edges."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool
    words: list[tuple[int, int, float, float]] = field(default_factory=list)

    def add(self, word: str, left: float, bottom: float, right: float, top: float) -> None:
        """Append a word, with a space before it if it is not the first."""
        start = len(self.text) + 1 if self.text else 0
        self.text = f"{self.text} {word}" if self.text else word
        self.words.append((start, start + len(word), left, right))
        self.right = max(self.right, right)
        self.bottom, self.top = min(self.bottom, bottom), max(self.top, top)


@dataclass(slots=True)
class Page:
    """The lines of a page, its size in points, and the notes in its margin."""

    number: int
    width: float
    height: float
    lines: list[Line]
    notes: list[Line] = field(default_factory=list)

    def order(self) -> None:
        """Put the lines in reading order, those of notes aside."""
        self.lines, self.notes = _parted(self.lines)
        self.lines, self.notes = ordered(self.lines), ordered(self.notes)


def ordered(lines: list[Line]) -> list[Line]:
    """Lines in reading order: columns one after the other, else rows from the top."""
    if len(lines) < 2:
        return lines
    gutter = _gutter(lines)
    if gutter is None:
        return _rows(lines)
    found: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.top):
        if line.left < gutter < line.right:
            found += [*ordered(left), *ordered(right), line]
            left, right = [], []
        else:
            (left if line.right <= gutter else right).append(line)
    return [*found, *ordered(left), *ordered(right)]


def _parted(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The text of a page, and what stands in smaller letters beside it, in the margin."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[line.size] += len(line.text)
    usual = letters.most_common(1)[0][0] if letters else 0.0
    body = [line for line in lines if abs(line.size - usual) < 0.05 * usual and len(line.text) > 30]
    if len(body) < 8:
        return lines, []
    left, right = min(line.left for line in body), max(line.right for line in body)
    parts: tuple[list[Line], list[Line]] = [], []
    for line in lines:
        beside = line.right < left or line.left > right
        parts[beside and line.size < 0.9 * usual].append(line)
    return parts


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where a page's text falls apart into columns; few lines may reach across."""
    long = [line for line in lines if len(line.text) >= 15]
    if len(long) < 8:
        return None
    begin, end = min(line.left for line in long), max(line.right for line in long)
    best: tuple[int, float, float] | None = None
    for x in sorted({line.left for line in long}):
        if not begin + 0.15 * (end - begin) < x < begin + 0.85 * (end - begin):
            continue
        before = [line for line in long if line.right < x]
        after = [line for line in long if line.left >= x - 1]
        across = len(long) - len(before) - len(after)
        if min(len(before), len(after)) < 4 or across > len(long) // 4:
            continue
        edge = max(line.right for line in before)
        if not _filled(before) or not _filled(after) or not _beside(before, after):
            continue
        if best is None or across < best[0]:
            best = across, edge, x
    return None if best is None else (best[1] + best[2]) / 2


def _filled(lines: Sequence[Line]) -> bool:
    """Whether lines run to a common edge, as those of a column do and cells of a table do not."""
    begin, end = min(line.left for line in lines), max(line.right for line in lines)
    return median(line.right - line.left for line in lines) > 0.6 * (end - begin)


def _beside(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether two columns stand beside each other for most of their height."""
    low = max(min(line.bottom for line in side) for side in (before, after))
    high = min(max(line.top for line in side) for side in (before, after))
    heights = [
        max(line.top for line in side) - min(line.bottom for line in side)
        for side in (before, after)
    ]
    return high - low > 0.5 * min(heights)


def _rows(lines: list[Line]) -> list[Line]:
    """From the top; what stands at one height from left to right, as one line."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -(line.top + line.bottom)):
        first = rows[-1][0] if rows else None
        if first is not None and first.bottom < (line.top + line.bottom) / 2 < first.top:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_merged(sorted(row, key=lambda line: line.left)) for row in rows]


def _merged(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    first = row[0]
    whole = Line("", first.left, first.left, first.bottom, first.top, first.size, first.bold)
    for line in row:
        for start, end, left, right in line.words:
            whole.add(line.text[start:end], left, line.bottom, right, line.top)
    return whole


def drop_running(pages: Sequence[Page]) -> int:
    """Leave out lines that stand at the edge of several pages, and page numbers.

    Returns how many characters that are.
    """
    seen: Counter[tuple[bool, str]] = Counter()
    for page in pages:
        seen.update({_running_key(page, line) for line in page.lines if _in_margin(page, line)})
    left_out = 0
    for page in pages:
        running, numbers = [], []
        for line in page.lines:
            if not _in_margin(page, line):
                continue
            if seen[_running_key(page, line)] >= RUNNING:
                running.append(line)
            elif len(pages) > 1 and _is_number(line):
                numbers.append(line)
        apart = {id(line) for line in running + numbers}
        rest = [line for line in page.lines if id(line) not in apart]
        # A number beside other text is a cell of a table.
        cells = {id(line) for line in numbers if any(_is_beside(line, one) for one in rest)}
        left_out += sum(len(line.text) for line in running + numbers if id(line) not in cells)
        page.lines = [line for line in page.lines if id(line) not in apart - cells]
    return left_out


def _is_number(line: Line) -> bool:
    return not _LETTER.search(_NUMBER.sub("", line.text))


def _is_beside(line: Line, other: Line) -> bool:
    return line.bottom < (other.bottom + other.top) / 2 < line.top


def _in_margin(page: Page, line: Line) -> bool:
    middle = (line.bottom + line.top) / 2
    return (
        not MARGIN * page.height <= middle <= (1 - MARGIN) * page.height
        or line.right < EDGE * page.width
        or line.left > (1 - EDGE) * page.width
    )


def _running_key(page: Page, line: Line) -> tuple[bool, str]:
    return line.bottom > page.height / 2, _NUMBER.sub("#", line.text)
