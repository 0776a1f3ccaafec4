"""Questions with judgements put to a service: what it finds, answers, and leaves unanswered.

A query with ``"answers": []`` says that the corpus does not answer it; one without that key says
nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.service import Service
from index.confidence import (
    Calibration,
    coverage,
    expected_error,
    refitted,
    reliability,
    save,
)
from index.errors import CorpusError, QueryError
from index.evaluate import (
    METRICS,
    Query,
    auroc,
    contains_answer,
    evaluate,
    exact_match,
    f1,
    judge,
)

DEPTH = 20
"""How many hits an evaluation looks at: the deepest metric is R@20."""

FEWEST = 20
"""Questions that a calibration needs, right and wrong answers among them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one query.

    ``rank`` is of the first relevant hit, ``None`` where there is none among ``DEPTH``. ``quote``
    is the first sentence of the answer, or of what it would have been where it is not ``shown``,
    and ``words`` those in it that answer. ``right`` says whether an answer of the query stands in
    it; it is ``None`` where the query tells of no answers.
    """

    id: str
    text: str
    rank: int | None
    confidence: float
    shown: bool
    right: bool | None
    quote: str
    words: str
    answers: tuple[str, ...]
    unanswerable: bool
    qrels: Mapping[str, int]
    run: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Problem:
    """A query that could not be asked."""

    id: str
    reason: str


def ask(
    service: Service, queries: Iterable[Query], judged: Mapping[str, Mapping[str, int]]
) -> tuple[list[Outcome], list[Problem]]:
    """Put each query to the service; one that it refuses counts as not found."""
    outcomes, problems = [], []
    for query in queries:
        try:
            outcomes.append(_ask(service, query, judged.get(query.id, {})))
        except QueryError as error:
            problems.append(Problem(query.id, str(error)))
            right = False if query.answers else None
            outcomes.append(
                Outcome(
                    id=query.id,
                    text=query.text,
                    rank=None,
                    confidence=0.0,
                    shown=False,
                    right=right,
                    quote="",
                    words="",
                    answers=query.answers,
                    unanswerable=query.unanswerable,
                    qrels=judged.get(query.id, {}),
                    run={},
                )
            )
    return outcomes, problems


def _ask(service: Service, query: Query, judged: Mapping[str, int]) -> Outcome:
    reply = service.ask(query.text, hits=DEPTH, only=query.only, threshold=0.0)
    qrels, run = judge(judged, [(hit.passage, *hit.copies) for hit in reply.hits])
    first = reply.citations[0] if reply.citations else None
    quote = first.quote if first else ""
    words = first and first.words
    return Outcome(
        id=query.id,
        text=query.text,
        rank=next((n for n, item in enumerate(run, start=1) if qrels.get(item, 0) > 0), None),
        confidence=reply.confidence,
        shown=first is not None and reply.confidence >= service.threshold(),
        right=(
            contains_answer(quote, query.answers)
            if query.answers
            else (False if query.unanswerable else None)
        ),
        quote=quote,
        words=quote[words[0] - first.start : words[1] - first.start] if first and words else "",
        answers=query.answers,
        unanswerable=query.unanswerable,
        qrels=qrels,
        run=run,
    )


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The means over all outcomes that each figure is defined for; it is left out where none is.

    Metrics of the ranking; ``first_sentence_answers`` of the answers whether shown or not, and
    ``span_f1`` and ``span_em`` of the words that stand out in them, none where it is not sure;
    ``right_shown``, the share of the answerable queries with a right answer shown;
    ``rightly_none``, the share of the unanswerable ones with none; ``precision`` and
    ``coverage`` of what is shown; ``auroc`` of the confidence; ``calibration_error``.
    """
    found: dict[str, float] = {}
    ranked = [one for one in outcomes if any(r > 0 for r in one.qrels.values())]
    if ranked:
        found |= evaluate(
            {one.id: one.qrels for one in ranked}, {one.id: one.run for one in ranked}, METRICS
        )
    known = [one for one in outcomes if one.right is not None]
    answerable = [one for one in known if one.answers]
    absent = [one for one in known if one.unanswerable]
    if answerable:
        found["first_sentence_answers"] = _mean(bool(one.right) for one in answerable)
        with_words = [one for one in answerable if one.words]
        if with_words:
            found["span_f1"] = sum(f1(o.words, o.answers) for o in with_words) / len(answerable)
            exact = sum(exact_match(one.words, one.answers) for one in with_words)
            found["span_em"] = exact / len(answerable)
        found["right_shown"] = _mean(bool(one.right and one.shown) for one in answerable)
    if absent:
        found["rightly_none"] = _mean(not one.shown for one in absent)
    if known:
        found["coverage"] = _mean(one.shown for one in known)
        if any(one.shown for one in known):
            found["precision"] = _mean(bool(one.right) for one in known if one.shown)
        said, right = [one.confidence for one in known], [bool(one.right) for one in known]
        found["calibration_error"] = expected_error(said, right)
    if answerable and absent:
        found["auroc"] = auroc([o.confidence for o in known], [bool(o.answers) for o in known])
    return found


def calibrate(service: Service, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Fit the confidence to these outcomes, write it to the store, and draw how it does.

    The outcomes are those of a service ``as_shipped``: what was fitted before does not count.

    Raises:
        CorpusError: there are too few questions, or all answers are right, or all wrong.
    """
    known = [one for one in outcomes if one.right is not None]
    right = [bool(one.right) for one in known]
    if len(known) < FEWEST or len(set(right)) < 2:
        raise CorpusError(
            f"To calibrate, {FEWEST} queries with answers are needed, some of which are answered "
            f"rightly and some not; here are {len(known)}, {sum(right)} of them right. Queries "
            'that the corpus does not answer are given as "answers": [].'
        )
    before = [one.confidence for one in known]
    fitted, after = refitted(service.shipped(), before, right)
    fitted = replace(fitted, model=service.encoder.identity)
    path = service.store.calibration
    save(fitted, path, questions=len(known))
    picture = path.with_suffix(".png")
    draw(picture, after, right, fitted)
    return {
        "questions": len(known),
        "error_before": expected_error(before, right),
        "error_after": expected_error(after, right),
        "file": str(path),
        "picture": str(picture),
        "calibration": asdict(fitted),
    }


def draw(
    path: Path, said: Sequence[float], right: Sequence[bool], calibration: Calibration
) -> None:
    """A PNG of precision against coverage, and of what was said against what came true."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 4), layout="constrained")
    left, other = picture.subplots(1, 2)
    curve = coverage(said, right)
    left.plot([row[1] for row in curve], [row[2] for row in curve], color="#1f5f8b")
    for name in ("strong", "partial", "weak"):
        threshold = getattr(calibration, name)
        shown = [row for row in curve if row[0] >= threshold]
        if shown:
            left.plot(shown[-1][1], shown[-1][2], "o", color="#1f5f8b")
            left.annotate(f" {name} ({threshold:.2f})", shown[-1][1:], va="bottom")
    left.set(xlim=(0, 1.02), ylim=(0, 1.05), xlabel="coverage: share of questions answered")
    left.set(ylabel="precision: share of these that are right", title="What thresholds give")
    rows = reliability(said, right)
    other.plot([0, 1], [0, 1], color="#999999", linestyle="--")
    other.scatter(
        [row["said"] for row in rows],
        [row["right"] for row in rows],
        s=[20 + 400 * row["share"] for row in rows],
        color="#1f5f8b",
    )
    other.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="share right")
    other.set(title=f"Reliability, {len(said)} questions")
    picture.savefig(path, dpi=120, format="png")


def _mean(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))
