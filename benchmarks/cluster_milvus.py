"""The same passages with their vectors in files (FAISS) and in a Milvus server, asked alike.

Text is made up and vectors are clustered; encoding and the reader are left out. Without ``--uri``
a server is started, in a network namespace of its own. Prints tables, asserts nothing.

    python -m benchmarks.cluster milvus --vectors 100000 [--exact-up-to 0]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.milvus_server import TOKEN, URI, MilvusServer, in_a_namespace
from benchmarks.synthetic import SyntheticEncoder, documents
from index.answer import answer
from index.build import build_documents
from index.milvus import Milvus
from index.search import Searcher
from index.store import Store
from index.vectors import EXACT_UP_TO

QUESTIONS = 200
ROWS = 150  # of which text and sentences are looked at for a question
Asked = tuple[str, np.ndarray]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cluster milvus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--exact-up-to", type=int, default=EXACT_UP_TO, metavar="PASSAGES")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks/cluster"))
    parser.add_argument("--uri", default="", help="a server that runs already")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--fields", type=int, default=0, metavar="PASSAGES", help=_FIELDS)
    options = parser.parse_args(arguments)
    if options.uri:
        measure(options, options.uri)
    elif os.environ.get("_INSIDE") != "1":
        given = list(sys.argv[2:] if arguments is None else arguments)
        command = [sys.executable, "-m", "benchmarks.cluster", "milvus", *given]
        sys.exit(subprocess.call(in_a_namespace(command), env={**os.environ, "_INSIDE": "1"}))
    else:
        data = options.kept / "server"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        server = MilvusServer(data.absolute(), (options.kept / "programs").absolute())
        server.start()
        try:
            measure(options, URI)
        finally:
            server.kill()
            shutil.rmtree(data)


_FIELDS = "also compare with text and sentences kept in Milvus, of so many passages"


def measure(options: argparse.Namespace, uri: str) -> None:
    milvus = Milvus(uri, options.token, "benchmark")
    encoder = SyntheticEncoder()
    stores = {
        "FAISS": Store(options.kept / "files"),
        "Milvus": Store(options.kept / "milvus", server=milvus),
    }
    lines = ["| | search | build, s | threads | p50, ms | p95, ms | questions/s |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|")
    for name, store in stores.items():
        shutil.rmtree(store.folder, ignore_errors=True)
        begun = time.perf_counter()
        corpus = documents(options.vectors)
        report = build_documents(corpus, store, encoder, exact_up_to=options.exact_up_to)
        took = time.perf_counter() - begun
        searcher = Searcher(store.open(), encoder)
        asked = _questions(searcher, encoder)
        how = f"{report.nearest.kind}, recall {report.nearest.recall:.3f}"
        for threads in options.threads:
            p50, p95, rate = _ask(lambda one, at=searcher: _answer(at, *one), asked, threads)  # type: ignore[misc]
            lines.append(
                f"| {name} | {how} | {took:.0f} | {threads} | {p50:.1f} | {p95:.1f} | {rate:.0f} |"
            )
    print("\n".join(lines))
    print("\n" + parts(stores["FAISS"]))
    if options.fields:
        print("\n" + fields(milvus, stores["FAISS"], options.fields))
    for store in stores.values():
        shutil.rmtree(store.folder, ignore_errors=True)
    for snapshot in milvus.kept():
        milvus.call("release_collection", milvus._collection(snapshot))


def _questions(searcher: Searcher, encoder: SyntheticEncoder) -> list[Asked]:
    random = np.random.default_rng(3)
    found = []
    for row in random.choice(len(searcher.snapshot.table), QUESTIONS, replace=False).tolist():
        text = " ".join(searcher.snapshot.table.passage(row).text.split()[:8])
        vectors, _ = searcher.snapshot.sentences.of(np.array([row]))
        found.append((text, encoder.near(vectors[0].astype(np.float32))))
    return found


def _answer(searcher: Searcher, text: str, vector: np.ndarray) -> None:
    encoder = searcher.encoder
    assert isinstance(encoder, SyntheticEncoder)
    encoder.known[text] = vector
    answer(text, searcher)


def _ask(
    ask: Callable[[Any], None], asked: Sequence[Any], threads: int
) -> tuple[float, float, float]:
    """Milliseconds of a question, median and 95th percentile, and questions a second."""

    def timed(one: Any) -> float:
        begun = time.perf_counter()
        ask(one)
        return (time.perf_counter() - begun) * 1000

    for one in asked[:20]:
        ask(one)
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        took = list(pool.map(timed, asked))
        rate = len(asked) / (time.perf_counter() - begun)
    return float(np.percentile(took, 50)), float(np.percentile(took, 95)), rate


def parts(store: Store) -> str:
    """Bytes on disk of each part of a snapshot, for each passage."""
    manifest = store.open().manifest
    sizes: dict[str, int] = {}
    for name, (size, _) in manifest.files.items():
        part = name.split("/")[0]
        sizes[part] = sizes.get(part, 0) + size
    rows = [f"| {name} | {size / manifest.passages:,.0f} |" for name, size in sizes.items()]
    return "\n".join(["| part | bytes a passage |", "|---|---:|", *rows])


def fields(milvus: Milvus, store: Store, count: int) -> str:
    """What a question's text and sentence scores take from Milvus and from the files."""
    from pymilvus import DataType, MilvusClient

    snapshot = store.open()
    count = min(count, len(snapshot.table))
    name = "benchmark_fields"
    schema = MilvusClient.create_schema(auto_id=True, enable_dynamic_field=False)
    schema.add_field("key", DataType.INT64, is_primary=True)
    schema.add_field("passage", DataType.INT64)
    schema.add_field("text", DataType.VARCHAR, max_length=65_535)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=SyntheticEncoder.dimension)
    milvus.call("create_collection", name, schema=schema)
    for start in range(0, count, 500):
        rows = np.arange(start, min(start + 500, count))
        vectors, begins = snapshot.sentences.of(rows)
        batch = [
            {
                "passage": int(row),
                # The text stands with the first sentence.
                "text": "" if number else json.dumps(snapshot.table.passage(int(row)).text),
                "vector": vector.astype(np.float32),
            }
            for row, first, end in zip(rows, begins, begins[1:], strict=False)
            for number, vector in enumerate(vectors[first:end])
        ]
        milvus.call("insert", name, batch, seconds=60)
    milvus._index(name, "FLAT")
    milvus.call("load_collection", name, seconds=600)
    random = np.random.default_rng(5)
    asked = [
        (snapshot.sentences.of(np.array([one[0]]))[0][0].astype(np.float32), np.sort(one))
        for one in (random.choice(count, ROWS, replace=False) for _ in range(QUESTIONS))
    ]

    def sentences_there(one: tuple[np.ndarray, np.ndarray]) -> None:
        milvus.call(
            "search",
            name,
            data=[one[0]],
            limit=16 * ROWS,
            filter=f"passage in {one[1].tolist()}",
            output_fields=["passage"],
            search_params={"metric_type": "IP"},
        )

    def texts_there(one: tuple[np.ndarray, np.ndarray]) -> None:
        where = f'passage in {one[1][:10].tolist()} and text != ""'
        milvus.call("query", name, filter=where, output_fields=["text"])

    ways: dict[str, Callable[[Any], None]] = {
        f"sentences of {ROWS} passages, files": lambda one: (
            snapshot.sentences.scores(one[0], one[1]),
            None,
        )[1],
        f"sentences of {ROWS} passages, Milvus": sentences_there,
        "text of 10 passages, files": lambda one: [
            snapshot.table.places(int(row), 100) for row in one[1][:10]
        ].clear(),
        "text of 10 passages, Milvus": texts_there,
    }
    lines = [f"| of {count:,} passages | p50, ms | p95, ms |", "|---|---:|---:|"]
    for what, way in ways.items():
        p50, p95, _ = _ask(way, asked, 1)
        lines.append(f"| {what} | {p50:.2f} | {p95:.2f} |")
    milvus.call("drop_collection", name)
    return "\n".join(lines)
