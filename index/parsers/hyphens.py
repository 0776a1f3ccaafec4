"""Lines to a text: words that were cut at the end of a line are mended, others keep their hyphen.

What a document writes elsewhere decides; where it says nothing, what such words look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise

from index.parsers.layout import CUT

_HEAD = re.compile(r"(\w+(?:['’-]\w+)*)[-\u2010\u00ad]$")
_TAIL = re.compile(r"\w+(?:['’-]\w+)*")
_IDEOGRAPH = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_LEADER = re.compile(r"(?:\s?\.){4,}")
_MARKS = ".,;:!?()[]\"'“”‘’«»…"

# Words that begin compounds more often than words that could be cut behind them.
_FIRST = frozenset("all cross ex far full half hard high ill long low self short well".split())
_ENDINGS = frozenset("age al ed en er ers est ing ings ish ly ness ow ows way ways".split())
_JOINING = frozenset("and or to und oder bis et ou y o og och".split())


class Hyphens:
    """Joins lines, with the words of a document to tell compounds from words that were cut."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines

    @cached_property
    def _words(self) -> frozenset[str]:
        found = set(" ".join(self._lines).split())
        return frozenset(word.strip(_MARKS).lower().replace("\u2010", "-") for word in found)

    def joined(self, lines: list[str]) -> str:
        """Lines as one text."""
        if len(lines) == 1:
            return _plain(lines[0])
        parts = [part for before, after in pairwise(lines) for part in self._end_of(before, after)]
        return _plain("".join([*parts, lines[-1]]))

    def _end_of(self, before: str, after: str) -> tuple[str, str]:
        """A line without the hyphen that only cuts its last word, and what sets the next apart."""
        last = before[-1:]
        if last in ("-", "\u2010", CUT) and (head := _HEAD.search(before)):
            tail = _TAIL.match(after)
            if tail is None or tail[0].lower() in _JOINING:
                return before[:-1] + "-", " "
            return before[:-1], "-" if self._is_compound(head[1], tail[0]) else ""
        if last in ("\u2013", "\u2014", "/") and before[-2:-1].isalnum():
            return before, ""
        unspaced = _IDEOGRAPH.match(last) and _IDEOGRAPH.match(after)
        return before, "" if unspaced else " "

    def _is_compound(self, head: str, tail: str) -> bool:
        whole, compound = f"{head}{tail}".lower(), f"{head}-{tail}".lower()
        if (whole in self._words) != (compound in self._words):
            return compound in self._words
        if f"{head.rpartition('-')[2]}{tail}".lower() in self._words:
            return False
        if "-" in head or not head[-1].islower() or not tail[0].islower():
            # Words in capitals are cut as well: NAVI- GATION, but not Anglo- Norwegian.
            return "-" in head or not (head.isalpha() and head.isupper() and tail[:2].isupper())
        return head.lower() in _FIRST and tail not in _ENDINGS


def _plain(text: str) -> str:
    """A text without soft hyphens, and with one sign for the dots that lead to a number."""
    if CUT in text:
        text = text.replace(CUT, "")
    return _LEADER.sub(" …", text) if "...." in text or ". . . ." in text else text
