"""What the styles and lists of a Word document say of its paragraphs: headings and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from index.parsers.numerals import numeral

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading ?(\d)$", re.IGNORECASE)
_FORMATS = {
    "lowerLetter": "a",
    "upperLetter": "A",
    "lowerRoman": "i",
    "upperRoman": "I",
    "decimalZero": "01",
}
LEVELS = 9


@dataclass(frozen=True, slots=True)
class _Level:
    """How the items of one level of a list are numbered: ``text`` is a pattern, ``%1.%2)``."""

    format: str
    text: str
    start: int
    style: str
    legal: bool


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: list[int | None] = field(default_factory=lambda: [None] * LEVELS)


class Styles:
    """Names, heading levels and numbers of paragraphs; numbers are counted as they are asked for.

    ``styles`` and ``numbering`` are the roots of these parts, or ``None``.
    """

    def __init__(self, styles: Any, numbering: Any) -> None:
        found = () if styles is None else styles.iter(f"{_W}style")
        self._styles = {style.get(f"{_W}styleId"): style for style in found}
        self._default = next(
            (
                name
                for name, style in self._styles.items()
                if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default") == "1"
            ),
            None,
        )
        self._lists: dict[str, _List] = {}
        self._numbers: dict[str, tuple[_List, dict[int, int]]] = {}
        if numbering is not None:
            self._read(numbering)

    def name(self, paragraph: Any) -> str:
        """The name of a paragraph's style, or what stands for it."""
        names = (_value(style, "name") for style in self._chain(paragraph))
        return next(names, "") or _value(paragraph.find(f"{_W}pPr"), "pStyle")

    def heading(self, paragraph: Any) -> int:
        """The level of a heading, from 1; 0 for other paragraphs."""
        for owner in (paragraph, *self._chain(paragraph)):
            level = _number(_value(owner.find(f"{_W}pPr"), "outlineLvl"), -1)
            if level >= 0:
                return level + 1 if level < LEVELS else 0
            if found := _HEADING.search(_value(owner, "name")):
                return int(found[1])
        found = _HEADING.fullmatch(self.name(paragraph))
        return int(found[1]) if found else 0

    def mark(self, paragraph: Any) -> str:
        """The number that a reader sees before a paragraph, ``2.1`` or ``a)``; it is counted."""
        number, level, style = self._numbering(paragraph)
        if number not in self._numbers:
            return ""
        counted, starts = self._numbers[number]
        levels = counted.levels
        named = (one for one in levels if style and levels[one].style == style)
        place = _number(level, -1)
        return _counted(counted, starts, place if place >= 0 else next(named, 0))

    def listed(self, paragraph: Any) -> bool:
        """Whether a paragraph is an item of a list, with a number or without."""
        return self._numbering(paragraph)[0] in self._numbers

    def _numbering(self, paragraph: Any) -> tuple[str, str, str]:
        """The list of a paragraph, its level, and the style that puts it there, if any."""
        number = level = style = ""
        for owner in (paragraph, *self._chain(paragraph)):
            found = owner.find(f"{_W}pPr/{_W}numPr")
            number = number or _value(found, "numId")
            level = level or _value(found, "ilvl")
            if number:
                style = owner.get(f"{_W}styleId") or ""
                break
        return number, level, style

    def _chain(self, paragraph: Any) -> Iterator[Any]:
        own = paragraph.find(f"{_W}pPr")
        name = None if own is None else _value(own, "pStyle")
        name = name or self._default
        seen = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            yield self._styles[name]
            name = _value(self._styles[name], "basedOn")

    def _read(self, numbering: Any) -> None:
        linked = {}  # the name of a style: its list
        links = {}
        for one in numbering.iter(f"{_W}abstractNum"):
            name = one.get(f"{_W}abstractNumId")
            self._lists[name] = made = _List(dict(_levels(one)))
            linked[_value(one, "styleLink")] = made
            links[name] = _value(one, "numStyleLink")
        for one in numbering.iter(f"{_W}num"):
            name = _value(one, "abstractNumId")
            found = (linked.get(links[name]) if links.get(name) else None) or self._lists.get(name)
            if found is None:
                continue
            starts = {}
            for override in one.iter(f"{_W}lvlOverride"):
                place = _number(override.get(f"{_W}ilvl"), 0)
                start = _number(_value(override, "startOverride"), -1)
                if start >= 0:
                    starts[place] = start
            if replaced := dict(_levels(one)):
                found = _List(found.levels | replaced, found.counts)
            self._numbers[one.get(f"{_W}numId")] = found, starts


def _levels(element: Any) -> Iterator[tuple[int, _Level]]:
    for level in element.iter(f"{_W}lvl"):
        place = _number(level.get(f"{_W}ilvl"), 0)
        if place < LEVELS:
            legal = level.find(f"{_W}isLgl") is not None
            start = _number(_value(level, "start"), 1)
            kind, text, style = (_value(level, name) for name in ("numFmt", "lvlText", "pStyle"))
            yield place, _Level(kind or "decimal", text, start, style, legal)


def _counted(one: _List, starts: dict[int, int], place: int) -> str:
    """The next number of a list at a level."""
    level = one.levels.get(place)
    if level is None:
        return ""
    before = one.counts[place]
    if place in starts:  # a list that begins anew, once
        one.counts[place] = starts.pop(place)
    else:
        one.counts[place] = level.start if before is None else before + 1
    one.counts[place + 1 :] = [None] * (LEVELS - place - 1)
    if level.format == "bullet":
        return ""
    text = level.text
    for above in range(place + 1):
        if f"%{above + 1}" not in text:
            continue
        outer = one.levels.get(above, level)
        count = one.counts[above]
        kind = "decimal" if level.legal and above < place else outer.format
        shown = numeral(outer.start if count is None else count, _FORMATS.get(kind, "1"))
        text = text.replace(f"%{above + 1}", "" if kind == "none" else shown)
    return text.strip()


def _value(element: Any, name: str) -> str:
    found = None if element is None else element.find(f"{_W}{name}")
    return "" if found is None else found.get(f"{_W}val") or ""


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and value.isascii() and value.isdecimal() else otherwise
