"""Tune how much the reader's findings count beside those of the search, and print the best.

    python -m training.tune --data FOLDER [--kept FOLDER]

Asks the ``tune`` questions of a folder in BEIR's layout whose articles the network was not trained
on. The weights are tried one after the other over a small grid, passages' first. Copies of what is
printed stand in ``index.reader``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from benchmarks.beir import open_searcher
from index.evaluate import Query, contains_answer, exact_match, f1, read_qrels, read_queries
from index.extractor import Extractor, Judgement, Reader
from index.reader import DEPTH, READ, PassageWeights, SentenceWeights, read, rerank
from index.records import Hit, Passage
from index.search import LOOKED_AT, Searcher
from training.examples import held_out

TRIED: dict[str, tuple[float, ...]] = {
    "retrieval": (6, 8, 10, 12),
    "relevance": (0.2, 0.35, 0.5, 0.75, 1),
    "doubted": (0, 0.2, 0.5, 1),
    "passage": (0.5, 1, 2),
    "span": (0, 0.05, 0.1, 0.2, 0.3),
    "meaning": (0, 0.5, 1, 2, 3),
    "shared": (0, 0.4, 0.8, 1.2, 1.6),
}
Weights = TypeVar("Weights", PassageWeights, SentenceWeights)


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its hits as the search ranks them, and what the reader found in the first ten."""

    query: Query
    hits: list[Hit]
    judgements: list[Judgement]
    relevant: frozenset[str]


class Replay:
    """A reader that says again what it has said."""

    name = "replay"

    def __init__(self, case: Case) -> None:
        pairs = zip(case.hits[:DEPTH], case.judgements, strict=True)
        self._said = {hit.passage.id: judgement for hit, judgement in pairs}

    def read(self, query: str, passages: Sequence[Passage]) -> list[Judgement]:  # noqa: ARG002
        """What was found in these passages, in order."""
        return [self._said[passage.id] for passage in passages]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.tune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    options = parser.parse_args(arguments)
    searcher = open_searcher(options.data, options.kept)
    reader = Extractor(kept=options.kept / "models")
    cases = list(_cases(options.data, searcher, reader))
    print(f"{len(cases):,} questions; as it is: {_shown(ranking(cases, PassageWeights()))}")

    def ranked(weights: PassageWeights) -> float:
        return sum(ranking(cases, weights).values())

    passages = best(PassageWeights(), ranked)
    print(f"{passages}: {_shown(ranking(cases, passages))}")

    def answered(weights: SentenceWeights) -> float:
        return sum(answering(cases, searcher, passages, weights).values())

    print(f"as it is: {_shown(answering(cases, searcher, passages, READ))}")
    sentences = best(READ, answered)
    print(f"{sentences}: {_shown(answering(cases, searcher, passages, sentences))}")


def best(weights: Weights, gain: Callable[[Weights], float]) -> Weights:
    """The weights that gain most, each tried in turn, twice; the nearest ones where it is even."""
    for _ in range(2):
        for field in fields(weights):
            now = asdict(weights)[field.name]
            tries = [replace(weights, **{field.name: value}) for value in TRIED[field.name]]
            tries.append(weights)
            weights = max(
                tries, key=lambda each: (gain(each), -abs(asdict(each)[field.name] - now))
            )
    return weights


def ranking(cases: Sequence[Case], weights: PassageWeights) -> dict[str, float]:
    """R@1 and MRR@10."""
    first = reciprocal = 0.0
    for case in cases:
        hits, _ = rerank(case.query.text, case.hits, Replay(case), weights)
        places = [
            h.rank for h in hits if {p.document_id for p in (h.passage, *h.copies)} & case.relevant
        ]
        first += bool(places) and places[0] == 1
        reciprocal += 1 / places[0] if places and places[0] <= 10 else 0
    return {"R@1": first / len(cases), "MRR@10": reciprocal / len(cases)}


def answering(
    cases: Sequence[Case], searcher: Searcher, passages: PassageWeights, weights: SentenceWeights
) -> dict[str, float]:
    """The share of likeliest sentences with an answer, and F1 and exact match of their words."""
    sums = {"first sentence": 0.0, "F1": 0.0, "EM": 0.0}
    for case in cases:
        hits, judgements = rerank(case.query.text, case.hits, Replay(case), passages)
        likeliest = read(case.query.text, hits, searcher.snapshot.lexical, judgements, weights)[0]
        text = likeliest.hit.passage.text
        words = text[slice(*likeliest.words)] if likeliest.words else ""
        sums["first sentence"] += contains_answer(text[slice(*likeliest.span)], case.query.answers)
        sums["F1"] += f1(words, case.query.answers)
        sums["EM"] += exact_match(words, case.query.answers)
    return {name: value / len(cases) for name, value in sums.items()}


def _cases(data: Path, searcher: Searcher, reader: Reader) -> Any:
    qrels = read_qrels(data, "tune")
    titles = {one.id: one.title for one in searcher.snapshot.table.documents()}
    queries = [
        query
        for query in read_queries(data, "tune")
        if all(held_out(titles[item]) for item in qrels.get(query.id, {"": 1}) if item in titles)
        and query.id in qrels
    ]
    for query in tqdm(queries, "reading", file=sys.stderr, leave=False):
        hits = searcher.search(query.text, LOOKED_AT)
        judgements = reader.read(query.text, [hit.passage for hit in hits[:DEPTH]])
        yield Case(query, hits, judgements, frozenset(qrels[query.id]))


def _shown(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in figures.items())


if __name__ == "__main__":
    main()
