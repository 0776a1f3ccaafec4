"""Judgements and rankings to figures: nDCG, recall, MRR and answers found, in BEIR's layout.

Pure functions on plain dictionaries in the vocabulary of ranx: ``qrels[query][id] = relevance``
and ``run[query][id] = score``. This file searches nothing; whoever calls it brings the run.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from index.errors import CorpusError, ParseError
from index.filters import ALL, Filter
from index.records import Passage, Span

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Mapping[str, float]]

METRICS = ("ndcg@10", "recall@1", "recall@5", "recall@20", "mrr@10")

_SPAN = re.compile(r"(?P<document>.+)#(?P<start>\d+)-(?P<end>\d+)")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class CorpusText:
    """One line of a ``corpus.jsonl``."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a ``queries.jsonl``; ``split`` and ``answers`` may be empty.

    ``unanswerable`` is true where the line says outright that there are no answers:
    ``"answers": []``. ``only`` narrows the search for it: ``"filter": {"folder": "policy"}``.
    """

    id: str
    text: str
    split: str = ""
    answers: tuple[str, ...] = ()
    unanswerable: bool = False
    only: Filter = ALL


def ndcg(relevances: Mapping[str, int], ranking: Sequence[str], k: int) -> float:
    """Normalised discounted cumulative gain at ``k``, in 0..1, with linear gain.

    DCG is the sum of relevance / log2(rank + 1), rank from 1, as in trec_eval.
    """
    ideal = sorted((relevance for relevance in relevances.values() if relevance > 0), reverse=True)
    best = _discounted(ideal[:k])
    found = _discounted([max(relevances.get(item, 0), 0) for item in ranking[:k]])
    return found / best if best else 0.0


def recall(relevances: Mapping[str, int], ranking: Sequence[str], k: int) -> float:
    """The share of the relevant items that stand in the first ``k``."""
    relevant = {item for item, relevance in relevances.items() if relevance > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def mrr(relevances: Mapping[str, int], ranking: Sequence[str], k: int) -> float:
    """One over the rank of the first relevant item, or 0 where the first ``k`` hold none."""
    for rank, item in enumerate(ranking[:k], start=1):
        if relevances.get(item, 0) > 0:
            return 1 / rank
    return 0.0


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


_FUNCTIONS: dict[str, Callable[[Mapping[str, int], Sequence[str], int], float]] = {
    "ndcg": ndcg,
    "recall": recall,
    "mrr": mrr,
}


def evaluate(qrels: Qrels, run: Run, metrics: Iterable[str] = METRICS) -> dict[str, float]:
    """The mean of each metric (``"ndcg@10"``) over the queries that have something to find.

    A judged query that the run lacks counts as 0. Equal scores keep the order of the run.

    Raises:
        ValueError: a metric is unknown, or no query has a relevant item.
    """
    judged = {query: items for query, items in qrels.items() if any(r > 0 for r in items.values())}
    if not judged:
        raise ValueError("No query has a relevant item, so there is nothing to measure.")
    rankings = {query: _ranking(run.get(query, {})) for query in judged}
    figures = {}
    for metric in metrics:
        name, _, depth = metric.partition("@")
        if name not in _FUNCTIONS or not depth.isdecimal() or int(depth) < 1:
            known = ", ".join(f"{name}@k" for name in _FUNCTIONS)
            raise ValueError(f"Unknown metric {metric!r}; known: {known}.")
        values = (
            _FUNCTIONS[name](items, rankings[query], int(depth)) for query, items in judged.items()
        )
        figures[metric] = math.fsum(values) / len(judged)
    return figures


def _ranking(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda item: -scores[item])


def judge(
    judgements: Mapping[str, int], hits: Sequence[Sequence[Passage]]
) -> tuple[dict[str, int], dict[str, float]]:
    """One query's qrels and run, from judgements on documents and a ranking of hits.

    A hit is a passage in all the places where it stands.

    A judgement names a document, or a span of its text as ``document#start-end``. A passage meets
    it if it is of that document and overlaps the span; only the first to do so counts, and
    judgements that one passage meets together count as one, so no splitter is at an advantage.
    """
    open_ = {item: relevance for item, relevance in judgements.items() if relevance > 0}
    qrels = dict(open_)
    run: dict[str, float] = {}
    for rank, places in enumerate(hits, start=1):
        met = [item for item in open_ if any(_meets(passage, item) for passage in places)]
        met.sort(key=lambda item: -open_[item])
        for item in met:
            del open_[item]
        for item in met[1:]:
            del qrels[item]
        run[met[0] if met else f"passage {rank}"] = 1 / rank
    return qrels, run


def span_of(document: str, start: int, end: int) -> str:
    """The judged id of a span of a document's text."""
    return f"{document}#{start}-{end}"


def place_of(judged: str) -> tuple[str, Span | None]:
    """The document that a judged id speaks of, and the span of its text if it names one."""
    match = _SPAN.fullmatch(judged)
    if match is None:
        return judged, None
    return match["document"], (int(match["start"]), int(match["end"]))


def document_of(judged: str) -> str:
    """The document that a judged id, with or without a span, speaks of."""
    return place_of(judged)[0]


def _meets(passage: Passage, judged: str) -> bool:
    if passage.document_id == judged:
        return True
    document, span = place_of(judged)
    return (
        span is not None
        and passage.document_id == document
        and passage.start < span[1]
        and span[0] < passage.end
    )


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation, articles and extra white space, as SQuAD's script.

    Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", 2016.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def contains_answer(text: str, answers: Iterable[str]) -> bool:
    """Whether an answer stands in the text as whole words, both normalised."""
    words = f" {normalise(text)} "
    wanted = (normalise(answer) for answer in answers)
    return any(answer and f" {answer} " in words for answer in wanted)


def exact_match(text: str, answers: Iterable[str]) -> float:
    """1 if the text is one of the answers, both normalised, else 0, as SQuAD's script."""
    return float(normalise(text) in {normalise(answer) for answer in answers})


def f1(text: str, answers: Iterable[str]) -> float:
    """The best F1 of the text's words and an answer's, in 0..1, as SQuAD's script."""
    said = Counter(normalise(text).split())
    best = 0.0
    for answer in answers:
        wanted = Counter(normalise(answer).split())
        common = (said & wanted).total()
        if common:
            best = max(best, 2 * common / (said.total() + wanted.total()))
    return best


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """How likely a positive item scores above a negative one, ties counting half, in 0..1.

    Raises:
        ValueError: all items are of one kind.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores))


def read_corpus(folder: Path | str) -> Iterator[CorpusText]:
    """The lines of ``corpus.jsonl`` (or ``.gz``) in a BEIR folder, one at a time."""
    for where, line in _objects(_existing(Path(folder), "corpus.jsonl")):
        yield CorpusText(
            _text(line, "_id", where), str(line.get("title") or ""), _text(line, "text", where)
        )


def read_queries(path: Path | str, split: str | None = None) -> list[Query]:
    """The queries of a ``queries.jsonl`` (or ``.gz``), or those of one split.

    ``path`` is the file or the folder that holds it. Queries that name no split are in all.
    """
    queries = [
        Query(
            id=_text(line, "_id", where),
            text=_text(line, "text", where),
            split=str(line.get("split") or ""),
            answers=_answers(line, where),
            unanswerable=line.get("answers") == [],
            only=_filter(line, where),
        )
        for where, line in _objects(_existing(Path(path), "queries.jsonl"))
    ]
    return [query for query in queries if split is None or query.split in ("", split)]


def _answers(line: Mapping[str, Any], where: str) -> tuple[str, ...]:
    answers = line.get("answers") or []
    if isinstance(answers, str):
        return (answers,)
    if not isinstance(answers, list):
        raise ParseError(f'{where}: "answers" is no list of texts: {answers!r}.')
    return tuple(str(answer) for answer in answers)


def read_qrels(path: Path | str, split: str | None = None) -> dict[str, dict[str, int]]:
    """Judgements from tab-separated lines: query, id, relevance (TREC's four columns work too).

    ``path`` is the file, or a BEIR folder with ``qrels.tsv`` or ``qrels/<split>.tsv``.

    Raises:
        CorpusError: there is no such file.
        ParseError: a line cannot be read; the message names it.
    """
    source = _existing(Path(path), f"qrels/{split or 'test'}.tsv", "qrels.tsv")
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_lines(source), start=1):
        columns = line.rstrip("\n").split("\t")
        if len(columns) == 1:
            columns = line.split()  # as TREC's files are
        if len(columns) == 4:
            del columns[1]
        try:
            query, item, relevance = columns[0], columns[1], int(float(columns[2]))
        except (IndexError, ValueError, OverflowError):
            if (number == 1 and "id" in columns[0].lower()) or not line.strip():
                continue  # a header or an empty line
            raise ParseError(
                f"'{source}', line {number}, is no judgement: {line.strip()!r}. "
                "Expected: query, tab, id, tab, a whole number."
            ) from None
        qrels.setdefault(query, {})[item] = relevance
    return qrels


def _existing(path: Path, *names: str) -> Path:
    """``path`` itself, or the first of these files in it, plain or gzipped."""
    if path.is_file():
        return path
    candidates = [path / f"{name}{suffix}" for name in names for suffix in ("", ".gz")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    wanted = " or ".join(f"'{name}'" for name in names)
    raise CorpusError(f"'{path}' is no file, and no folder with {wanted} (plain or .gz) in it.")


def _lines(path: Path) -> Iterator[str]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8") as file:
                yield from file
        else:
            with path.open(encoding="utf-8-sig") as file:
                yield from file
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ParseError(f"'{path}' cannot be read: {error}.") from error


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"'{path}', line {number},"
        try:
            found = json.loads(line)
        except ValueError as error:
            raise ParseError(f"{where} is not JSON: {error}.") from error
        if not isinstance(found, dict):
            raise ParseError(f"{where} is not a JSON object.")
        yield where, found


def _filter(line: Mapping[str, Any], where: str) -> Filter:
    found = line.get("filter") or {}
    known = {field.name for field in fields(Filter)}
    if not isinstance(found, dict) or not found.keys() <= known:
        raise ParseError(f"{where} has a 'filter' that is none. Known: {', '.join(sorted(known))}.")
    return Filter(**{name: str(value) for name, value in found.items()})


def _text(line: Mapping[str, Any], key: str, where: str) -> str:
    if key not in line:
        raise ParseError(f"{where} has no {key!r}.")
    return str(line[key])
