"""From a question and its hits to the sentences that answer, likeliest first.

The reader chooses among sentences that stand in the hits; it never writes one. It weighs how
close a sentence is in meaning, how many of the question's telling words it has, how good its
passage is and, where a network reads question and passage together, what that found.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.extractor import Judgement, Reader
from index.lexical import LexicalIndex, stems_of
from index.records import Evidence, Hit, Span
from index.wording import Wording

DEPTH = 10
"""Hits that are read at most."""

NEAR = 0.12
"""How far below the best hit's score one may be to be read: what is said of those further below
hardly ever brings them to the top."""

LEAST = 2
"""Hits that are read however far below."""

ROW = re.compile(r"^[^\n:]{1,80}: [^\n]+(?:\n|; )[^\n:]{1,80}: \S")
"""How a row of a table reads: its cells with the names of their columns."""

ROW_LACKS = 1.0
"""What a row loses where another one of its table has more of the question's words."""


@dataclass(frozen=True, slots=True)
class PassageWeights:
    """Shares of what makes a passage relevant where a network has read it.

    ``retrieval`` is of the hit's score, ``relevance`` of the network's. Where no passage seems to
    answer, the network knows little of what is asked: its share falls to ``doubted`` of itself.
    Tuned on the ``tune`` questions that the network was not trained on.
    """

    retrieval: float = 10.0
    relevance: float = 0.35
    doubted: float = 0.2


@dataclass(frozen=True, slots=True)
class SentenceWeights:
    """Shares of what makes a sentence the answer; tuned as those of passages are."""

    passage: float = 1.0
    span: float = 0.0
    meaning: float = 0.5
    shared: float = 0.8


ALONE = SentenceWeights()
READ = SentenceWeights(passage=1.0, span=0.1, meaning=2.0, shared=1.2)


# The passage's share is that without a network: ``rerank`` has multiplied the score.
RANKED = SentenceWeights(passage=1 / PassageWeights().retrieval)
"""Where a network has said how relevant passages are, and found no words in them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence of a hit as an answer: ``span`` are offsets into the passage's text.

    ``words`` are the ones in it that answer, if a network found them, ``margin`` is by how much
    they are likelier than no answer, a difference of logits, and ``relevance`` the network's
    logit for the passage. ``meaning`` is the sentence's cosine to the question; ``shared`` the
    share, weighted by inverse document frequency, of the question's words that the sentence or
    the headings above it have, in 0..1.
    """

    hit: Hit
    span: Span
    score: float
    meaning: float
    shared: float
    words: Span | None = None
    margin: float = 0.0
    relevance: float = 0.0


def rerank(
    query: str,
    hits: Sequence[Hit],
    reader: Reader | None,
    weights: PassageWeights | None = None,
) -> tuple[list[Hit], dict[int, Judgement]]:
    """The hits in the order that the reader gives them, and what it read, by row.

    Of the first ``DEPTH`` hits those ``NEAR`` the best are read. A hit that is not read counts as
    no more relevant than the least relevant one that is. Without a reader the hits are as they
    came.
    """
    if reader is None or not hits:
        return list(hits), {}
    weights = weights or PassageWeights()
    near = _within(hits[:DEPTH], NEAR)
    found = reader.read(query, [hit.passage for hit in near])
    best = max(one.relevance for one in found)
    sure = (1 + math.tanh(best / 4 - 0.5)) / 2  # the logistic function of best / 2 - 1
    trust = weights.doubted + (1 - weights.doubted) * sure
    least = min(one.relevance for one in found)
    by_row = {hit.row: judgement for hit, judgement in zip(near, found, strict=True)}
    scored = []
    for hit in hits:
        judgement = by_row.get(hit.row)
        said = judgement.relevance if judgement else least
        score = weights.retrieval * hit.score + trust * weights.relevance * said
        relevance = Evidence(None, judgement.relevance) if judgement else None
        scored.append(replace(hit, score=score, relevance=relevance))
    scored.sort(key=lambda hit: -hit.score)
    ranks = sorted(found, key=lambda judgement: -judgement.relevance)
    return [
        replace(
            hit,
            rank=rank,
            relevance=hit.relevance
            and replace(hit.relevance, rank=ranks.index(by_row[hit.row]) + 1),
        )
        for rank, hit in enumerate(scored, start=1)
    ], by_row


def _rows(readings: list[Reading], weights: SentenceWeights) -> list[Reading]:
    """The sentences of a passage; of rows of a table only those with the most of the question.

    A network that reads rows one after the other takes a cell for the answer that stands beside
    the name asked for, though it belongs to the row before.
    """
    rows = [bool(ROW.search(one.hit.passage.text[slice(*one.span)])) for one in readings]
    if sum(rows) < 2 or readings[0].words is None:
        return readings
    most = max(one.shared for one, row in zip(readings, rows, strict=True) if row)
    least = min(one.margin for one in readings)
    return [
        replace(
            one, margin=least, score=one.score - weights.span * (one.margin - least) - ROW_LACKS
        )
        if row and one.shared < most
        else one
        for one, row in zip(readings, rows, strict=True)
    ]


def _within(hits: Sequence[Hit], below: float) -> list[Hit]:
    """The first hits, and all others at most so far below the best one."""
    floor = max(hit.score for hit in hits) - below
    return [hit for place, hit in enumerate(hits) if place < LEAST or hit.score >= floor]


def read(
    query: str,
    hits: Sequence[Hit],
    lexical: LexicalIndex,
    judgements: dict[int, Judgement] | None = None,
    weights: SentenceWeights | None = None,
) -> list[Reading]:
    """All sentences of the hits, the likeliest answer first.

    ``judgements``, as ``rerank`` gives them, are by row: these hits are read; without any, the
    first ``DEPTH``.
    """
    judgements = judgements or {}
    if weights is None:
        found_words = any(judgement.spans for judgement in judgements.values())
        weights = READ if found_words else RANKED if judgements else ALONE
    asked = Wording.of(query, lexical)
    readings = []
    for hit in [hit for hit in hits if hit.row in judgements] or hits[:DEPTH]:
        judgement = judgements.get(hit.row)
        around = stems_of(hit.passage.above)
        of_hit = []
        for number, span in enumerate(hit.passage.sentences):
            meaning = hit.sentence_scores[number]
            shared = asked.shared({*around, *stems_of(hit.passage.text[slice(*span)])})
            words, margin = (
                judgement.spans[number] if judgement and judgement.spans else (None, 0.0)
            )
            of_hit.append(
                Reading(
                    hit=hit,
                    span=span,
                    score=weights.passage * hit.score
                    + weights.span * margin
                    + weights.meaning * meaning
                    + weights.shared * shared,
                    meaning=meaning,
                    shared=shared,
                    words=words,
                    margin=margin,
                    relevance=judgement.relevance if judgement else 0.0,
                )
            )
        readings += _rows(of_hit, weights)
    return sorted(readings, key=lambda reading: -reading.score)
