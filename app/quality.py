"""The saved questions put to the current snapshot and to the one before: figures, differences.

A thread of this process asks them and keeps the replies for each snapshot, so what was asked once
is not asked again when somebody judges another answer. Draws nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.judgements import Source, located
from app.saved import Questions, SavedQuestion, TextOf, as_questions
from app.service import Service
from index.errors import PassagesError, QueryError
from index.evaluate import evaluate, judge
from index.filters import Filter
from index.records import Citation, Passage

METRICS = ("recall@1", "recall@5", "recall@20", "mrr@10")
DEPTH = 20
"""Hits looked at: the deepest metric is recall@20."""

AT_ONCE = 0.15
"""Seconds in which a small comparison is done, so that no progress need be shown."""

Key = tuple[str, Filter]
"""A question and what it was narrowed to."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a snapshot replies: the quoted sentences, and the places of the hits without text."""

    citations: tuple[Citation, ...] = ()
    hits: tuple[tuple[Passage, ...], ...] = ()

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """What tells one answer from another: quoted words and their documents, not the places."""
        return tuple((one.document_id, one.quote) for one in self.citations)


@dataclass(frozen=True, slots=True)
class Side:
    """One snapshot's figures over the saved questions, and its reply to each of them.

    ``figures`` has METRICS over the questions with a place to find; ``answered``, the share of
    those with an answer that get one; ``rightly_none``, the share of those without that get none.
    A figure that no question is for is left out; ``over`` says how many questions each is of.
    """

    snapshot: str
    created: str
    figures: Mapping[str, float]
    over: Mapping[str, int]
    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A saved question that two snapshots answer in other words, or only one of them."""

    question: SavedQuestion
    before: Reply
    now: Reply


@dataclass(frozen=True, slots=True)
class Result:
    """Both sides; ``why_alone`` says why there is no other one.

    ``lost`` counts the cited places that are not in all indexes that were asked: an edit has
    changed their words. The figures leave them out, since no search could find them.
    """

    questions: int
    lost: int
    now: Side
    before: Side | None
    why_alone: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to see by now: how far the asking is, and the result or error once it ended."""

    done: int
    total: int
    result: Result | None = None
    error: str = ""

    @property
    def running(self) -> bool:
        """Whether there is more to come."""
        return self.result is None and not self.error


class Comparison:
    """Compares in the background, for all pages of this process; safe between threads."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._replies: dict[str, dict[Key, Reply]] = {}
        self._wanted: object = None
        self._look = Look(0, 0)
        self._thread: threading.Thread | None = None

    def look(self, saved: Sequence[SavedQuestion]) -> Look:
        """How far the comparison over these questions is; it is begun if it was not yet.

        Raises as ``Service.ask`` does where there is no index.
        """
        now, before = self._service.store.current(), self._service.before()
        wanted = now, before, self._service.calibration(), tuple(saved)
        with self._lock:
            alive = self._thread is not None and self._thread.is_alive()
            if wanted != self._wanted and not alive:
                if self._wanted is None or wanted[2] != self._wanted[2]:  # type: ignore[index]
                    self._replies.clear()  # what is shown depends on the calibration
                self._wanted, self._look = wanted, Look(0, (1 + (before is not None)) * len(saved))
                self._thread = threading.Thread(
                    target=self._run,
                    args=(now, before, tuple(saved)),
                    name="comparison",
                    daemon=True,
                )
                self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(AT_ONCE)
        return self._look if wanted == self._wanted else replace(self._look, result=None, error="")

    def _run(self, now: str, before: str | None, saved: tuple[SavedQuestion, ...]) -> None:
        try:
            self._replies = {one: self._replies.get(one, {}) for one in (now, before) if one}
            asked = {now: self._ask(now, saved)}
            why = "" if before else "There is no earlier index to compare with."
            if before:
                try:
                    asked[before] = self._ask(before, saved)
                except PassagesError as error:
                    why = f"The index before cannot be asked. {error}"
            left = present(saved, [service.text for service in asked.values()])
            sides = [self._side(name, service, left) for name, service in asked.items()]
            result = Result(
                questions=len(saved),
                lost=sum(len(one.relevant) for one in saved) - sum(len(o.relevant) for o in left),
                now=sides[0],
                before=sides[1] if len(sides) > 1 else None,
                why_alone=why,
                differences=differences(saved, *reversed(sides)) if len(sides) > 1 else (),
            )
            self._look = replace(self._look, result=result)
        except PassagesError as error:
            self._look = replace(self._look, error=str(error))
        except Exception as error:
            self._look = replace(self._look, error=f"Error in Passages itself: {error!r}.")
            raise

    def _ask(self, snapshot: str, saved: Sequence[SavedQuestion]) -> Service:
        service = self._service.at(snapshot)
        known = self._replies[snapshot]
        for one in saved:
            key = one.question, one.only
            if key not in known:
                known[key] = _reply(service, *key)
            self._look = replace(self._look, done=self._look.done + 1)
        return service

    def _side(self, snapshot: str, service: Service, saved: Sequence[SavedQuestion]) -> Side:
        known = self._replies[snapshot]
        replies = tuple(known[one.question, one.only] for one in saved)
        found, over = figures(as_questions(saved, service.text), saved, replies)
        return Side(
            snapshot=snapshot,
            created=service.status().built_at,
            figures=found,
            over=over,
            replies=replies,
        )


def _reply(service: Service, question: str, only: Filter) -> Reply:
    try:
        found = service.ask(question, hits=DEPTH, only=only)
    except QueryError:
        return Reply()  # another model's window is shorter: not answered, not found
    places = ((hit.passage, *hit.copies) for hit in found.hits)
    hits = tuple(tuple(_without_text(one) for one in passages) for passages in places)
    return Reply(found.citations, hits)


def _without_text(passage: Passage) -> Passage:
    return replace(passage, text="", sentences=(), headings=())


def figures(
    questions: Questions, saved: Sequence[SavedQuestion], replies: Sequence[Reply]
) -> tuple[dict[str, float], dict[str, int]]:
    """The figures of a ``Side``, and over how many questions each is."""
    found: dict[str, float] = {}
    over: dict[str, int] = {}
    qrels, run = {}, {}
    for query, reply in zip(questions.queries, replies, strict=True):
        judged = questions.qrels.get(query.id, {})
        if any(relevance > 0 for relevance in judged.values()):
            qrels[query.id], run[query.id] = judge(judged, reply.hits)
    if qrels:
        found |= evaluate(qrels, run, METRICS)
        over |= dict.fromkeys(METRICS, len(qrels))
    answered = [
        (one.answerable, bool(reply.citations)) for one, reply in zip(saved, replies, strict=True)
    ]
    there = [shown for answerable, shown in answered if answerable]
    absent = [shown for answerable, shown in answered if answerable is False]
    if there:
        found["answered"], over["answered"] = sum(there) / len(there), len(there)
    if absent:
        found["rightly_none"], over["rightly_none"] = 1 - sum(absent) / len(absent), len(absent)
    return found, over


def present(saved: Sequence[SavedQuestion], texts: Sequence[TextOf]) -> list[SavedQuestion]:
    """The questions with only those relevant places that all of these indexes have."""

    def there(source: Source) -> bool:
        return all(located(source, text_of(source.document)) for text_of in texts)

    return [replace(one, relevant=tuple(filter(there, one.relevant))) for one in saved]


def differences(saved: Sequence[SavedQuestion], before: Side, now: Side) -> tuple[Difference, ...]:
    """The questions that are answered in other words, or no longer, or only now."""
    return tuple(
        Difference(one, old, new)
        for one, old, new in zip(saved, before.replies, now.replies, strict=True)
        if old.words != new.words
    )
