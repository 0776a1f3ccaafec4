"""The question in, an ``Answer`` out: verbatim sentences with citations, or an abstention."""

from __future__ import annotations

from index.lexical import terms_of
from index.reader import Calibration, Reading, confidence, read
from index.records import Answer, Citation, Match
from index.search import Searcher, checked

MOST_SENTENCES = 3
NEAR_BEST = 0.92  # a further sentence must score this share of the best one's score
SAME_WORDS = 0.7  # and share fewer of its words than this with any sentence before it


def answer(
    query: str,
    searcher: Searcher,
    *,
    hits: int = 10,
    calibration: Calibration | None = None,
    threshold: float | None = None,
) -> Answer:
    """Answer a question in the words of the corpus.

    One to three sentences are quoted, each a slice of its document. Where the confidence is below
    ``threshold`` (by default the calibrated one) nothing is quoted.

    Raises:
        QueryError: the question is empty or too long.
    """
    calibration = calibration or Calibration()
    query = checked(query)
    found = searcher.search(query, hits)
    readings = read(query, found, searcher.snapshot.lexical)
    sure = confidence(readings[0], calibration) if readings else 0.0
    least = calibration.weak if threshold is None else threshold
    answered = bool(readings) and sure >= least
    match = match_of(sure, calibration) if answered else "none"
    # A weak answer is one sentence: more of them would only look like more.
    quoted = _chosen(readings, 1 if match == "weak" else MOST_SENTENCES) if answered else []
    return Answer(
        query=query,
        answered=answered,
        confidence=sure,
        match=match,
        citations=tuple(cite(reading) for reading in quoted),
        hits=tuple(found),
    )


def match_of(sure: float, calibration: Calibration) -> Match:
    """A confidence in words; what is shown at all is at least a weak match."""
    if sure >= calibration.strong:
        return "strong"
    return "partial" if sure >= calibration.partial else "weak"


def cite(reading: Reading) -> Citation:
    """The citation of a sentence: its words, and where in the document they stand."""
    passage = reading.hit.passage
    start, end = reading.span
    return Citation(
        number=reading.hit.rank,
        quote=passage.text[start:end],
        document_id=passage.document_id,
        passage_id=passage.id,
        start=passage.start + start,
        end=passage.start + end,
        score=reading.score,
    )


def _chosen(readings: list[Reading], most: int) -> list[Reading]:
    """The best sentence and those nearly as good that say something else, best first."""
    chosen = readings[:1]
    for reading in readings[1:]:
        if len(chosen) == most or reading.score < NEAR_BEST * chosen[0].score:
            break
        if all(_overlap(reading, before) < SAME_WORDS for before in chosen):
            chosen.append(reading)
    return chosen


def _overlap(one: Reading, other: Reading) -> float:
    """The share of the shorter sentence's terms that the other one has too."""
    terms = [
        set(terms_of(reading.hit.passage.text[slice(*reading.span)])) for reading in (one, other)
    ]
    return len(terms[0] & terms[1]) / max(1, min(map(len, terms)))
