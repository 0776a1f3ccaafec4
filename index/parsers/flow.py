"""From lines in reading order to paragraphs and headings.

A paragraph goes on over lines, columns and pages; words cut at the end of a line are mended.
Headings are told by their size and weight, and where they are numbered by capitals alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.parsers.hyphens import Hyphens
from index.parsers.layout import CUT, Line, Page, is_column
from index.parsers.writer import Writer

LEADING = 1.35  # of the usual distance of lines: a wider one sets paragraphs apart
LARGER = 1.15  # than the usual letters are those of headings
FULL = 0.12  # of its width the last line of a page may lack, and still be full
LONGEST_HEADING = 160  # characters
NUMBERED = 3  # levels of numbered headings

_BULLET = re.compile(
    r"(?:[•▪●○■◦‣➢✓❖□–—*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]|(?:\d+\.)+\d*)\s"
)
_LISTED = re.compile(r"(?:\.{4}|(?:\. ){3}).*\d$")  # an item of a table of contents
_SECTION = re.compile(
    r"""
    (?: (?:SEC(?:TION)?|ART(?:ICLE)?|CHAPTER|PART|TITLE|ANNEX|APPENDIX|ENCLOSURE)\b\.?\s?(?=\S+\s)
      | §+\s?
      | (?=\S+[.):—–]\s)  # a number that stands alone has a sign behind it
    )
    ( (?:\d{1,4}[A-Z]?\.)* \d{1,4}[A-Z]? | [IVXL]{1,6} | [A-Z] ) [.):—–]? \s+
    (\D+)
    """,
    re.VERBOSE,
)
_END = re.compile(r"[.!?:;][\"'”’)\]]*$")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together; ``page`` is the one it begins on, ``last`` where it ends."""

    page: int
    lines: list[Line]
    last: int = 0

    def __post_init__(self) -> None:
        self.last = self.last or self.page


def write(pages: Sequence[Page], writer: Writer) -> None:
    """Add the paragraphs of pages, whose lines are in reading order, under their headings.

    Notes in the margin follow the last paragraph that begins on their page.
    """
    hyphens = Hyphens(line.text for page in pages for line in page.lines)

    def text_of(paragraph: Paragraph) -> str:
        return hyphens.joined([line.text for line in paragraph.lines])

    paragraphs = list(_joined(_paragraphs([(page.number, page.lines) for page in pages])))
    notes = list(_paragraphs([(page.number, page.notes) for page in pages]))
    levels = _Levels(paragraphs)
    for paragraph in paragraphs:
        while notes and notes[0].page < paragraph.page:
            note = notes.pop(0)
            writer.add(text_of(note), page=note.page)
        text = text_of(paragraph)
        if level := levels.of(paragraph, text):
            writer.begin_section(level, text, page=paragraph.page)
        else:
            writer.add(text, page=paragraph.page)
    for note in notes:
        writer.add(text_of(note), page=note.page)
    writer.end_section()


def _paragraphs(pages: Sequence[tuple[int, list[Line]]]) -> Iterator[Paragraph]:
    letters: Counter[float] = Counter()
    for _, lines in pages:
        for line in lines:
            letters[line.size] += len(line.text)
    usual = letters.most_common(1)[0][0] if letters else 0.0
    for number, lines in pages:
        if not lines:
            continue
        gaps = [
            above.bottom - below.bottom
            for above, below in pairwise(lines)
            if 0 < above.bottom - below.bottom < 4 * above.size
        ]
        leading = sorted(gaps)[len(gaps) // 3] if gaps else 0.0
        current = Paragraph(number, [lines[0]])
        for above, below in pairwise(lines):
            if _goes_on(current, above, below, leading, usual):
                current.lines.append(below)
            else:
                yield current
                current = Paragraph(number, [below])
        yield current


def _goes_on(paragraph: Paragraph, above: Line, below: Line, leading: float, usual: float) -> bool:
    if above.text.endswith(CUT):
        return True
    larger, smaller = max(above.size, below.size), min(above.size, below.size)
    if larger > 1.12 * smaller or (above.bold != below.bold and _end_of(above)):
        return False
    if _BULLET.match(below.text) or _LISTED.search(above.text) or _is_row(above, below):
        return False
    if above is paragraph.lines[0] and not below.text.isupper() and _depth(paragraph, above.text):
        return False
    drop = above.bottom - below.bottom
    if smaller > LARGER * usual and 0 < drop < 1.6 * above.size:
        return True  # a long heading
    if drop < 0 or drop > 4 * above.size:  # the next column
        return not _END.search(above.text) and not _heads(paragraph)
    if drop > LEADING * leading and drop > 1.25 * above.size:
        return False
    width = max(line.right for line in paragraph.lines) - min(line.left for line in paragraph.lines)
    ends = _END.search(above.text) is not None
    if ends and below.left - min(line.left for line in paragraph.lines[-3:]) > 0.8 * below.size:
        return False  # indented
    return not (ends and above.right < above.left + 0.75 * max(width, below.right - below.left))


def _is_row(above: Line, below: Line) -> bool:
    """Whether two lines are rows of a table: two of their cells share an edge, or the middle."""
    shared = sum(
        any(is_column(one, other, above.size) for other in below.cells) for one in above.cells
    )
    return shared > 1


def _end_of(line: Line) -> bool:
    return len(line.text) < LONGEST_HEADING


def _heads(paragraph: Paragraph) -> bool:
    return paragraph.lines[0].bold and len(paragraph.lines) == 1


def _joined(paragraphs: Iterator[Paragraph]) -> Iterator[Paragraph]:
    """Paragraphs that go on past the end of a page as one, before what stands between: notes."""
    waiting: list[Paragraph] = []
    for paragraph in paragraphs:
        # What stands first may be a title, with all of the page below it as if in notes.
        ended = [one for one in (*waiting[:1], *waiting[-1:]) if _continues(one, paragraph)]
        if ended:
            ended[0].lines += paragraph.lines
            ended[0].last = paragraph.last
            continue
        if waiting and not _is_note(waiting[0], paragraph):
            yield from waiting
            waiting = []
        waiting.append(paragraph)
    yield from waiting


def _is_note(before: Paragraph, after: Paragraph) -> bool:
    """Whether a paragraph may stand between the parts of another that is not yet at its end."""
    last = before.lines[-1]
    return (
        before.last == after.page
        and not _END.search(last.text)
        and after.lines[0].size < 0.95 * last.size
    )


def _continues(before: Paragraph, after: Paragraph) -> bool:
    last, first = before.lines[-1], after.lines[0]
    same = abs(last.size - first.size) < 0.5 and last.bold == first.bold
    cut = last.text.endswith((CUT, "-", "\u2010"))
    open_end = not _END.search(last.text) and (first.text[:1].islower() or _is_full(before, after))
    return before.last != after.page and same and (cut or open_end)


def _is_full(before: Paragraph, after: Paragraph) -> bool:
    """Whether a paragraph fills its last line, so that a name or a capital may follow it."""
    edge = max(line.right for line in before.lines)
    last, first = before.lines[-1], after.lines[0]
    return (
        len(before.lines) > 2
        and edge - last.right < FULL * (edge - last.left)
        and abs(first.left - min(line.left for line in before.lines)) < 4 * last.size
        and first.text[:1].isalpha()
        and max(len(last.cells), len(first.cells)) < 2
        and not _BULLET.match(first.text)
        and _END.search(after.lines[-1].text) is not None
    )


def _style(paragraph: Paragraph) -> tuple[float, bool]:
    line = paragraph.lines[0]
    return round(2 * line.size) / 2, line.bold


class _Levels:
    """Tells headings and their levels: those in large or bold letters, and numbered capitals.

    Of the former, the styles that stand above the first numbered one are above all such.
    """

    def __init__(self, paragraphs: Sequence[Paragraph]) -> None:
        self._by_style = _levels(paragraphs)
        lines = [line.text for paragraph in paragraphs for line in paragraph.lines]
        large = sum(sum(map(str.isupper, line)) for line in lines)
        small = sum(sum(map(str.islower, line)) for line in lines)
        self._in_capitals = large > small  # and so these tell nothing
        self._above = 0
        self._numbered = self._begun = False

    def of(self, paragraph: Paragraph, text: str) -> int:
        """The level of a paragraph as a heading, or 0; to be asked of each in turn."""
        level = self._by_style.get(_style(paragraph), 0) if _may_head(paragraph, text) else 0
        depth = 0 if level or self._in_capitals else _depth(paragraph, text)
        if not level and not depth:
            self._begun |= self._numbered
            return 0
        self._numbered = not level
        if depth:
            return self._above + depth
        if not self._begun:
            self._above = max(self._above, level)
        return level if level <= self._above else level + NUMBERED


def _levels(paragraphs: Sequence[Paragraph]) -> dict[tuple[float, bool], int]:
    """The level of each style that heads others, the largest first; at most six."""
    letters: Counter[tuple[float, bool]] = Counter()
    for paragraph in paragraphs:
        letters[_style(paragraph)] += sum(len(line.text) for line in paragraph.lines)
    if not letters:
        return {}
    size, bold = letters.most_common(1)[0][0]
    heads = sorted(
        (
            style
            for style in letters
            if style[0] > LARGER * size or (style[1] and not bold and style[0] >= 0.95 * size)
        ),
        reverse=True,
    )
    return {style: min(level, 6) for level, style in enumerate(heads, start=1)}


def _depth(paragraph: Paragraph, text: str) -> int:
    """How deep a numbered heading in capitals is: 2 for ``2.1. SCOPE``, 0 for what is none."""
    if not text.isupper() or len(text) > LONGEST_HEADING or len(paragraph.lines) > 3:
        return 0
    found = _SECTION.fullmatch(text) if len(paragraph.lines[0].cells) < 2 else None
    if not found or len(_LETTER.findall(found[2])) < 4:
        return 0
    return min(1 + found[1].count("."), NUMBERED)


def _may_head(paragraph: Paragraph, text: str) -> bool:
    return (
        len(text) <= LONGEST_HEADING
        and len(paragraph.lines) <= 3
        and len(paragraph.lines[0].cells) < 3
        and not text.endswith((".", ",", ";"))
        and len(_LETTER.findall(text)) >= 3
    )
