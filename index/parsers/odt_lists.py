"""What the styles of an OpenDocument text say: how items are numbered, and what is raised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from index.parsers.numerals import numeral

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"


@dataclass(frozen=True, slots=True)
class Level:
    """How the items of one level are numbered; ``shown`` is how many levels a number has."""

    format: str = ""
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1


def levels_of(roots: Iterable[Any]) -> dict[str, dict[int, Level]]:
    """The levels of each style of lists by its name; of headings, whose style is ``""``."""
    found: dict[str, dict[int, Level]] = {}
    for root in roots:
        for style in root.iter(f"{_TEXT}list-style", f"{_TEXT}outline-style"):
            is_list = style.tag.endswith("list-style")
            levels = found.setdefault(style.get(f"{_STYLE}name") or "" if is_list else "", {})
            for one in style:
                if isinstance(one.tag, str):
                    levels[whole(one.get(f"{_TEXT}level"), 1)] = Level(
                        one.get(f"{_STYLE}num-format") or "",
                        one.get(f"{_STYLE}num-prefix") or "",
                        one.get(f"{_STYLE}num-suffix") or "",
                        whole(one.get(f"{_TEXT}start-value"), 1),
                        whole(one.get(f"{_TEXT}display-levels"), 1),
                    )
    return found


def raised_styles(roots: Iterable[Any]) -> set[str]:
    """The names of the styles that raise letters."""
    return {
        style.get(f"{_STYLE}name") or ""
        for root in roots
        for style in root.iter(f"{_STYLE}style")
        for properties in style.iter(f"{_STYLE}text-properties")
        if (properties.get(f"{_STYLE}text-position") or "").startswith("super")
    }


def mark(levels: dict[int, Level], counts: Sequence[int]) -> str:
    """The number of an item, whose counts are given from the outermost level on."""
    level = levels.get(len(counts), Level())
    if not level.format:
        return ""
    first = max(0, len(counts) - level.shown)
    shown = [
        numeral(count, levels.get(place, level).format)
        for place, count in enumerate(counts[first:], start=first + 1)
        if levels.get(place, level).format
    ]
    return f"{level.before}{'.'.join(shown)}{level.after}".strip()


def whole(value: str | None, otherwise: int) -> int:
    """A whole number of an attribute, if it has one that can be."""
    return (
        int(value)
        if value and value.isascii() and value.isdecimal() and len(value) < 10
        else otherwise
    )
