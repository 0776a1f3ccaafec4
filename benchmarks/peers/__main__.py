"""Passages against its peers: size, speed, memory and ranking, on any folder in BEIR's layout.

Each system runs in an environment and a process of its own, on the CPU, with the same weights
and nothing from the network. They index one after the other; questions go to all of them in
turn, so what else the machine does falls on all alike. Prints figures; asserts nothing.

    python -m benchmarks.peers --data FOLDER [--peers faiss chroma] [--json | --markdown]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.peers.process import Running
from benchmarks.peers.report import machine, markdown, table
from benchmarks.peers.systems import (
    PASSAGES,
    PEERS,
    Peer,
    PeerError,
    environment,
    own_version,
    python_of,
    size_of,
)
from index.encoder import Encoder
from index.evaluate import CorpusText, Query, evaluate, read_corpus, read_qrels, read_queries

METRICS = ("recall@1", "mrr@10", "ndcg@10")
TURN = 20  # questions that a system is asked before it is the next one's turn
WARM_UP = 20  # questions that each system is asked before any is measured
PAUSE = 0.1  # seconds between turns: some libraries' threads spin for a while after their work
BUSY = 1.0  # load average above which threads that wait for each other are held up
Result = dict[str, Any]
Qrels = dict[str, dict[str, int]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--split", default="test", help="which queries (default: test)")
    parser.add_argument("--peers", nargs="*", default=names, choices=names, metavar="PEER")
    parser.add_argument(
        "--passages", type=int, default=0, help="only so many, those that answer among them"
    )
    parser.add_argument("--questions", type=int, default=0, help="only so many, chosen evenly")
    parser.add_argument(
        "--kept",
        type=Path,
        default=Path(".store/benchmarks/peers"),
        help="where environments are kept (10 GB)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    form.add_argument("--markdown", action="store_true", help="Markdown instead of a table")
    options = parser.parse_args(arguments)
    corpus, queries, qrels = choose(
        options.data, options.split, options.passages, options.questions
    )
    if not queries:
        parser.error(f"no judged query in split '{options.split}'")
    about = machine()
    if about.get("load", 0) > BUSY:
        _say(f"The machine is busy (load {about['load']}): what runs on torch suffers most.")
    chosen = [PASSAGES, *(peer for peer in PEERS if peer.name in options.peers)]
    result: Result = {
        "command": _command(options),
        "machine": about,
        "data": options.data.resolve().name,
        "split": options.split,
        "passages": len(corpus),
        "questions": len(queries),
        "systems": compare(chosen, corpus, queries, qrels, options.kept.resolve()),
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(markdown(result) if options.markdown else table(result))


def choose(
    data: Path, split: str, passages: int, questions: int
) -> tuple[list[CorpusText], list[Query], Qrels]:
    """So many questions, and so many documents with all that answer them; 0 means all."""
    qrels = read_qrels(data, split)
    queries = [query for query in read_queries(data, split) if query.id in qrels]
    if questions and questions < len(queries):
        queries = random.Random(0).sample(queries, questions)
    corpus = [text for text in read_corpus(data) if text.text.strip()]
    if passages and passages < len(corpus):
        gold = {item for query in queries for item in qrels[query.id]}
        others = [text.id for text in corpus if text.id not in gold]
        more = max(0, passages - (len(corpus) - len(others)))
        kept = gold.union(random.Random(0).sample(others, more))
        corpus = [text for text in corpus if text.id in kept]
    return corpus, queries, {query.id: dict(qrels[query.id]) for query in queries}


def compare(
    peers: Sequence[Peer],
    corpus: Sequence[CorpusText],
    queries: Sequence[Query],
    qrels: Qrels,
    kept: Path,
) -> dict[str, Result]:
    """A row of figures for each system, or the reason why there are none, by name."""
    weights = Encoder().folder
    rows: dict[str, Result] = {peer.name: {"title": peer.title} for peer in peers}
    environments: dict[str, Path] = {}
    for peer in peers:
        try:
            _say(f"{peer.title}: environment")
            environments[peer.name] = environment(peer, kept)
        except PeerError as error:
            _fail(rows[peer.name], error)
    running: dict[str, Running] = {}
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=kept)))
        file = work / "corpus.jsonl"
        _write(corpus, file)
        for peer in peers:
            if peer.name not in environments:
                continue
            row, home = rows[peer.name], environments[peer.name]
            try:
                _say(f"{peer.title}: starting")
                system = stack.enter_context(_started(peer, home, weights, work))
                _say(f"{peer.title}: ready in {system.startup:.1f} s; indexing")
                seconds = system.build(file)
                _say(f"{peer.title}: indexed in {seconds:.1f} s")
            except PeerError as error:
                _fail(row, error)
                continue
            running[peer.name] = system
            row["versions"] = own_version(peer) | system.versions
            row["version"] = row["versions"][peer.package]
            # The environment of Passages has the weights as a package.
            carried = 0 if peer is PASSAGES else size_of(weights)
            row["installed_mb"] = (size_of(home) + carried) / 1e6
            row["startup_s"] = system.startup
            row["build_s"] = seconds
            row["passages_per_s"] = len(corpus) / seconds
        ask(running, queries, qrels, rows)
        for name, system in running.items():
            if "failed" not in rows[name]:
                try:
                    rows[name]["memory_mb"] = system.quit() / 1e6
                except PeerError as error:
                    _fail(rows[name], error)
    return rows


def _started(peer: Peer, home: Path, weights: Path, work: Path) -> Running:
    folder = work / peer.name
    folder.mkdir()
    command = [str(python_of(home)), "-m", peer.module, str(weights), str(folder)]
    return Running(command, folder, home.parent / f"{peer.name}-run.log")


def _write(corpus: Sequence[CorpusText], file: Path) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for text in corpus:
            item = {"_id": text.id, "title": text.title, "text": text.text.strip()}
            lines.write(json.dumps(item) + "\n")


def ask(
    running: dict[str, Running], queries: Sequence[Query], qrels: Qrels, rows: dict[str, Result]
) -> None:
    """Ask all systems all questions, in turns that begin with another one each time."""
    order = list(running)
    runs: dict[str, dict[str, dict[str, float]]] = {name: {} for name in order}
    times: dict[str, list[float]] = {name: [] for name in order}
    texts = [query.text for query in queries]
    turns = [queries[start : start + TURN] for start in range(0, len(queries), TURN)]
    with tqdm(total=len(queries), desc="asking", file=sys.stderr, leave=False) as bar:
        for number, turn in enumerate(turns):
            first = number % len(order) if order else 0
            for name in order[first:] + order[:first]:
                if "failed" in rows[name]:
                    continue
                time.sleep(PAUSE)
                try:
                    # Not measured: what the others have driven out of the caches comes back.
                    for text in texts[-WARM_UP:] if number == 0 else texts[:1]:
                        running[name].ask(text)
                    for query in turn:
                        found, seconds = running[name].ask(query.text)
                        ranked = enumerate(found, start=1)
                        runs[name][query.id] = {item: 1 / rank for rank, item in ranked}
                        times[name].append(seconds)
                except PeerError as error:
                    _fail(rows[name], error)
            bar.update(len(turn))
    for name in order:
        if "failed" not in rows[name]:
            rows[name]["ask_p50_ms"] = 1000 * float(np.quantile(times[name], 0.5))
            rows[name]["ask_p95_ms"] = 1000 * float(np.quantile(times[name], 0.95))
            rows[name] |= evaluate(qrels, runs[name], METRICS)


def _fail(row: Result, error: PeerError) -> None:
    row["failed"] = str(error)
    _say(f"{row['title']}: {error}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _command(options: argparse.Namespace) -> str:
    """The command that repeats this run, without a folder of this machine."""
    words = ["python -m benchmarks.peers --data", options.data.resolve().name]
    if options.split != "test":
        words.append(f"--split {options.split}")
    if len(options.peers) < len(PEERS):
        words.append(f"--peers {' '.join(options.peers)}")
    for name in ("passages", "questions"):
        if count := getattr(options, name):
            words.append(f"--{name} {count}")
    return " ".join(words)


if __name__ == "__main__":
    main()
