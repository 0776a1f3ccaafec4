"""BM25 over title, headings and body, stemmed; bm25s does the counting.

The fields are weighed as in BM25F: a word of a heavy field counts as several words of the body.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexDamagedError

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

ANALYZER = "english-snowball-2"
"""Changes whenever the same passage would give other terms."""

_WORD = re.compile(r"\w+")
# The words that carry no topic: Lucene's list.
_STOP_WORDS = frozenset(
    (
        "a an and are as at be but by for if in into is it no not of on or such "
        "that the their then there these they this to was will with"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Fields:
    """What of a passage is searched for words."""

    title: str
    headings: str
    body: str


@lru_cache(maxsize=50_000)
def term_of(word: str) -> str:
    """The term that a lower-case word counts as: its stem (Snowball English)."""
    stem: str = _stemmer().stemWord(word)
    return stem


def words_of(text: str) -> list[tuple[str, str]]:
    """The different words of a text in order, ``(word, term)``; stop words are left out."""
    words = {word: word.lower() for word in _WORD.findall(text)}
    return [(word, term_of(low)) for word, low in words.items() if low not in _STOP_WORDS]


def terms_of(text: str) -> list[str]:
    """The terms of a text in order: lower case, without stop words, stemmed."""
    return [term_of(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def stems_of(text: str) -> list[str]:
    """Like ``terms_of``, stop words included."""
    return [term_of(word) for word in _WORD.findall(text.lower())]


@cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english", 0)  # keeps no words itself


class LexicalIndex:
    """BM25 scores of all passages for a query. Row *i* is passage *i*."""

    def __init__(self, bm25: Any, size: int) -> None:
        self._bm25 = bm25
        self._size = size

    @classmethod
    def from_fields(
        cls, passages: Iterable[Fields], *, title_weight: int = 1, headings_weight: int = 1
    ) -> LexicalIndex:
        """Index passages, in row order; a weight is how often a field's words are counted.

        ``k1 = 0.9`` and ``b = 0.4`` did best on the ``tune`` questions of ``squad-open``, as they
        do on most collections (Trotman et al., *Improvements to BM25 and Language Models
        Examined*, 2014).
        """
        import bm25s

        terms = _Terms()
        for fields in passages:
            heavy = [(fields.title, title_weight), (fields.headings, headings_weight)]
            terms.add([*heavy, (fields.body, 1)])
        bm25 = bm25s.BM25(k1=0.9, b=0.4)
        # bm25s cannot index a corpus without a single word; one empty term stands in for it.
        bm25.index(terms if terms.vocab else [[""] for _ in terms.ids], show_progress=False)
        return cls(bm25, len(terms.ids))

    @classmethod
    def load(cls, folder: Path, size: int, *, held: bool = False) -> LexicalIndex:
        """Open an index of ``size`` passages that ``save`` wrote, memory-mapped unless ``held``.

        Raises:
            IndexDamagedError: a file is missing or unreadable.
        """
        import bm25s

        try:
            return cls(bm25s.BM25.load(str(folder), mmap=not held, show_progress=False), size)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise IndexDamagedError(
                f"'{folder.name}' is no readable BM25 index. Run: python -m app build"
            ) from error

    def save(self, folder: Path) -> None:
        """Write the index as NumPy and JSON files into a folder."""
        self._bm25.save(str(folder), show_progress=False)

    def __len__(self) -> int:
        return self._size

    def scores(self, query: str) -> Floats:
        """The BM25 score of every passage, ``(n,)``; zeros where no word is shared."""
        known = [term for term in terms_of(query) if term in self._bm25.vocab_dict]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        scores: Floats = self._bm25.get_scores(known)
        return scores

    def weight(self, terms: Sequence[str]) -> Floats:
        """How telling each term is: its inverse document frequency ``ln(1 + (n-f+.5)/(f+.5))``.

        A term that no passage has weighs most: a question about it can hardly be answered here.
        """
        frequency = np.array([self._frequency(term) for term in terms], dtype=np.float32)
        return np.log1p((self._size - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)

    def _frequency(self, term: str) -> int:
        number = self._bm25.vocab_dict.get(term)
        if number is None:
            return 0
        bounds = self._bm25.scores["indptr"]
        return int(bounds[number + 1] - bounds[number])


def top(scores: Floats, k: int) -> Rows:
    """The rows of the ``k`` highest scores above zero, best first, ties by row."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > k:
        rows = rows[np.argpartition(-scores[rows], k - 1)[:k]]
    order = np.lexsort((rows, -scores[rows]))
    return rows[order].astype(np.int64)


class _Terms:
    """The terms of all passages as numbers, in the form in which bm25s takes them.

    Four bytes for each word of the corpus, and each different word is stemmed only once.
    """

    def __init__(self) -> None:
        self.vocab: dict[str, int] = {}
        self.ids = _Rows()
        self._words: dict[str, int | None] = dict.fromkeys(_STOP_WORDS)

    def add(self, fields: Sequence[tuple[str, int]]) -> None:
        """Append a passage: its texts, and how often the words of each count."""
        for text, weight in fields:
            numbers = [self._number(word) for word in _WORD.findall(text.lower())]
            self.ids.extend([number for number in numbers if number is not None] * weight)
        self.ids.end_row()

    def _number(self, word: str) -> int | None:
        try:
            return self._words[word]
        except KeyError:
            number = self._words[word] = self.vocab.setdefault(term_of(word), len(self.vocab))
            return number


class _Rows(Sequence[Any]):
    """Rows of numbers in one flat array; one row at a time becomes a list."""

    def __init__(self) -> None:
        self._numbers = array("i")
        self._ends = array("q", [0])

    def extend(self, numbers: Sequence[int]) -> None:
        self._numbers.extend(numbers)

    def end_row(self) -> None:
        self._ends.append(len(self._numbers))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: Any) -> Any:
        if not 0 <= row < len(self):
            raise IndexError(row)
        return self._numbers[self._ends[row] : self._ends[row + 1]].tolist()
