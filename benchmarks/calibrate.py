"""Fit the confidence of answers on questions with and without an answer in the corpus.

Each question is asked of corpora that hold its paragraph, lack its paragraph, or lack its whole
article; of large corpora and of single articles. The model is fitted on the ``tune`` questions;
what is printed of how well it does is on the ``test`` questions. Copies of the fitted numbers
stand in ``index.confidence``. With the reader only those ``tune`` articles are asked about that
it was not trained on.

    python -m benchmarks.calibrate --data FOLDER [--reader none] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.beir import documents_of, open_searcher
from index.answer import chosen, considered, quote_of
from index.build import build_documents
from index.confidence import (
    Calibration,
    confidence,
    expected_error,
    features,
    probability,
    shipped,
)
from index.evaluate import Query, auroc, contains_answer, read_qrels, read_queries
from index.extractor import Extractor, Reader
from index.questions import kind_of
from index.records import Document
from index.search import LOOKED_AT, Searcher
from index.store import Store
from training.examples import held_out

ASKED = 40  # questions of each kind to each single article
ASKED_LARGE = 700  # questions to each large corpus


@dataclass(frozen=True, slots=True)
class Trial:
    """One question put to one corpus. ``right``: the first sentence answers it."""

    case: str
    features: dict[str, float]
    answerable: bool
    right: bool
    said: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibrate", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--reader", choices=("", "none"), default="", help="'none': without it")
    options = parser.parse_args(arguments)
    whole = open_searcher(options.data, options.kept)
    reader = None if options.reader == "none" else Extractor(kept=options.kept / "models")
    with tempfile.TemporaryDirectory(dir=options.kept) as folder:
        store = Store(folder)
        shutil.copy(
            next(options.kept.glob(f"{options.data.resolve().name}-*")) / "vectors.cache",
            store.cache,
        )
        trials = {
            split: list(_trials(options.data, split, store, whole, reader))
            for split in ("tune", "test")
        }
    fitted = fit(trials["tune"])
    result = {"fitted": asdict(fitted), "figures": figures(trials["test"], fitted)}
    print(json.dumps(result) if options.json else table(result))


def fit(trials: Sequence[Trial]) -> Calibration:
    """Logistic regression of ``right`` on the features.

    Each case weighs the same; together, those with an answer as much as those without one.
    """
    from sklearn.linear_model import LogisticRegression

    counts = Counter(trial.case for trial in trials)
    sides = Counter(trial.answerable for trial in {trial.case: trial for trial in trials}.values())
    names = sorted(trials[0].features)
    model = LogisticRegression(C=1e6, max_iter=1000)
    model.fit(
        np.array([[trial.features[name] for name in names] for trial in trials]),
        np.array([trial.right for trial in trials]),
        sample_weight=np.array(
            [1000 / counts[trial.case] / sides[trial.answerable] for trial in trials]
        ),
    )
    weights = dict(zip(names, map(float, model.coef_[0]), strict=True))
    return Calibration("", weights, float(model.intercept_[0]))


def figures(trials: Sequence[Trial], fitted: Calibration) -> dict[str, Any]:
    """How well the confidence tells right answers from wrong ones, on these trials."""
    chance = np.array([probability(trial.features, fitted) for trial in trials])
    said = np.array([trial.said for trial in trials])
    right = np.array([trial.right for trial in trials])
    answerable = np.array([trial.answerable for trial in trials])
    cases = np.array([trial.case for trial in trials])
    curve = []
    for threshold in np.arange(0.1, 0.95, 0.05):
        shown = chance >= threshold
        curve.append(
            {
                "threshold": round(float(threshold), 2),
                "answerable_shown": float(shown[answerable].mean()),
                "unanswerable_shown": float(shown[~answerable].mean()),
                "precision": float(right[shown].mean()) if shown.any() else 1.0,
            }
        )
    aurocs = {}
    for case in sorted(set(cases)):
        if not answerable[cases == case].all():
            size = case.split(":")[0]
            mine = (cases == case) | (cases == f"{size}: has its paragraph")
            aurocs[case] = auroc(chance[mine].tolist(), answerable[mine].tolist())
    return {
        "trials": len(trials),
        "auroc": aurocs,
        "calibration_error": expected_error(chance.tolist(), right.tolist()),
        "calibration_error_now": expected_error(said.tolist(), right.tolist()),
        "shown_by_case": {
            c: float((chance >= fitted.weak)[cases == c].mean()) for c in sorted(set(cases))
        },
        "curve": curve,
    }


def _trials(
    data: Path, split: str, store: Store, whole: Searcher, reader: Reader | None
) -> Iterator[Trial]:
    qrels = read_qrels(data, split)
    documents = list(documents_of(data))
    title = {document.id: document.title for document in documents}
    queries = [query for query in read_queries(data, split) if query.id in qrels]
    if reader is not None and split == "tune":
        queries = [q for q in queries if all(held_out(title[item]) for item in qrels[q.id])]
    gold = {query.id: set(qrels[query.id]) for query in queries}
    articles = sorted({title[item] for items in gold.values() for item in items})
    odd = {document.id for document in documents[1::2] if document.title in set(articles)}
    vectors = dict(
        zip(
            [query.id for query in queries],
            whole.encoder.encode_queries([query.text for query in queries]),
            strict=True,
        )
    )
    chosen = random.Random(0)

    def ask(kept: Iterable[Document], asked: Sequence[Query], size: str) -> Iterator[Trial]:
        build_documents(kept, store, whole.encoder)
        searcher = Searcher(store.open(), whole.encoder)
        there = {document.id for document in searcher.snapshot.table.documents()}
        titles = {title[item] for item in there}
        for query in tqdm(asked, f"{split}, {size}", file=sys.stderr, leave=False):
            answerable = bool(gold[query.id] & there)
            lacks = "paragraph" if {title[item] for item in gold[query.id]} & titles else "article"
            case = "has its paragraph" if answerable else f"lacks its {lacks}"
            yield _trial(searcher, reader, query, vectors[query.id], answerable, f"{size}: {case}")

    many = chosen.sample(queries, min(ASKED_LARGE, len(queries)))
    for half in (set(articles[::2]), set(articles[1::2])):
        yield from ask((d for d in documents if d.title not in half), many, "large")
    yield from ask((d for d in documents if d.id not in odd), many, "large")
    for article in articles:
        own = [query for query in queries if any(title[i] == article for i in gold[query.id])]
        own = chosen.sample(own, min(ASKED, len(own)))
        others = chosen.sample(queries, min(ASKED, len(queries)))
        mine = [document for document in documents if document.title == article]
        yield from ask(mine, own + others, "small")
        yield from ask((d for d in mine if d.id not in odd), own, "small")


def _trial(
    searcher: Searcher,
    reader: Reader | None,
    query: Query,
    vector: NDArray[np.float32],
    answerable: bool,
    case: str,
) -> Trial:
    hits = searcher.search_vector(query.text, vector, LOOKED_AT)
    _, readings = considered(query.text, hits, searcher.snapshot.lexical, reader)
    first = chosen(readings, kind_of(query.text))[0]
    right = answerable and contains_answer(quote_of(first), query.answers)
    said = confidence(readings, shipped(reader.name if reader else ""))
    return Trial(case, features(readings), answerable, right, said)


def table(result: dict[str, Any]) -> str:
    """The fitted numbers and the figures as text."""
    fitted = result["fitted"]
    weights = [f"{name} = {weight:.3f}" for name, weight in fitted["weights"].items()]
    lines = ["fitted on tune: " + ", ".join([*weights, f"bias = {fitted['bias']:.3f}"])]
    found = result["figures"]
    lines.append(f"\non test, {found['trials']:,} questions asked")
    for case, value in found["auroc"].items():
        lines.append(f"  AUROC, {case}: {value:.3f}")
    lines.append(f"  expected calibration error: {found['calibration_error']:.3f}")
    lines.append(f"  the same, of what ships: {found['calibration_error_now']:.3f}")
    for case, value in found["shown_by_case"].items():
        lines.append(f"  shown at the default threshold, {case}: {value:.3f}")
    lines.append("\nthreshold  answerable shown  unanswerable shown  right, of those shown")
    for row in found["curve"]:
        lines.append(
            f"{row['threshold']:9.2f}{row['answerable_shown']:18.3f}"
            f"{row['unanswerable_shown']:20.3f}{row['precision']:23.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
