"""The body of an OpenDocument text: paragraphs, lists, tables, and what is drawn beside them."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any

from index.errors import ParseError
from index.parsers.archive import read, xml
from index.parsers.author import description
from index.parsers.grid import WIDEST, Cell, guessed_head, row_texts
from index.parsers.numerals import formula, raised
from index.parsers.odt_lists import Level, levels_of, mark, raised_styles, whole
from index.parsers.writer import Writer

OASIS = "urn:oasis:names:tc:opendocument:xmlns"
TEXT = f"{{{OASIS}:text:1.0}}"
_TABLE = f"{{{OASIS}:table:1.0}}"
_DRAW = f"{{{OASIS}:drawing:1.0}}"
_SVG = f"{{{OASIS}:svg-compatible:1.0}}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_SPANS = ("columns", "rows")
LEFT_OUT = frozenset(
    (
        f"{TEXT}tracked-changes",
        f"{TEXT}sequence-decls",
        f"{TEXT}table-of-content",
        f"{TEXT}ruby-text",
        f"{{{OASIS}:office:1.0}}annotation",
    )
)
PARAGRAPHS = (f"{TEXT}p", f"{TEXT}h")


class Body:
    """Writes the paragraphs of a text, whose lists count as they are read."""

    def __init__(self, archive: zipfile.ZipFile, roots: list[Any], writer: Writer) -> None:
        self._archive = archive
        self._writer = writer
        self._levels = levels_of(roots)
        self._raised = raised_styles(roots)
        self._counted: dict[tuple[str, int], int] = {}  # style and level: the last item's number
        self._headings: list[int] = []
        self._mark = ""  # the number of an item whose first paragraph is still to come

    def write(self, element: Any, style: str = "", above: tuple[int, ...] = ()) -> None:
        """Add what stands in an element, which may be in a list with a ``style``."""
        for child in element:
            if child.tag in LEFT_OUT:
                continue
            if child.tag == f"{TEXT}h":
                self._heading(child)
            elif child.tag == f"{TEXT}p":
                text = self.of(child)
                self._writer.add(f"{self._taken()} {text}" if text else "")
            elif child.tag == f"{_TABLE}table":
                self._table(child)
            elif child.tag == f"{TEXT}list":
                self._list(child, child.get(f"{TEXT}style-name") or style, above)
            else:
                self._drawn(child)
                self.write(child, style, above)
                continue
            for part in _apart(child):
                self._drawn(part)
                self.write(part)

    def of(self, element: Any) -> str:
        """The text of a paragraph, without what is drawn in it and its notes."""
        parts = [element.text or ""]
        for child in element:
            if child.tag == f"{TEXT}s":
                parts.append(" " * min(whole(child.get(f"{TEXT}c"), 1), 100))
            elif child.tag == f"{TEXT}tab":
                parts.append("\t")
            elif child.tag == f"{TEXT}line-break":
                parts.append("\n")
            elif child.tag == f"{_DRAW}frame":
                parts.append(self._formula(child))
            elif isinstance(child.tag, str) and child.tag not in LEFT_OUT and not _is_apart(child):
                text = self.of(child)
                is_raised = child.get(f"{TEXT}style-name") in self._raised
                parts.append(raised(text) if is_raised else text)
            parts.append(child.tail or "")
        text = "".join(parts)
        return text.strip() if element.tag in PARAGRAPHS else text

    def _heading(self, element: Any) -> None:
        heading = " ".join(self.of(element).split())
        if not heading:
            return
        level = max(1, min(whole(element.get(f"{TEXT}outline-level"), 1), 10))
        number = self._taken()
        if not number and element.get(f"{TEXT}is-list-header") != "true":
            outline = self._levels.get("", {})
            starts = [outline.get(place, Level()).start for place in range(1, level + 1)]
            counts = [*self._headings[:level], *starts[len(self._headings) :]]
            if level <= len(self._headings):
                counts[-1] += 1
            self._headings = counts
            number = mark(outline, counts)
        self._writer.begin_section(level, f"{number} {heading}".strip())

    def _list(self, element: Any, style: str, above: tuple[int, ...]) -> None:
        """The items of a list, each after its number."""
        key = style, len(above) + 1
        levels = self._levels.get(style, {}) if style else {}
        start = levels.get(key[1], Level()).start - 1
        goes_on = element.get(f"{TEXT}continue-numbering") == "true"
        goes_on = goes_on or element.get(f"{TEXT}continue-list") is not None
        count = self._counted.get(key, start) if goes_on else start
        for item in element:
            if item.tag == f"{TEXT}list-item":
                count = whole(item.get(f"{TEXT}start-value"), count + 1)
                self._mark = f"{self._mark} {mark(levels, (*above, count))}".strip()
                self._writer.item = True
                self.write(item, style, (*above, count))
                self._writer.item, self._mark = False, ""
            elif isinstance(item.tag, str):
                self.write(item, style, above)
        self._counted[key] = count

    def _taken(self) -> str:
        taken, self._mark = self._mark, ""
        return taken

    def _table(self, table: Any) -> None:
        """A paragraph for each row; tables inside its cells follow it."""
        heads = next(_inside(table, f"{_TABLE}table-header-rows"), ())
        all_cells = [
            (row, list(_inside(row, f"{_TABLE}table-cell")))
            for row in _inside(table, f"{_TABLE}table-row")
        ]
        if not len(heads) and all(_width(cells) < 2 for _, cells in all_cells):
            for _, cells in all_cells:  # it only frames what stands in it
                for cell in cells:
                    self.write(cell)
            return
        rows: list[list[Cell]] = []
        inner: list[list[Any]] = []
        for _, found in all_cells:
            cells, apart = [], []
            for cell in found:
                paragraphs = list(_inside(cell, *PARAGRAPHS))
                text = " ".join(filter(None, map(self.of, paragraphs)))
                spans = (_number(cell, f"{_TABLE}number-{name}-spanned") for name in _SPANS)
                cells += [Cell(text, *spans)] * _number(cell, f"{_TABLE}number-columns-repeated")
                apart += [cell, *paragraphs]
            while cells and not cells[-1].text:
                cells.pop()  # those to the right of a table are repeated by the thousand
            rows.append(cells)
            inner.append(apart)
        texts = dict(row_texts(rows, len(heads) or guessed_head(rows)))
        for number, elements in enumerate(inner):
            self._writer.add(texts.get(number, ""))
            for element in elements:
                if element.tag in PARAGRAPHS:
                    parts = _apart(element)
                else:
                    parts = _inside(element, f"{_TABLE}table", f"{_DRAW}frame")
                for part in parts:
                    if part.tag == f"{_TABLE}table":
                        self._table(part)
                    else:
                        self._drawn(part)
                        self.write(part)

    def _drawn(self, element: Any) -> None:
        """What describes a picture, and the rows of a chart."""
        for tag in ("title", "desc"):
            self._writer.add(description(element.findtext(f"{_SVG}{tag}")))
        root = self._object(element)
        if root is not None and (chart := next(root.iter("{*}chart"), None)) is not None:
            for title in chart.iter("{*}title"):
                self._writer.add(" ".join(map(self.of, title.iter(f"{TEXT}p"))))
            for table in chart.iter(f"{_TABLE}table"):
                self._table(table)

    def _formula(self, frame: Any) -> str:
        root = self._object(frame)
        return _linear(root) if root is not None and root.tag.endswith("}math") else ""

    def _object(self, frame: Any) -> Any:
        """The root of what another program put into a frame, if that is in the file."""
        found = frame.find(f"{_DRAW}object") if frame.tag == f"{_DRAW}frame" else None
        if found is None:
            return None
        inside = next((one for one in found if isinstance(one.tag, str)), None)
        name = posixpath.normpath(found.get(_LINK) or "") + "/content.xml"
        try:
            return xml(read(self._archive, name)) if inside is None else inside
        except ParseError:
            return None


def _linear(element: Any) -> str:
    name = element.tag.rpartition("}")[2]
    if name.startswith("annotation"):
        return ""
    inner = [_linear(one) for one in element if isinstance(one.tag, str)]
    return formula(name, [(element.text or "").strip(), *inner])


def _is_apart(element: Any) -> bool:
    """Whether an element follows the paragraph that it stands in: a note, or a drawing."""
    return element.tag == f"{TEXT}note" or str(element.tag).startswith(_DRAW)


def _apart(element: Any) -> Iterator[Any]:
    """The notes and drawings in an element, not those in one another."""
    for child in element:
        if not isinstance(child.tag, str) or child.tag in LEFT_OUT:
            continue
        if _is_apart(child) and child.tag != f"{_DRAW}a":
            yield child
        elif child.tag != f"{_TABLE}table":
            yield from _apart(child)


def _inside(element: Any, *tags: str) -> Iterator[Any]:
    """The elements with some tags, in order, but for those in tables and drawings inside."""
    for child in element:
        if child.tag in tags:
            yield child
        elif (
            isinstance(child.tag, str)
            and child.tag != f"{_TABLE}table"
            and child.tag not in LEFT_OUT
            and not _is_apart(child)
        ):
            yield from _inside(child, *tags)


def _width(cells: list[Any]) -> int:
    return sum(_number(cell, f"{_TABLE}number-columns-repeated") for cell in cells)


def _number(element: Any, name: str) -> int:
    return min(whole(element.get(name), 1), WIDEST)
