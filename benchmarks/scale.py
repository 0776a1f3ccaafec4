"""How building, opening and asking grow with the number of passages; encoding is left out.

Builds indexes of made-up text and clustered vectors, the largest of a million passages, and serves
each from a process of its own. Prints figures and can draw them; asserts nothing.

    python -m benchmarks.scale [--passages 10000 100000 1000000] [--plot scale.png] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.synthetic import SyntheticEncoder, documents
from index.answer import answer
from index.build import build_documents
from index.progress import Progress
from index.search import Searcher
from index.store import Store
from index.vectors import EXACT_UP_TO

QUESTIONS = 200
BLOCK = 65_536
Result = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks/scale"))
    parser.add_argument("--exact-up-to", type=int, default=EXACT_UP_TO, metavar="PASSAGES")
    parser.add_argument("--plot", type=Path, help="PNG to draw how the figures grow")
    parser.add_argument("--keep", action="store_true", help="leave the indexes on disk")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    results = []
    for passages in options.passages:
        folder = options.kept / str(passages)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            # Each in a new process: what one has in memory does not count for another.
            result = _apart(build, folder, passages, options.exact_up_to)
            results.append(result | _apart(serve, folder))
        finally:
            if not options.keep:
                shutil.rmtree(folder, ignore_errors=True)
    if options.plot:
        plot(results, options.plot)
    print(json.dumps({"sizes": results}) if options.json else table(results))


def build(folder: Path, passages: int, exact_up_to: int) -> Result:
    """Build an index; the seconds of each part, and the most memory that was used."""
    begun: dict[str, float] = {"reading": time.perf_counter()}
    with tqdm(file=sys.stderr, unit=" passages", leave=False) as bar:

        def note(step: Progress) -> None:
            begun.setdefault(step.stage, time.perf_counter())
            bar.set_description(f"{passages:,}: {step.stage}", refresh=False)
            bar.total, bar.n = step.total, step.done
            bar.refresh()

        encoder = SyntheticEncoder()
        corpus = documents(passages)
        store = Store(folder)
        report = build_documents(corpus, store, encoder, progress=note, exact_up_to=exact_up_to)
    moments = [*begun.values(), time.perf_counter()]
    parts = dict(zip(begun, np.diff(moments).tolist(), strict=True))
    names = {
        "reading": "making and splitting text",
        "encoding": "making and writing vectors",
        "clustering": "clustering",
        "indexing": "BM25",
        "mapping": "map",
        "publishing": "checksums and publishing",
    }
    result: Result = {"passages": report.passages, "search": report.nearest.kind}
    for stage, name in names.items():
        result[f"{name}, s"] = parts.get(stage, 0.0)
    result["build, most memory, MB"] = _memory("VmHWM")
    result["on disk without cache, MB"] = store.open().size / 1e6
    return result


def serve(folder: Path) -> Result:
    """Open an index, answer questions, and compare its nearest passages with the true ones."""
    encoder = SyntheticEncoder()
    begun = time.perf_counter()
    searcher = Searcher(Store(folder).open(), encoder)
    opened = time.perf_counter() - begun
    snapshot = searcher.snapshot
    random = np.random.default_rng(11)
    for row in random.choice(len(snapshot.table), QUESTIONS, replace=False).tolist():
        words = snapshot.table.passage(row).text.rstrip(".").split()
        query = " ".join(random.choice(words, 6, replace=False))
        sentences, _ = snapshot.sentences.of(np.array([row]))
        encoder.known[query] = encoder.near(sentences[0].astype(np.float32))
    seconds = []
    for query in encoder.known:
        begun = time.perf_counter()
        answer(query, searcher)
        seconds.append(time.perf_counter() - begun)
    result: Result = {
        "open, s": opened,
        "first answer, ms": 1000 * seconds[0],
        "answer p50, ms": 1000 * float(np.median(seconds[1:])),
        "answer p95, ms": 1000 * float(np.quantile(seconds[1:], 0.95)),
        "memory of the process, MB": _memory("VmRSS"),
        "of that mapped files, MB": _memory("RssFile"),
    }
    queries = np.stack(list(encoder.known.values()))
    found = [snapshot.vectors.search(query, 10)[0] for query in queries]
    true = _exact(searcher, queries)
    shared = sum(len(np.intersect1d(*pair)) for pair in zip(found, true, strict=True))
    result["recall@10 against exact"] = shared / true.size
    return result


def _exact(searcher: Searcher, queries: np.ndarray) -> np.ndarray:
    """The rows of the ten highest cosines for each question, ``(q, 10)``, block by block."""
    vectors = searcher.snapshot.vectors
    best_rows = np.zeros((len(queries), 0), np.int64)
    best = np.zeros((len(queries), 0), np.float32)
    for start in range(0, len(vectors), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(vectors)))
        scores = np.concatenate([best, vectors.score(queries.T, rows).T], axis=1)
        every = np.concatenate([best_rows, np.tile(rows, (len(queries), 1))], axis=1)
        order = np.argsort(-scores, axis=1)[:, :10]
        best = np.take_along_axis(scores, order, axis=1)
        best_rows = np.take_along_axis(every, order, axis=1)
    return best_rows


def _apart(work: Any, *values: Any) -> Result:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result: Result = pool.submit(work, *values).result()
        return result


def _memory(kind: str) -> float:
    """Megabytes, as the system counts them for this process; NaN where it does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    found = next((line.split()[1] for line in lines if line.startswith(f"{kind}:")), "nan")
    return float(found) * 1024 / 1e6


def table(results: Sequence[Result]) -> str:
    """A line for each figure, a column for each size."""
    names = list(results[0])
    width = max(map(len, names))
    lines = []
    for name in names:
        cells = [result[name] for result in results]
        shown = [f"{cell:,.4g}" if isinstance(cell, float) else f"{cell}" for cell in cells]
        lines.append(f"{name:<{width}}" + "".join(f"{cell:>18}" for cell in shown))
    return "\n".join(lines)


def plot(results: Sequence[Result], path: Path) -> None:
    """Draw latency, opening, building and memory over the number of passages."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    sizes = [result["passages"] for result in results]
    building = [name for name in results[0] if name.endswith(", s") and name != "open, s"]
    panels = {
        "Answering, ms": ["answer p50, ms", "answer p95, ms"],
        "Opening, s": ["open, s"],
        "Building, s": building,
        "Serving memory, MB": ["memory of the process, MB", "of that mapped files, MB"],
    }
    figure, axes = pyplot.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for axis, (title, names) in zip(axes.flat, panels.items(), strict=True):
        for name in names:
            values = [result[name] or float("nan") for result in results]
            axis.plot(sizes, values, marker="o", label=name.rsplit(",", 1)[0])
        axis.set(title=title, xlabel="passages", xscale="log", yscale="log")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
