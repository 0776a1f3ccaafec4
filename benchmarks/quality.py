"""How good the ranking and the first sentence are, on any folder in BEIR's layout.

Compares what we do with each of its parts: vectors alone (what the usual FAISS page does), BM25
alone, and both by reciprocal rank fusion. Prints figures; asserts nothing.

    python -m benchmarks.quality --data FOLDER [--split test] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.beir import open_searcher
from index.answer import chosen, considered, quote_of
from index.confidence import confidence, expected_error, reliability, shipped
from index.evaluate import (
    METRICS,
    Query,
    auroc,
    contains_answer,
    evaluate,
    exact_match,
    f1,
    read_qrels,
    read_queries,
)
from index.extractor import CrossEncoder, Extractor, Reader
from index.fusion import reciprocal_rank_fusion
from index.lexical import top
from index.questions import kind_of
from index.search import CANDIDATES, Floats, Searcher

DEPTH = 20  # passages a ranking is measured to, more where several are of one document

Ranked = tuple[list[int], str, str | None]
"""Rows, the first sentence of the answer, and the words in it that answer, if a reader tells."""

Rank = Callable[[str, Floats], Ranked]
"""How a question and its vector become a ranking."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--split", default="test", help="which queries (default: test)")
    parser.add_argument("--sample", type=int, default=0, help="only so many queries, chosen evenly")
    parser.add_argument("--model", default="", help="another sentence-transformers model")
    parser.add_argument("--reader", default="", help="a cross-encoder instead of ours, or 'none'")
    parser.add_argument(
        "--kept", type=Path, default=Path(".store/benchmarks"), help="where indexes are kept"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    searcher = open_searcher(options.data, options.kept, options.model)
    qrels = read_qrels(options.data, options.split)
    queries = [query for query in read_queries(options.data, options.split) if query.id in qrels]
    if options.sample:
        queries = random.Random(0).sample(queries, min(options.sample, len(queries)))
    if not queries:
        parser.error(f"no judged query in split '{options.split}'")
    qrels = {query.id: qrels[query.id] for query in queries}
    reader: Reader | None = None
    if options.reader != "none":
        own = options.reader == ""
        reader = Extractor(kept=options.kept) if own else CrossEncoder(options.reader)
    result = measure(searcher, queries, qrels, reader)
    result |= {"data": options.data.name, "split": options.split, "queries": len(queries)}
    if not options.json:
        print(table(result), flush=True)
    if all(query.answers for query in queries):
        result["abstention"] = {
            name: abstain(searcher, queries, qrels, each)
            for name, each in {"no reader": None, "with reader": reader}.items()
            if each is reader or reader is not None
        }
    print(json.dumps(result) if options.json else curves(result))


def measure(
    searcher: Searcher,
    queries: Sequence[Query],
    qrels: dict[str, dict[str, int]],
    reader: Reader | None = None,
) -> dict[str, Any]:
    """One row of figures for each way of ranking; of answers where queries carry any."""
    documents = searcher.snapshot.table.document_ids()
    begun = time.monotonic()
    vectors = searcher.encoder.encode_queries([query.text for query in queries])
    encoding = (time.monotonic() - begun) / len(queries)
    rows = {}
    for name, rank in _rankings(searcher, reader).items():
        run: dict[str, dict[str, float]] = {}
        figures: dict[str, list[float]] = {"ms": []}
        pairs = zip(queries, vectors, strict=True)
        for query, vector in tqdm(pairs, name, len(queries), file=sys.stderr, leave=False):
            begun = time.perf_counter()
            found, sentence, words = rank(query.text, vector)
            figures["ms"].append(1000 * (time.perf_counter() - begun))
            run[query.id] = _by_document(found, documents)
            if query.answers:
                figures.setdefault("answer", []).append(contains_answer(sentence, query.answers))
                if words is not None:
                    figures.setdefault("f1", []).append(f1(words, query.answers))
                    figures.setdefault("em", []).append(exact_match(words, query.answers))
        rows[name] = evaluate(qrels, run, METRICS)
        rows[name] |= {key: float(np.mean(values)) for key, values in figures.items() if values}
        rows[name]["ms"] = float(np.median(figures["ms"]))
    return {
        "rows": rows,
        "passages": len(documents),
        "documents": len({name for names in documents for name in names}),
        "encoding_ms": 1000 * encoding,
    }


def _rankings(searcher: Searcher, reader: Reader | None) -> dict[str, Rank]:
    snapshot = searcher.snapshot

    def dense(query: str, vector: Floats) -> Ranked:  # noqa: ARG001, as the others
        rows, _ = snapshot.vectors.search(vector, CANDIDATES)
        return rows.tolist(), _nearest_sentence(searcher, int(rows[0]), vector), None

    def bm25(query: str, vector: Floats) -> Ranked:
        rows = top(snapshot.lexical.scores(query), CANDIDATES)
        nearest = _nearest_sentence(searcher, int(rows[0]), vector) if len(rows) else ""
        return rows.tolist(), nearest, None

    def rrf(query: str, vector: Floats) -> Ranked:
        near, _ = snapshot.vectors.search(vector, CANDIDATES)
        wordy = top(snapshot.lexical.scores(query), CANDIDATES)
        fused = reciprocal_rank_fusion([near.tolist(), wordy.tolist()])
        rows = sorted(fused, key=lambda row: (-fused[row], row))
        return rows, _nearest_sentence(searcher, rows[0], vector), None

    def ours(query: str, vector: Floats, reader: Reader | None = None) -> Ranked:
        hits = searcher.search_vector(query, vector, 2 * DEPTH)
        hits, readings = considered(query, hits, snapshot.lexical, reader)
        first = chosen(readings, kind_of(query))[0]
        text = first.hit.passage.text
        words = None if first.words is None else text[slice(*first.words)]
        return [hit.row for hit in hits], quote_of(first), words

    def read(query: str, vector: Floats) -> Ranked:
        return ours(query, vector, reader)

    rankings: dict[str, Rank] = {
        "dense alone": dense,
        "BM25 alone": bm25,
        "RRF of both": rrf,
        "no reader": ours,
    }
    return rankings | ({} if reader is None else {"with reader": read})


def _nearest_sentence(searcher: Searcher, row: int, vector: Floats) -> str:
    """The sentence of a passage that is closest to the question in meaning."""
    passage = searcher.snapshot.table.passage(row)
    scores, _ = searcher.snapshot.sentences.scores(vector, np.array([row]))
    return passage.text[slice(*passage.sentences[int(scores.argmax())])]


def _by_document(rows: Sequence[int], documents: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """A run entry: each document where its first passage stands."""
    run: dict[str, float] = {}
    for rank, row in enumerate(rows, start=1):
        for document in documents[row]:
            run.setdefault(document, 1 / rank)
    return run


def abstain(
    searcher: Searcher,
    queries: Sequence[Query],
    qrels: dict[str, dict[str, int]],
    reader: Reader | None,
) -> dict[str, Any]:
    """How well the confidence tells questions that are answered from those that are not.

    Every other question is asked as if its article, or as if only its paragraph, were not in the
    corpus: its passages are left out of the candidates.
    """
    vectors = searcher.encoder.encode_queries([query.text for query in queries])
    titles = {one.id: one.title for one in searcher.snapshot.table.documents()}
    documents = searcher.snapshot.table.document_ids()
    said: dict[str, list[float]] = {"article": [], "paragraph": []}
    true: dict[str, list[bool]] = {"article": [], "paragraph": []}
    told: list[bool] = []
    fitting = shipped(reader.name if reader else "")
    pairs = zip(queries, vectors, strict=True)
    for number, (query, vector) in enumerate(
        tqdm(pairs, "abstaining", len(queries), file=sys.stderr, leave=False)
    ):
        there = number % 2 == 0
        told.append(there)
        gold = set(qrels[query.id])
        articles = {titles.get(item, item) for item in gold}
        candidates = searcher.search_vector(query.text, vector, 2 * CANDIDATES)
        without = {
            "article": [hit for hit in candidates if hit.passage.title not in articles],
            "paragraph": [hit for hit in candidates if not gold & set(documents[hit.row])],
        }
        for lacking in said:
            if there and lacking == "paragraph":
                said[lacking].append(said["article"][-1])
                true[lacking].append(true["article"][-1])
                continue
            hits = (candidates if there else without[lacking])[:DEPTH]
            _, readings = considered(query.text, hits, searcher.snapshot.lexical, reader)
            said[lacking].append(confidence(readings, fitting))
            first = chosen(readings, kind_of(query.text))[0] if readings else None
            true[lacking].append(
                there and first is not None and contains_answer(quote_of(first), query.answers)
            )
    weak = fitting.weak
    return {
        lacking: {
            "auroc": auroc(said[lacking], told),
            "auroc_right": _of_right(said[lacking], true[lacking], told),
            "calibration_error": expected_error(said[lacking], true[lacking]),
            "reliability": reliability(said[lacking], true[lacking]),
            "threshold": weak,
            "curve": _curve(said[lacking], true[lacking], told, weak),
        }
        for lacking in said
    }


def _of_right(said: Sequence[float], true: Sequence[bool], told: Sequence[bool]) -> float:
    """The area under the curve without questions that are there and answered wrongly.

    A confidence that is low for these, as it should be, costs the plain figure.
    """
    kept = [
        (chance, there)
        for chance, right, there in zip(said, true, told, strict=True)
        if right or not there
    ]
    return auroc([chance for chance, _ in kept], [there for _, there in kept])


def _curve(
    said: Sequence[float], true: Sequence[bool], told: Sequence[bool], weak: float
) -> list[dict[str, float]]:
    """Coverage and precision at some thresholds, the default among them."""
    chance, right, there = np.array(said), np.array(true), np.array(told)
    rows = []
    for threshold in sorted({weak, *(number / 10 for number in range(1, 10))}):
        shown = chance >= threshold
        rows.append(
            {
                "threshold": threshold,
                "coverage": float(shown.mean()),
                "answerable": float(shown[there].mean()),
                "unanswerable": float(shown[~there].mean()),
                "precision": float(right[shown].mean()) if shown.any() else 1.0,
            }
        )
    return rows


def table(result: dict[str, Any]) -> str:
    """The figures of ranking as text columns."""
    names = {"ndcg@10": "nDCG@10", "recall@1": "R@1", "recall@5": "R@5", "recall@20": "R@20"}
    names |= {"mrr@10": "MRR@10", "answer": "1st sentence"}
    names |= {"f1": "span F1", "em": "span EM", "ms": "ms p50"}
    lines = [
        f"{result['data']} ({result['split']}): {result['queries']:,} queries, "
        f"{result['documents']:,} documents, {result['passages']:,} passages",
        " " * 14 + "".join(f"{title:>13}" for title in names.values()),
    ]
    for name, figures in result["rows"].items():
        cells = [figures.get(key) for key in names]
        shown = [" " * 12 + "-" if cell is None else f"{cell:13.3f}" for cell in cells]
        lines.append(f"{name:<14}" + "".join(shown))
    lines.append(f"ms: a question, without encoding it ({result['encoding_ms']:.1f} ms, batched)")
    return "\n".join(lines)


def curves(result: dict[str, Any]) -> str:
    """The figures of abstention as text columns."""
    lines = []
    for name, cases in result.get("abstention", {}).items():
        for lacking, found in cases.items():
            lines += [
                "",
                f"{name}, every other question asked without its {lacking}: "
                f"AUROC {found['auroc']:.3f}, of those answered rightly "
                f"{found['auroc_right']:.3f}, calibration error {found['calibration_error']:.3f}",
                "threshold     shown   of answerable   of unanswerable   right, of those shown",
            ]
            for row in found["curve"]:
                mark = "*" if row["threshold"] == found["threshold"] else " "
                lines.append(
                    f"{row['threshold']:8.2f}{mark}{row['coverage']:10.3f}{row['answerable']:16.3f}"
                    f"{row['unanswerable']:18.3f}{row['precision']:24.3f}"
                )
    if result.get("abstention"):
        lines.append("* the default threshold")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
