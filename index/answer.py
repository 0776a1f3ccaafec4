"""The question in, an ``Answer`` out: verbatim sentences with citations, or an abstention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, takewhile

from index.confidence import Calibration, confidence, shipped
from index.extractor import Reader
from index.filters import Filter
from index.lexical import LexicalIndex, terms_of
from index.passages import LEADS, LISTED
from index.questions import Kind, defines, kind_of, lacks_time, lacks_utmost, topic_of
from index.reader import ROW, Reading, read, rerank
from index.records import Answer, Citation, Hit, Passage, Span
from index.search import LOOKED_AT, Searcher, checked

MOST = 5
"""Sentences of an answer."""

SAME_WORDS = 0.7
"""A further sentence must share fewer of its words than this with any sentence before it."""


MARGIN = {False: 0.0, True: -2.0}
"""What a network must say at least for a further sentence, of a fact and of longer answers."""

_LABEL = re.compile(r"\W*(?:\d{1,2}(?:\.\d+){2,}|\d{1,2}(?:\.\d+)*[.)]|[a-z][.)]|[ivx]{1,4}[.)])\s")
"""The number of a paragraph, ``3.1.`` or ``(b)``, which is no answer."""

_FACT = re.compile(r"\w*\d[\w.,:]*|(?<=[a-z,;] )[A-Z]\w+")
"""Numbers, and names within a sentence."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long an answer may be: sentences, and how far below the best one they may score."""

    most: int
    below: float


# Scores are logits where our reader found words, and small numbers else: lengths are for each.
READ: dict[Kind, Length] = {
    "fact": Length(2, 1.0),
    "definition": Length(3, 2.5),
    "list": Length(5, 4.0),
    "why": Length(4, 3.0),
    "how": Length(5, 3.5),
    "yes or no": Length(3, 2.0),
}
ALONE: dict[Kind, Length] = {
    "fact": Length(3, 0.08),
    "definition": Length(3, 0.1),
    "list": Length(5, 0.15),
    "why": Length(4, 0.12),
    "how": Length(5, 0.12),
    "yes or no": Length(3, 0.1),
}
DEFINES = {True: 3.0, False: 0.2}  # what a defining sentence gains, with and without a reader
SHOUTS = {True: 2.0, False: 0.1}
"""What a sentence loses that is in capitals while others of its passage are not: a heading."""

LONG: tuple[Kind, ...] = ("list", "why", "how", "definition")
STEPS: tuple[Kind, ...] = ("list", "how")
FOLLOWS = {True: 1.5, False: 0.06}
"""What a sentence gains that stands beside one of the answer, where steps or a list are asked for,
with and without a reader: who does four of five steps may come to harm."""

STEP_MARGIN = -2.0
"""By how much less such a sentence must look like an answer."""

SURE = 3.0
"""The margin from which on words that a network found are shown as the answer: of those below every
second is right, of those a little above two of three."""


def answer(
    query: str,
    searcher: Searcher,
    reader: Reader | None = None,
    *,
    hits: int = 10,
    only: Filter | None = None,
    calibration: Calibration | None = None,
    threshold: float | None = None,
) -> Answer:
    """Answer a question in the words of the corpus.

    Up to five sentences are quoted, each a slice of its document: one or two for a fact, more
    where a question asks why, how or for a list. Where the confidence is below ``threshold`` (by
    default the calibrated one) nothing is quoted. ``reader`` reads the first hits, for better
    answers; ``only`` narrows the search to some documents. A ``calibration`` for another reader
    than the one that read the hits is left aside.

    Raises:
        QueryError: the question is empty or too long.
        ModelError: the reader's model is missing or wrong.
    """
    query = checked(query)
    found = searcher.search(query, max(hits, LOOKED_AT), only)
    found, readings = considered(query, found, searcher.snapshot.lexical, reader)
    fitting = shipped(reader.name if reader else "")
    if calibration is None or calibration.reader != fitting.reader:
        calibration = fitting
    sure = confidence(readings, calibration)
    if readings and _only_touches(query, quote_of(readings[0])):
        sure = min(sure, calibration.weak)
    least = calibration.weak if threshold is None else threshold
    answered = bool(readings) and sure >= least
    match = calibration.match(sure) if answered else "none"
    kind = kind_of(query)
    # A weak answer is one sentence: more of them would only look like more.
    quoted = chosen(readings, kind, only=match == "weak") if answered else []
    if match == "weak":
        quoted = [replace(reading, words=None) for reading in quoted]  # most would be wrong
    shown = max(hits, *(reading.hit.rank for reading in quoted), 0)
    return Answer(
        query=query,
        answered=answered,
        confidence=sure,
        match=match,
        citations=tuple(cite(reading, kind) for reading in quoted),
        hits=tuple(found[:shown]),
        snapshot=searcher.snapshot.id,
    )


def considered(
    query: str, hits: Sequence[Hit], lexical: LexicalIndex, reader: Reader | None = None
) -> tuple[list[Hit], list[Reading]]:
    """The hits, best first, and their sentences, the likeliest answer first."""
    found, judgements = rerank(query, hits, reader)
    readings = read(query, found, lexical, judgements)
    loss = SHOUTS[bool(judgements)]
    if any(map(_shouts, readings)):
        readings = [replace(one, score=one.score - loss * _shouts(one)) for one in readings]
        readings.sort(key=lambda reading: -reading.score)
    if topic := topic_of(query):
        gain = DEFINES[bool(judgements)]
        readings = [
            replace(reading, score=reading.score + gain * defines(quote_of(reading), topic))
            for reading in readings
        ]
        readings.sort(key=lambda reading: -reading.score)
    return found, readings


def chosen(readings: list[Reading], kind: Kind, *, only: bool = False) -> list[Reading]:
    """The best sentence and those nearly as good that say something else.

    The best one stands first, behind what leads to it if it is an item of a list. What comes after
    it in longer answers keeps the order of reading: the passage of the best sentence, then the
    others by rank, each from its beginning.
    """
    alone = not readings or readings[0].words is None
    length = (ALONE if alone else READ)[kind]
    least = min(MARGIN[kind in LONG or kind == "yes or no"], readings[0].margin if readings else 0)
    gain = FOLLOWS[not alone] if kind in STEPS else 0.0
    picked, left = readings[:1], readings[1:]
    while left and len(picked) < (1 if only else length.most):
        worth = [
            one.score + gain * (gain > 0 and any(_beside(one, before) for before in picked))
            for one in left
        ]
        best = max(worth)
        reading = left.pop(worth.index(best))
        if best < readings[0].score - length.below:
            break
        # A network that found no words in a sentence sees no answer in it, only its neighbours'.
        # A step among others may have none.
        enough = least if best == reading.score else least + STEP_MARGIN
        empty = reading.words is not None and reading.margin < enough
        if not empty and not any(_repeats(reading, before) for before in picked):
            picked.append(reading)
    if not only:
        picked = _with_items(picked, readings)
    if kind in LONG:
        first = picked[0].hit.rank
        picked[1:] = sorted(
            picked[1:], key=lambda one: (one.hit.rank != first, one.hit.rank, one.span)
        )
    return picked


def _with_items(picked: Sequence[Reading], readings: Sequence[Reading]) -> list[Reading]:
    """The sentences, what leads to a list with its items and an item with what leads to it.

    Five at most in all: "the lesser of:" alone is no answer, nor is "(a) an error in figures".
    """
    there = {(one.hit.row, one.span): one for one in readings}
    found: list[Reading] = []
    for reading in picked:
        row = reading.hit.row
        spans = _together(reading.hit.passage, reading.span)
        together = [there[row, span] for span in spans if (row, span) in there]
        found += [one for one in together if one not in found]
    return found[:MOST]


def _together(passage: Passage, span: Span) -> list[Span]:
    def leads(one: Span) -> bool:
        return passage.text.endswith(LEADS, *one)

    def is_item(one: Span) -> bool:
        return LISTED.match(passage.text, *one) is not None and not leads(one)

    def follows(one: Span) -> bool:  # bullets are no words: an item may only begin a paragraph
        return is_item(one) or (passage.text.endswith("\n\n", 0, one[0]) and not leads(one))

    place = passage.sentences.index(span)
    if leads(span):
        return [span, *takewhile(follows, passage.sentences[place + 1 :])]
    above = next(dropwhile(is_item, reversed(passage.sentences[:place])), None)
    return [above, span] if above and is_item(span) and leads(above) else [span]


def _only_touches(query: str, quote: str) -> bool:
    """Whether a sentence cannot hold the answer by itself, whatever the scores say."""
    row = ROW.search(quote) is not None
    return lacks_time(query, quote) or (row and lacks_utmost(query, quote))


def _shouts(reading: Reading) -> bool:
    return quote_of(reading).isupper() and not reading.hit.passage.text.isupper()


def _beside(one: Reading, other: Reading) -> bool:
    """Whether two sentences of a passage follow each other."""
    if one.hit.row != other.hit.row:
        return False
    sentences = one.hit.passage.sentences
    return abs(sentences.index(one.span) - sentences.index(other.span)) == 1


def quote_of(reading: Reading) -> str:
    """The sentence itself."""
    return reading.hit.passage.text[slice(*reading.span)]


def cite(reading: Reading, kind: Kind = "fact") -> Citation:
    """The citation of a sentence: its words, and where in the document they stand.

    To a yes-or-no question a sentence is evidence: no words of it are the answer.
    """
    passage = reading.hit.passage
    start, end = (passage.start + place for place in reading.span)
    words = None
    if (
        reading.words is not None
        and reading.margin >= SURE
        and kind != "yes or no"
        and not _labels(reading)
    ):
        words = passage.start + reading.words[0], passage.start + reading.words[1]
    return Citation(
        number=reading.hit.rank,
        quote=quote_of(reading),
        document_id=passage.document_id,
        passage_id=passage.id,
        start=start,
        end=end,
        score=reading.score,
        words=words,
    )


def _labels(reading: Reading) -> bool:
    """Whether the words found are no more than the number of their paragraph."""
    found = _LABEL.match(reading.hit.passage.text, reading.span[0])
    return bool(found and reading.words and reading.words[1] <= found.end())


def _repeats(one: Reading, other: Reading) -> bool:
    """Whether two sentences share most words of the shorter one, and contradict in none.

    Each with a number or a name that the other one lacks, they do: people must see both.
    """
    terms = [set(terms_of(quote_of(reading))) for reading in (one, other)]
    shared = len(terms[0] & terms[1]) / max(1, min(map(len, terms)))
    facts = [set(_FACT.findall(quote_of(reading))) for reading in (one, other)]
    return shared >= SAME_WORDS and not (facts[0] - facts[1] and facts[1] - facts[0])
