"""Where lines stand on pages: their order, and what stands beside the text.

Columns are read one after the other, a table row by row. Lines have no meaning here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

CUT = "\u00ad"  # at the end of a line: the word goes on in the next one

_BACKWARDS = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_ENDS_CUT = re.compile(r"\w[-\u2010\u00ad]$")

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


@dataclass(slots=True)
class Line:
    """Words side by side, set apart by one space each; ``edges`` are their left and right ones.

    ``turn`` counts the quarters by which the line was turned clockwise to be read, and is ``None``
    where it stands askew. ``cells`` are the edges of the parts that a row is made of.
    """

    text: str
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool
    edges: list[float] = field(default_factory=list)
    turn: int | None = 0
    cells: tuple[tuple[float, float], ...] = ()

    def add(self, word: str, left: float, bottom: float, right: float, top: float) -> None:
        """Append a word, with a space before it if it is not the first."""
        self.text = f"{self.text} {word}" if self.text else word
        self.edges += left, right
        self.left, self.right = min(self.left, left), max(self.right, right)
        self.bottom, self.top = min(self.bottom, bottom), max(self.top, top)

    def words(self) -> Iterator[tuple[str, float, float]]:
        """Each word with its edges."""
        return zip(self.text.split(" "), self.edges[::2], self.edges[1::2], strict=True)

    def move(self, x: float, y: float) -> None:
        """Set it elsewhere on the page."""
        if x or y:
            self.left, self.right = self.left + x, self.right + x
            self.bottom, self.top = self.bottom + y, self.top + y
            self.edges = [edge + x for edge in self.edges]


@dataclass(slots=True)
class Page:
    """The lines of a page, its size in points, and the notes in its margin.

    Places are in points from the lower left ``corner`` of the page as it is read, which may be
    ``turn`` quarters clockwise from its own space. Lines ``across`` stand otherwise, at their own
    turn, and have places in the page's own space as it lies after that. ``left_out`` counts the
    characters of it that are not shown; of an ``unreadable`` page nobody can tell what they are.
    """

    number: int
    width: float
    height: float
    lines: list[Line]
    notes: list[Line] = field(default_factory=list)
    turn: int = 0
    corner: tuple[float, float] = (0.0, 0.0)
    across: list[Line] = field(default_factory=list)
    left_out: int = 0
    unreadable: bool = False

    def order(self) -> None:
        """Put the lines in reading order, those of notes aside."""
        self.lines, self.notes = _parted(_with_initials(self.lines))
        self.lines, self.notes = ordered(self.lines), [*ordered(self.notes), *self.across]

    def place(self, line: Line, left: float, right: float) -> Box:
        """The box of a part of a line in the page's own space."""
        x, y = (0.0, 0.0) if any(line is one for one in self.across) else self.corner
        box = left + x, line.bottom + y, right + x, line.top + y
        return unturned(box, line.turn or 0)


def turned(box: Box, quarters: int | None) -> Box:
    """A box after its page was turned clockwise, about the page's origin."""
    left, bottom, right, top = box
    if quarters == 1:
        return bottom, -right, top, -left
    if quarters == 2:
        return -right, -top, -left, -bottom
    if quarters == 3:
        return -top, left, -bottom, right
    return box


def unturned(box: Box, quarters: int) -> Box:
    """A box as it was before its page was turned clockwise."""
    return turned(box, (4 - quarters) % 4)


def is_column(one: tuple[float, float], other: tuple[float, float], size: float) -> bool:
    """Whether two cells, by their left and right edges, share one of these, or the middle."""
    (a, b), (c, d) = one, other
    return min(abs(a - c), abs(b - d), abs(a + b - c - d) / 2) < 0.3 * size


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
    backwards = _is_backwards(lines)

    def columns() -> list[Line]:
        first, second = (right, left) if backwards else (left, right)
        return [*ordered(first), *ordered(second)]

    for line in sorted(lines, key=lambda line: -line.top):
        if line.left < gutter < line.right:
            found += [*columns(), line]
            left, right = [], []
        else:
            (left if line.right <= gutter else right).append(line)
    return [*found, *columns()]


def _is_backwards(lines: Sequence[Line]) -> bool:
    """Whether most of the text is read from the right to the left."""
    found = sum(not line.text.isascii() and bool(_BACKWARDS.search(line.text)) for line in lines)
    return 2 * found > len(lines)


def _with_initials(lines: list[Line]) -> list[Line]:
    """Lines whose large initial, which reaches over several of them, stands before its word."""
    large = 1.8 * median(line.size for line in lines) if lines else 0.0
    initials = [one for one in lines if one.size > large and len(one.text) == 1]
    for initial in initials:
        beside = [
            line
            for line in lines
            if line.size < initial.size / 1.8
            and initial.text.isupper()
            and -1 < line.left - initial.right < 1.5 * line.size
            and initial.bottom < (line.bottom + line.top) / 2 < initial.top + 0.6 * line.size
        ]
        if len(beside) < 2:
            continue
        first = max(beside, key=lambda line: line.top)
        word = first.text.partition(" ")[0]
        own = initial.text in "AIO" and any(
            f" {word} " in f" {line.text} " for line in lines if line is not first
        )
        first.text = f"{initial.text} {first.text}" if own else initial.text + first.text
        if own:
            first.edges = [initial.left, initial.right, *first.edges]
        else:
            first.edges[0] = initial.left
        first.left = initial.left
        lines = [line for line in lines if line is not initial]
    return lines


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


def _gutter(lines: Sequence[Line], depth: int = 2) -> float | None:
    """Where a page's text falls apart into columns, which may fall apart again.

    Few runs of lines, titles and pictures' captions, may reach across.
    """
    long = sorted((line for line in lines if len(line.text) >= 15), key=lambda line: -line.top)
    if len(long) < 8:
        return None
    begin, end = min(line.left for line in long), max(line.right for line in long)
    best: tuple[int, float, float] | None = None
    for x in sorted({line.left for line in long}):
        if not begin + 0.15 * (end - begin) < x < begin + 0.85 * (end - begin):
            continue
        after = [line for line in long if line.left >= x - 1]
        if len(after) < 4:
            continue
        low, high = min(line.bottom for line in after), max(line.top for line in after)
        beside = [line for line in long if low < (line.bottom + line.top) / 2 < high]
        before = [line for line in beside if line.right < x]
        if len(before) < 4 or not _beside(before, after):
            continue
        lies_across = [line.right >= x > line.left + 1 for line in beside]
        runs = sum(now and not was for was, now in pairwise([False, *lies_across]))
        if runs > (len(before) + len(after)) // 8 and sum(lies_across) > len(beside) // 4:
            continue
        edge = max(line.right for line in before)
        if (best is None or sum(lies_across) < best[0]) and all(
            _filled(side) or (depth > 0 and _gutter(side, depth - 1) is not None)
            for side in (before, after)
        ):
            best = sum(lies_across), edge, x
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
    backwards = _is_backwards(lines)
    found: list[Line] = []
    waiting: list[list[Line]] = []
    for row, below in pairwise([*rows, []]):
        waiting.append(row)
        if not _is_cut(row, below):
            found += _cells(waiting) if len(waiting) > 1 else [_merged(row, backwards)]
            waiting = []
    return found


def _is_cut(row: list[Line], below: list[Line]) -> bool:
    """Whether a cell of a row, and not its last one, ends in a word that goes on below."""
    if len(row) < 2:
        return False
    last = max(row, key=lambda line: line.right)
    return any(
        line is not last
        and _ENDS_CUT.search(line.text)
        and any(abs(one.left - line.left) < line.size and one.text[:1].islower() for one in below)
        for line in row
    )


def _cells(rows: list[list[Line]]) -> list[Line]:
    """The lines of rows, cell by cell: those that stand below each other one after the other."""
    columns: list[list[Line]] = []
    for line in sorted((line for row in rows for line in row), key=lambda line: line.left):
        if columns and line.left < max(one.right for one in columns[-1]):
            columns[-1].append(line)
        else:
            columns.append([line])
    return [line for column in columns for line in sorted(column, key=lambda line: -line.top)]


def _merged(row: list[Line], backwards: bool) -> Line:
    if len(row) == 1:
        return row[0]
    row = sorted(row, key=lambda line: -line.right if backwards else line.left)
    size = max(row, key=lambda line: len(line.text)).size
    return Line(
        " ".join(line.text for line in row),
        min(line.left for line in row),
        max(line.right for line in row),
        min(line.bottom for line in row),
        max(line.top for line in row),
        size,
        all(line.bold for line in row),
        [edge for line in row for edge in line.edges],
        row[0].turn,
        tuple((line.left, line.right) for line in row),
    )
