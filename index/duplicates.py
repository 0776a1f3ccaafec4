"""Which passages say what one before them said, so that it is indexed once.

In the same words, or in nearly the same ones: a letter that was misread by OCR, mistyped or is
spelt otherwise. Candidates come from MinHash (Broder, *On the resemblance and containment of
documents*, 1997), and their words are compared one by one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from index.records import Passage

TELLING = 60
"""Letters from which on a passage says the same wherever it stands."""

ALIKE = 0.8
"""Share of their words that candidates have in common."""

HASHES, BANDS = (
    32,
    8,
)  # 512 bytes a passage; of pairs that have .87 in common 999 in 1,000 are found

MISREAD = 20
"""Of so many words one may be misread."""

LONG = 5
"""Letters of a word from which on one that is misread is still the same word."""

MEANT = frozenset(
    "could would should these those there where their three third fifth sixth sixty seven seventh "
    "seventy eight eighth eighty ninth ninety forty fourth after later legal lower higher".split()
)
"""Words that are a letter away from another one, and are not taken for misread."""

_WORD = re.compile(r"\w+")


class Duplicates:
    """Remembers what passages say. ``words_of`` gives the text of one by its row."""

    def __init__(self, text_of: Callable[[int], str]) -> None:
        self._text_of = text_of
        self._same: dict[bytes, int] = {}
        # By the number of sentences: a copy borrows their vectors, so it must have as many.
        self._near: dict[int, Any] = {}

    def row_of(self, passage: Passage, row: int) -> int:
        """The row of a passage before that says the same, or ``row``, which it then is to have."""
        letters = letters_of(passage.text)
        if len(letters) < TELLING:
            return row
        sentences = len(passage.sentences)
        content = f"{sentences}\0{letters}".encode("utf-8", "surrogatepass")
        key = hashlib.sha256(content).digest()[:16]
        if key not in self._same:
            self._same[key] = self._alike(passage.text, sentences, row)
        return self._same[key]

    def _alike(self, text: str, sentences: int, row: int) -> int:
        from rensa import RMinHash, RMinHashLSH

        if sentences not in self._near:
            self._near[sentences] = RMinHashLSH(ALIKE, HASHES, BANDS)
        words = _words(text)
        sketch = RMinHash(HASHES, 0)
        sketch.update(words)
        for other in sorted(self._near[sentences].query(sketch)):
            if nearly_the_same(words, _words(self._text_of(other))):
                return int(other)
        self._near[sentences].insert(row, sketch)
        return row


def letters_of(text: str) -> str:
    """What is left of a text without case, punctuation, white space and hyphens."""
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def nearly_the_same(words: list[str], others: list[str]) -> bool:
    """Whether two texts have the same words but for a few that are misread.

    Names and numbers, what begins with a capital or holds a digit, must be the same, and so must
    short words: ``not`` and ``now`` differ in a letter, too.
    """
    if len(words) != len(others):
        return False
    differing = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    if len(differing) > 1 + len(words) // MISREAD:
        return False
    return all(_misread(one, other) for one, other in differing)


def _misread(word: str, other: str) -> bool:
    if not (word.isalpha() and other.isalpha() and word.islower() and other.islower()):
        return word.casefold() == other.casefold()
    if min(len(word), len(other)) < LONG or word in MEANT or other in MEANT:
        return False
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
