"""From a question and its hits to the sentences that answer, with a calibrated confidence.

The reader chooses among sentences that stand in the hits; it never writes one. It has no model of
its own: it weighs how close a sentence is in meaning, how many of the question's telling words it
has, and how good its passage is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.lexical import LexicalIndex, terms_of
from index.records import Hit, Span

QUESTION_WORDS = frozenset(
    terms_of(
        "what which who whom whose when where why how many much do does did can could should would "
        "have has had been were any some name"
    )
)
"""Terms that say what kind of answer is wanted, not what it is about."""


@dataclass(frozen=True, slots=True)
class SentenceWeights:
    """Shares of what makes a sentence the answer; tuned on the ``tune`` questions."""

    passage: float = 1.0
    meaning: float = 0.5
    words: float = 0.8


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic model of the confidence, and where its words begin.

    Fitted by ``python -m benchmarks.calibrate`` on ``tune`` questions of ``squad-open``, each
    asked with and without its article in the corpus, over corpora of several sizes.
    """

    meaning: float = 14.0
    words: float = 4.2
    dense: float = -6.7
    bias: float = -7.5
    strong: float = 0.65
    partial: float = 0.45
    weak: float = 0.25


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence of a hit as an answer: ``span`` are offsets into the passage's text."""

    hit: Hit
    span: Span
    score: float
    meaning: float
    words: float


def read(
    query: str, hits: Sequence[Hit], lexical: LexicalIndex, weights: SentenceWeights | None = None
) -> list[Reading]:
    """All sentences of the hits, the likeliest answer first.

    ``meaning`` is the sentence's cosine to the question; ``words`` the share, weighted by inverse
    document frequency, of the question's words that the sentence or the headings above it have,
    in 0..1.
    """
    weights = weights or SentenceWeights()
    terms = list(dict.fromkeys(terms_of(query)))
    terms = [term for term in terms if term not in QUESTION_WORDS] or terms
    importance = dict(zip(terms, lexical.weight(terms).tolist(), strict=True))
    total = sum(importance.values()) or 1.0
    readings = []
    for hit in hits:
        around = set(terms_of(" ".join((hit.passage.title, *hit.passage.headings))))
        for span, meaning in zip(hit.passage.sentences, hit.sentence_scores, strict=True):
            present = around | set(terms_of(hit.passage.text[slice(*span)]))
            words = sum(share for term, share in importance.items() if term in present) / total
            score = weights.passage * hit.score + weights.meaning * meaning + weights.words * words
            readings.append(Reading(hit, span, score, meaning, words))
    return sorted(readings, key=lambda reading: -reading.score)


def features(best: Reading) -> tuple[float, ...]:
    """What the confidence is judged by, in the order of ``Calibration``'s weights."""
    return (best.meaning, best.words, best.hit.dense.score)


def confidence(best: Reading, calibration: Calibration) -> float:
    """The probability, in 0..1, that the sentence ``best`` answers the question."""
    model = calibration
    weights = (model.meaning, model.words, model.dense)
    logit = model.bias + sum(
        weight * value for weight, value in zip(weights, features(best), strict=True)
    )
    return 1 / (1 + math.exp(-logit))
