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
from index.evaluate import METRICS, Query, contains_answer, evaluate, read_qrels, read_queries
from index.fusion import reciprocal_rank_fusion
from index.lexical import top
from index.reader import read
from index.search import CANDIDATES, Floats, Searcher

DEPTH = 20  # passages a ranking is measured to, more where several are of one document
Rank = Callable[[str, Floats], tuple[list[int], str]]
"""``(query, vector) -> (rows, first sentence)``"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--split", default="test", help="which queries (default: test)")
    parser.add_argument("--sample", type=int, default=0, help="only so many queries, chosen evenly")
    parser.add_argument("--model", default="", help="another sentence-transformers model")
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
    result = measure(searcher, queries, {query.id: qrels[query.id] for query in queries})
    result |= {"data": options.data.name, "split": options.split, "queries": len(queries)}
    print(json.dumps(result) if options.json else table(result))


def measure(
    searcher: Searcher, queries: Sequence[Query], qrels: dict[str, dict[str, int]]
) -> dict[str, Any]:
    """One row of figures for each way of ranking; ``answer`` where queries carry answers."""
    documents = searcher.snapshot.table.document_ids()
    begun = time.monotonic()
    vectors = searcher.encoder.encode_queries([query.text for query in queries])
    encoding = (time.monotonic() - begun) / len(queries)
    rows = {}
    for name, rank in _rankings(searcher).items():
        run: dict[str, dict[str, float]] = {}
        answered = asked = 0
        begun = time.monotonic()
        pairs = zip(queries, vectors, strict=True)
        for query, vector in tqdm(pairs, name, len(queries), file=sys.stderr, leave=False):
            found, sentence = rank(query.text, vector)
            run[query.id] = _by_document(found, documents)
            if query.answers:
                asked += 1
                answered += contains_answer(sentence, query.answers)
        seconds = (time.monotonic() - begun) / len(queries)
        rows[name] = evaluate(qrels, run, METRICS) | {"ms": 1000 * seconds}
        if asked:
            rows[name]["answer"] = answered / asked
    return {
        "rows": rows,
        "passages": len(documents),
        "documents": len(set(documents)),
        "encoding_ms": 1000 * encoding,
    }


def _rankings(searcher: Searcher) -> dict[str, Rank]:
    snapshot = searcher.snapshot

    def dense(query: str, vector: Floats) -> tuple[list[int], str]:  # noqa: ARG001, as the others
        rows, _ = snapshot.vectors.search(vector, CANDIDATES)
        return rows.tolist(), _nearest_sentence(searcher, int(rows[0]), vector)

    def bm25(query: str, vector: Floats) -> tuple[list[int], str]:
        rows = top(snapshot.lexical.scores(query), CANDIDATES)
        return rows.tolist(), _nearest_sentence(searcher, int(rows[0]), vector) if len(rows) else ""

    def rrf(query: str, vector: Floats) -> tuple[list[int], str]:
        near, _ = snapshot.vectors.search(vector, CANDIDATES)
        wordy = top(snapshot.lexical.scores(query), CANDIDATES)
        fused = reciprocal_rank_fusion([near.tolist(), wordy.tolist()])
        rows = sorted(fused, key=lambda row: (-fused[row], row))
        return rows, _nearest_sentence(searcher, rows[0], vector)

    def ours(query: str, vector: Floats) -> tuple[list[int], str]:
        hits = searcher.search_vector(query, vector, 2 * DEPTH)
        best = read(query, hits[:10], snapshot.lexical)[0]
        sentence = best.hit.passage.text[slice(*best.span)]
        return [hit.row for hit in hits], sentence

    return {"dense alone": dense, "BM25 alone": bm25, "RRF of both": rrf, "Passages": ours}


def _nearest_sentence(searcher: Searcher, row: int, vector: Floats) -> str:
    """The sentence of a passage that is closest to the question in meaning."""
    passage = searcher.snapshot.table.passage(row)
    scores, _ = searcher.snapshot.sentences.scores(vector, np.array([row]))
    return passage.text[slice(*passage.sentences[int(scores.argmax())])]


def _by_document(rows: Sequence[int], documents: Sequence[str]) -> dict[str, float]:
    """A run entry: each document where its first passage stands."""
    run: dict[str, float] = {}
    for rank, row in enumerate(rows, start=1):
        run.setdefault(documents[row], 1 / rank)
    return run


def table(result: dict[str, Any]) -> str:
    """The figures as text columns."""
    names = {"ndcg@10": "nDCG@10", "recall@1": "R@1", "recall@5": "R@5", "recall@20": "R@20"}
    names |= {"mrr@10": "MRR@10", "answer": "1st sentence", "ms": "ms"}
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


if __name__ == "__main__":
    main()
