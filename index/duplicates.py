"""Which passages say what one before them said, so that it is indexed once.

In the same words, or in nearly the same ones: a letter that was misread by OCR, mistyped or is
spelt otherwise. Names, numbers, short words, and how many words there are, must be the same:
``not`` and ``now`` differ in a letter, too.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable

from index.records import Passage

TELLING = 60
"""Letters from which on a passage says the same wherever it stands."""

MISREAD = 20
"""Of so many words one may be misread."""

LONG = 5
"""Letters of a word from which on one that is misread is still the same word."""

MEANT = frozenset(
    "could would should these those there where their three third fifth sixth sixty seven seventh "
    "seventy eight eighth eighty ninth ninety forty fourth after later legal lower higher".split()
)
"""Words that are a letter away from another one, and are not taken for misread."""

COMPARED = 8
"""Passages that one is compared with at most, of those that may be nearly the same."""

_WORD = re.compile(r"\w+")


class Duplicates:
    """Remembers what passages say. ``text_of`` gives the text of one by its row."""

    def __init__(self, text_of: Callable[[int], str]) -> None:
        self._text_of = text_of
        self._same: dict[bytes, int] = {}
        self._near: dict[bytes, list[int]] = {}

    def row_of(self, passage: Passage, row: int) -> int:
        """The row of a passage before that says the same, or ``row``, which it then is to have."""
        words = _words(passage.text)
        letters = "".join(words).casefold()
        if len(letters) < TELLING:
            return row
        # A copy borrows the vectors of sentences, so it must have as many of them.
        sentences = str(len(passage.sentences))
        key = _digest(sentences, letters)
        if key not in self._same:
            self._same[key] = self._nearly(words, sentences, row)
        return self._same[key]

    def _nearly(self, words: list[str], sentences: str, row: int) -> int:
        must_be = ("" if _may_be_misread(word) else word for word in words)
        rows = self._near.setdefault(_digest(sentences, *must_be), [])
        for other in rows:
            if _nearly_the_same(words, _words(self._text_of(other))):
                return other
        if len(rows) < COMPARED:
            rows.append(row)
        return row


def _nearly_the_same(words: list[str], others: list[str]) -> bool:
    """Whether texts that agree in all that must be the same differ in a few misread words only."""
    differing = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    few = len(differing) <= 1 + len(words) // MISREAD
    return few and all(_misread(one, other) for one, other in differing)


def _may_be_misread(word: str) -> bool:
    return len(word) >= LONG and word.isalpha() and word.islower() and word not in MEANT


def _misread(word: str, other: str) -> bool:
    ahead = _common(word, other)
    behind = _common(word[ahead:][::-1], other[ahead:][::-1])
    parts = {word[ahead : len(word) - behind], other[ahead : len(other) - behind]}
    if parts == {"rn", "m"}:
        return True
    # At an end of a word a letter makes another one: tables, required, illegal.
    return ahead > 0 and behind > 0 and sorted(map(len, parts)) in ([0, 1], [1, 1], [1, 2])


def _common(word: str, other: str) -> int:
    """How many letters two words begin with alike."""
    alike = zip(word, other, strict=False)
    return next(
        (place for place, (one, two) in enumerate(alike) if one != two), min(len(word), len(other))
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:16]
