"""Collects what parsers read: paragraphs under their headings, with exact offsets."""

from __future__ import annotations

import re
from collections.abc import Sequence

from index.parsers.grid import Cell, row_texts
from index.parsers.title import FIRST, title_of
from index.records import Block

DEEPEST = 9  # levels of headings
_HALF = re.compile("[\ud800-\udfff]")


class Writer:
    """Collects the visible text, its blocks set apart by blank lines, under their headings."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.headings: list[str] = []  # all of them, in order
        self.left_out = 0  # characters that were seen and are not kept
        self.item = False  # the paragraph that is added next is an item of a list
        self._above: list[str] = []  # _above[level - 1]; "" where a level was left out
        self._place: tuple[int | None, int | None] = (None, None)
        self._bare = False  # nothing stands below the last heading yet
        self._parts: list[str] = []
        self._length = 0

    @property
    def first_heading(self) -> str:
        """The first heading, or nothing."""
        return self.headings[0] if self.headings else ""

    def title(self, document_id: str, heading: str | None = None) -> str:
        """What the document is called where its file does not say.

        ``heading`` is the one that may be its title, by default the first.
        """
        paragraphs = self._parts[: 2 * FIRST : 2]  # blank lines stand between them
        heading = self.first_heading if heading is None else heading
        return title_of(document_id, paragraphs, heading, self.headings)

    def begin_section(
        self, level: int, heading: str, line: int | None = None, page: int | None = None
    ) -> None:
        """A heading; ``level`` 1 is the outermost, ``DEEPEST`` the last that is told apart."""
        level = max(1, min(level, DEEPEST))
        heading = whole(heading)
        if level <= len(self._above):
            self.end_section()
        above = self._above[: level - 1]
        self._above = [*above, *[""] * (level - 1 - len(above)), heading]
        self.headings.append(heading)
        self._bare, self._place = True, (line, page)

    def end_section(self) -> None:
        """Keep a heading that no block has above it as a paragraph."""
        if self._bare:
            self._bare = False
            item, self.item = self.item, False
            self.add(self._above.pop(), *self._place)
            self.item = item

    def close_sections(self, level: int) -> None:
        """End the sections below a level: what follows does not belong to them."""
        self.end_section()
        self._above = self._above[:level]

    def add(self, text: str, line: int | None = None, page: int | None = None) -> None:
        """A paragraph; one without visible characters is left out."""
        text = whole(text).strip()
        if not text:
            return
        self._bare, item, self.item = False, self.item, False
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        path = tuple(heading for heading in self._above if heading)
        self.blocks.append(Block(self._length, self._length + len(text), path, line, page, item))
        self._parts.append(text)
        self._length += len(text)

    def leave_out(self, text: str) -> None:
        """Count a text that is seen in the file and not kept, such as navigation."""
        self.left_out += len(" ".join(text.split()))

    def text(self) -> str:
        """All paragraphs, set apart by blank lines: what the blocks' offsets are into."""
        return "".join(self._parts)

    def add_table(
        self, rows: Sequence[Sequence[Cell]], *, head: int = 1, page: int | None = None
    ) -> None:
        """A paragraph for each row, with the names of the columns from the first ``head`` rows."""
        for _, text in row_texts(rows, head):
            self.add(text, page=page)


def whole(text: str) -> str:
    """A text whose halves of characters are put together; one that stands alone is U+FFFD.

    Nothing could be stored that has any.
    """
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def row_text(columns: Sequence[str], cells: Sequence[str]) -> str:
    """A table row that stands on its own: ``Country: France; Ships: 5``."""
    pairs = zip(columns, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)
