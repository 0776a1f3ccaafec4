"""Questions that people judged, as what ``eval`` reads: saved, exported, and taken in again.

Opens no index; whoever calls it brings the texts of the documents.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app.judgements import (
    NOT_RELEVANT,
    Judgement,
    Judgements,
    Source,
    as_object,
    from_object,
    located,
)
from index.errors import ParseError
from index.evaluate import Query, place_of, read_qrels, read_queries, span_of
from index.filters import Filter

TextOf = Callable[[str], str | None]
"""The text of a document by its id, or ``None``."""

QUERIES, QRELS, ALL = "queries.jsonl", "qrels.tsv", "judgements.jsonl"
IMPORTED = "import"
"""The judge of what was not judged on the page."""


@dataclass(frozen=True, slots=True)
class SavedQuestion:
    """All that people said of one question with one filter; where they disagree, the newest counts.

    ``relevant`` places answer it and ``irrelevant`` ones do not. ``answerable`` is ``None`` where
    nobody said whether the documents answer it.
    """

    question: str
    only: Filter
    relevant: tuple[Source, ...] = ()
    irrelevant: tuple[Source, ...] = ()
    answerable: bool | None = None

    @property
    def id(self) -> str:
        """A name made of question and filter, the same in each export."""
        made_of = json.dumps([self.question, asdict(self.only)])
        return "j" + hashlib.sha256(made_of.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Questions:
    """Saved questions as an evaluation takes them; ``lost`` are relevant places that are gone."""

    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]
    lost: int


def saved_questions(judgements: Iterable[Judgement]) -> list[SavedQuestion]:
    """The questions of these judgements, in the order of their newest ones."""
    questions: dict[tuple[str, Filter], list[Judgement]] = {}
    for one in sorted(judgements, key=lambda one: (one.at, one.id), reverse=True):
        questions.setdefault((one.question, one.only), []).append(one)
    return [_saved(*question, said) for question, said in questions.items()]


def _saved(question: str, only: Filter, newest_first: list[Judgement]) -> SavedQuestion:
    relevant: dict[tuple[str, object], tuple[Source, bool]] = {}
    answerable: bool | None = None
    for one in newest_first:
        if answerable is None and (one.verdict == "up" or "has_answer" in one.reasons):
            answerable = bool(one.sources) or one.verdict == "down"
        if one.verdict == "up" or NOT_RELEVANT.intersection(one.reasons):
            for source in one.sources:
                place = source.quote or (source.start, source.end)
                relevant.setdefault((source.document, place), (source, one.verdict == "up"))
    places = relevant.values() if answerable is not False else ()
    return SavedQuestion(
        question=question,
        only=only,
        relevant=tuple(source for source, good in places if good),
        irrelevant=tuple(source for source, good in relevant.values() if not good),
        answerable=answerable,
    )


def as_questions(saved: Iterable[SavedQuestion], text_of: TextOf) -> Questions:
    """Queries and qrels, with each place where its words stand now.

    A place that is gone cannot be judged and is left out. So is one of a document whose name would
    break the lines of a qrels file.
    """
    queries, lost = [], 0
    qrels: dict[str, dict[str, int]] = {}
    for one in saved:
        judged: dict[str, int] = {}
        for sources, relevance in ((one.irrelevant, 0), (one.relevant, 1)):
            for source in sources:
                span = located(source, text_of(source.document))
                if span is None or not source.document.isprintable():
                    lost += relevance
                else:
                    judged[span_of(source.document, *span)] = relevance
        answers = tuple(source.quote for source in one.relevant if source.quote)
        queries.append(
            Query(
                id=one.id,
                text=one.question,
                answers=answers,
                unanswerable=one.answerable is False,
                only=one.only,
            )
        )
        if judged:
            qrels[one.id] = judged
    return Questions(tuple(queries), qrels, lost)


def exported(judgements: Iterable[Judgement], text_of: TextOf) -> tuple[dict[str, str], Questions]:
    """The files of an export, by name, and the questions in them.

    ``queries.jsonl`` and ``qrels.tsv`` are what ``eval`` reads; ``judgements.jsonl`` has all that
    was said.
    """
    judgements = list(judgements)
    found = as_questions(saved_questions(judgements), text_of)
    lines = [
        {"_id": query.id, "text": query.text}
        | ({"answers": query.answers} if query.answers or query.unanswerable else {})
        | ({"filter": _given(query.only)} if query.only else {})
        for query in found.queries
    ]
    rows = [
        f"{query}\t{item}\t{relevance}\n"
        for query, judged in found.qrels.items()
        for item, relevance in judged.items()
    ]
    files = {
        QUERIES: "".join(json.dumps(line) + "\n" for line in lines),
        QRELS: "query-id\tcorpus-id\tscore\n" + "".join(rows),
        ALL: "".join(json.dumps(as_object(one)) + "\n" for one in judgements),
    }
    return files, found


def _given(only: Filter) -> dict[str, str]:
    return {name: value for name, value in asdict(only).items() if value}


def export(folder: Path, judgements: Iterable[Judgement], text_of: TextOf) -> Questions:
    """Write the files of an export into a folder, over those of an earlier one."""
    files, found = exported(judgements, text_of)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return found


def archive(judgements: Iterable[Judgement], text_of: TextOf) -> bytes:
    """The files of an export as one ZIP file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in exported(judgements, text_of)[0].items():
            file.writestr(name, text)
    return packed.getvalue()


def take_in(folder: Path, kept: Judgements, text_of: TextOf) -> int:
    """Keep the judgements of a folder and return how many there were.

    Where it has no ``judgements.jsonl``, its queries and qrels are taken as thumbs up for what is
    relevant and thumbs down for what is not.

    Raises:
        CorpusError: there is no such file.
        ParseError: a line cannot be read; the message names it.
    """
    found = list(_read_all(folder / ALL) if (folder / ALL).is_file() else _judged(folder, text_of))
    for one in found:
        kept.save(one)
    return len(found)


def _read_all(path: Path) -> Iterable[Judgement]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ParseError(f"'{path}' cannot be read: {error}.") from error
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                yield from_object(json.loads(line))
        except ValueError as error:
            raise ParseError(f"'{path}', line {number}, is no judgement: {error}.") from error


def _judged(folder: Path, text_of: TextOf) -> Iterable[Judgement]:
    qrels = read_qrels(folder)
    for query in read_queries(folder):
        made = Judgement(query.text, "up", only=query.only, judge=IMPORTED)
        if query.unanswerable:
            yield made
        judged = qrels.get(query.id, {})
        good = tuple(_source(one, text_of) for one, relevance in judged.items() if relevance > 0)
        bad = tuple(_source(one, text_of) for one, relevance in judged.items() if relevance <= 0)
        if good:
            yield replace(made, sources=good)
        if bad:
            yield replace(made, sources=bad, verdict="down", reasons=("wrong_source",))


def _source(judged: str, text_of: TextOf) -> Source:
    document, span = place_of(judged)
    text = text_of(document) or ""
    if span is None:
        return Source(document, 0, max(1, len(text)))
    return Source(document, *span, text[slice(*span)])
