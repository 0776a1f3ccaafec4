"""Fit the confidence of answers on questions with and without an answer in the corpus.

Each question is asked of corpora that hold its paragraph, lack its paragraph, or lack its whole
article; of large corpora and of single articles. The model is fitted on the ``tune`` questions;
what is printed of how well it does is on the ``test`` questions. Copies of the fitted numbers
stand in ``index.reader.Calibration``.

    python -m benchmarks.calibrate --data FOLDER [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.beir import documents_of, open_searcher
from index.build import build_documents
from index.evaluate import Query, contains_answer, read_qrels, read_queries
from index.reader import Calibration, confidence, features, read
from index.records import Document
from index.search import Searcher
from index.store import Store

ASKED = 150  # questions of each kind to each single article
ASKED_LARGE = 2000  # questions to each large corpus


@dataclass(frozen=True, slots=True)
class Trial:
    """One question put to one corpus. ``right``: the first sentence answers it."""

    case: str
    features: tuple[float, ...]
    answerable: bool
    right: bool
    shown: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibrate", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    whole = open_searcher(options.data, options.kept)
    with tempfile.TemporaryDirectory(dir=options.kept) as folder:
        store = Store(folder)
        shutil.copy(
            next(options.kept.glob(f"{options.data.resolve().name}-*")) / "vectors.cache",
            store.cache,
        )
        trials = {
            split: list(_trials(options.data, split, store, whole)) for split in ("tune", "test")
        }
    fitted = fit(trials["tune"])
    result = {"fitted": fitted, "figures": figures(trials["test"], fitted)}
    print(json.dumps(result) if options.json else table(result))


def fit(trials: Sequence[Trial]) -> dict[str, float]:
    """Logistic regression of ``right`` on the features, each case weighing the same."""
    from sklearn.linear_model import LogisticRegression

    counts: dict[str, int] = defaultdict(int)
    for trial in trials:
        counts[trial.case] += 1
    model = LogisticRegression(C=1e6, max_iter=1000)
    model.fit(
        np.array([trial.features for trial in trials]),
        np.array([trial.right for trial in trials]),
        sample_weight=np.array([1000 / counts[trial.case] for trial in trials]),
    )
    names = ("meaning", "words", "dense")
    return dict(zip(names, map(float, model.coef_[0]), strict=True)) | {
        "bias": float(model.intercept_[0])
    }


def figures(trials: Sequence[Trial], fitted: dict[str, float]) -> dict[str, Any]:
    """How well the confidence tells right answers from wrong ones, on these trials."""
    from sklearn.metrics import roc_auc_score

    weights = np.array([value for name, value in fitted.items() if name != "bias"])
    chance = _sigmoid(np.array([t.features for t in trials]) @ weights + fitted["bias"])
    right = np.array([trial.right for trial in trials])
    answerable = np.array([trial.answerable for trial in trials])
    cases = np.array([trial.case for trial in trials])
    bins = np.minimum((chance * 10).astype(int), 9)
    error = sum(
        abs(chance[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
        for b in range(10)
        if (bins == b).any()
    )
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
            aurocs[case] = float(roc_auc_score(answerable[mine], chance[mine]))
    default = Calibration()
    shown_now = np.array([trial.shown for trial in trials]) >= default.weak
    return {
        "trials": len(trials),
        "auroc": aurocs,
        "calibration_error": float(error),
        "shown_by_case": {c: float(shown_now[cases == c].mean()) for c in sorted(set(cases))},
        "curve": curve,
    }


def _trials(data: Path, split: str, store: Store, whole: Searcher) -> Iterator[Trial]:
    qrels = read_qrels(data, split)
    queries = [query for query in read_queries(data, split) if query.id in qrels]
    gold = {query.id: set(qrels[query.id]) for query in queries}
    documents = list(documents_of(data))
    title = {document.id: document.title for document in documents}
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
            yield _trial(searcher, query, vectors[query.id], answerable, f"{size}: {case}")

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
    searcher: Searcher, query: Query, vector: NDArray[np.float32], answerable: bool, case: str
) -> Trial:
    hits = searcher.search_vector(query.text, vector, 10)
    best = read(query.text, hits, searcher.snapshot.lexical)[0]
    sentence = best.hit.passage.text[slice(*best.span)]
    right = answerable and contains_answer(sentence, query.answers)
    return Trial(case, features(best), answerable, right, confidence(best, Calibration()))


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-values))
    return result


def table(result: dict[str, Any]) -> str:
    """The fitted numbers and the figures as text."""
    lines = ["fitted on tune: " + ", ".join(f"{k} = {v:.3f}" for k, v in result["fitted"].items())]
    found = result["figures"]
    lines.append(f"\non test, {found['trials']:,} questions asked")
    for case, value in found["auroc"].items():
        lines.append(f"  AUROC, {case}: {value:.3f}")
    lines.append(f"  expected calibration error: {found['calibration_error']:.3f}")
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
