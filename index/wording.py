"""How much of a question's wording a text has: its telling words close together, and in order.

BM25 counts words wherever they stand in a passage. An answer has them in one sentence, and often
two of them side by side as they were asked. Imports nothing of how passages are found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeVar

from index.lexical import LexicalIndex, stems_of, terms_of

QUESTION_WORDS = frozenset(
    terms_of(
        "what which who whom whose when where why how many much do does did can could should would "
        "have has had been were any some name"
    )
)
"""Terms that say what kind of answer is wanted, not what it is about."""

Key = TypeVar("Key")

TOGETHER = 0.6
"""The share of the words that one sentence has; the others are of those side by side."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The telling terms of a question and its pairs of neighbouring words, each with its share.

    Shares are by inverse document frequency and add up to 1; a pair counts as much as the more
    telling of its words.
    """

    terms: dict[str, float]
    pairs: dict[tuple[str, str], float]

    @classmethod
    def of(cls, query: str, lexical: LexicalIndex) -> Wording:
        """That of a question, asked of the passages of an index."""
        terms = list(dict.fromkeys(terms_of(query)))
        terms = [term for term in terms if term not in QUESTION_WORDS] or terms
        weights = dict(zip(terms, lexical.weight(terms).tolist(), strict=True))
        pairs = {
            pair: max(weights.get(stem, 0.0) for stem in pair) for pair in pairwise(stems_of(query))
        }
        return cls(_shares(weights), _shares(pairs))

    def shared(self, stems: Collection[str]) -> float:
        """The share of the telling terms that are among the stems of a text, in 0..1."""
        return sum(share for term, share in self.terms.items() if term in stems)

    def __call__(self, title: str, sentences: Sequence[str]) -> float:
        """How much of the wording a passage under a title has, in 0..1.

        Of all sentences the one counts that has most of the telling terms, with those of the title.
        """
        above = stems_of(title)
        stems = [stems_of(sentence) for sentence in sentences]
        together = max((self.shared({*above, *each}) for each in stems), default=0.0)
        neighbours = {*pairwise(above), *pairwise(chain.from_iterable(stems))}
        ordered = sum(share for pair, share in self.pairs.items() if pair in neighbours)
        return TOGETHER * together + (1 - TOGETHER) * ordered


def _shares(weights: dict[Key, float]) -> dict[Key, float]:
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items() if weight}
