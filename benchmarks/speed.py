"""How fast Passages is, always against something else on the same machine, in turn.

Prints figures and ratios; asserts nothing. Each command takes a folder in BEIR's layout.

    python -m benchmarks.speed encode  --data FOLDER    against SentenceTransformer.encode
    python -m benchmarks.speed cold    --data FOLDER    a first question against an import
    python -m benchmarks.speed ask     --data FOLDER    one person, and sixteen at once
    python -m benchmarks.speed rebuild --data FOLDER    nothing, one file, one file less
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.beir import documents_of, open_searcher
from index.answer import answer
from index.build import build
from index.embed import input_of
from index.encoder import Encoder, Input
from index.evaluate import read_queries
from index.passages import Window, split
from index.store import Store

ROOT = Path(__file__).parents[1]
PEOPLE = 16
Result = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    commands: dict[str, Callable[[argparse.Namespace], Result]] = {
        "encode": encode,
        "cold": cold,
        "ask": ask,
        "rebuild": rebuild,
    }
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=commands)
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--runs", type=int, default=5, help="measurements of each side")
    parser.add_argument("--texts", type=int, default=2048, help="texts for encode")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)
    result = commands[options.what](options)
    if options.json:
        print(json.dumps(result))
    else:
        width = max(map(len, result))
        for name, value in result.items():
            shown = f"{value:,.4g}" if isinstance(value, float) else f"{value}"
            print(f"{name:<{width}}  {shown}")


def encode(options: argparse.Namespace) -> Result:
    """Passages and sentences, against passages alone by ``SentenceTransformer.encode``."""
    from sentence_transformers import SentenceTransformer

    encoder = Encoder(kept=options.kept / "models")
    window = Window(encoder.window, encoder.count_tokens)
    inputs: list[Input] = []
    for document in documents_of(options.data):
        inputs.extend(input_of(passage) for passage in split(document, window))
        if len(inputs) >= options.texts:
            break
    inputs = inputs[: options.texts]
    texts = [f"{item.context}\n{item.text}" for item in inputs]
    original = SentenceTransformer(str(encoder.folder), device="cpu")
    list(encoder.encode_passages(inputs[:64]))
    original.encode(texts[:64])
    ours, theirs, peaks = [], [], []
    for _ in range(options.runs):
        ours.append(len(texts) / _seconds(lambda: list(encoder.encode_passages(inputs))))
        theirs.append(len(texts) / _seconds(lambda: original.encode(texts)))
        peaks.append(_peak(encoder.precision))
    work = _work(encoder, texts) / len(texts)
    shares = [rate * work / peak for rate, peak in zip(ours, peaks, strict=True)]
    return {
        "texts": len(texts),
        "sentences": sum(len(item.sentences) for item in inputs),
        "precision": encoder.precision,
        "sentence-transformers, texts/s": statistics.median(theirs),
        "Passages, texts/s": statistics.median(ours),
        "ratio, run by run": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "matrix peak, TFLOP/s": statistics.median(peaks) / 1e12,
        "share of the peak, run by run": statistics.median(shares),
    }


def cold(options: argparse.Namespace) -> Result:
    """``python -m app ask`` in a new process, against importing sentence_transformers."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "app"]
        places = ["--corpus", str(ROOT / "corpus"), "--store", folder]
        subprocess.run([*command, "build", *places], cwd=ROOT, check=True, capture_output=True)
        question = [*command, "ask", *places, "What is defense diplomacy?"]
        theirs = [sys.executable, "-c", "import sentence_transformers"]
        pairs = []
        for run in range(options.runs + 1):
            pair = (_process(question), _process(theirs))
            if run:  # the first pair warms the disk
                pairs.append(pair)
    return {
        "ask, s": statistics.median(pair[0] for pair in pairs),
        "import sentence_transformers, s": statistics.median(pair[1] for pair in pairs),
        "ratio, run by run": statistics.median(a / b for a, b in pairs),
    }


def ask(options: argparse.Namespace) -> Result:
    """Answers over the whole data: latency alone, latency and rate with sixteen people."""
    searcher = open_searcher(options.data, options.kept)
    queries = [query.text for query in read_queries(options.data)][: options.texts]
    for query in queries[:50]:
        answer(query, searcher)
    alone, bare = [], []
    for query in queries:
        bare.append(_seconds(searcher.encoder.encode_queries, [query]))
        alone.append(_seconds(answer, query, searcher))
    together: list[float] = []
    share = -(-len(queries) // PEOPLE)

    def person(mine: Sequence[str]) -> None:
        for query in mine:
            together.append(_seconds(answer, query, searcher))

    people = [
        threading.Thread(target=person, args=(queries[n * share : (n + 1) * share],))
        for n in range(PEOPLE)
    ]
    begun = time.perf_counter()
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()
    seconds = time.perf_counter() - begun
    return {
        "passages": len(searcher.snapshot.table),
        "questions": len(queries),
        "encoding a question, p50 ms": 1000 * _quantile(bare, 0.5),
        "answer alone, p50 ms": 1000 * _quantile(alone, 0.5),
        "answer alone, p95 ms": 1000 * _quantile(alone, 0.95),
        "answer / encoding, p50": _quantile(alone, 0.5) / _quantile(bare, 0.5),
        f"{PEOPLE} people, p50 ms": 1000 * _quantile(together, 0.5),
        f"{PEOPLE} people, p95 ms": 1000 * _quantile(together, 0.95),
        f"{PEOPLE} people, answers/s": len(together) / seconds,
    }


def rebuild(options: argparse.Namespace) -> Result:
    """A folder of files, one for each title: first build, unchanged, one edited, one deleted."""
    articles: dict[str, list[str]] = defaultdict(list)
    for document in documents_of(options.data):
        articles[document.title].append(document.text)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, (title, texts) in enumerate(articles.items()):
            text = f"# {title}\n\n" + "\n\n".join(" ".join(text.split()) for text in texts) + "\n"
            (corpus / f"{number:05d}.txt").write_text(text, encoding="utf-8")
        store = Store(Path(folder) / "store")
        shutil.copytree(options.kept / "models", store.models)
        encoder = Encoder(kept=store.models)
        result: Result = {"files": len(articles)}

        def step(name: str) -> float:
            report = build(corpus, store, encoder)
            result.setdefault("passages", report.passages)
            result[f"{name}, s"] = report.seconds
            result[f"{name}, texts encoded"] = report.encoded
            return report.seconds

        first = step("first build")
        unchanged = step("unchanged")
        path = corpus / "00000.txt"
        path.write_text(path.read_text(encoding="utf-8") + "\n\nA new paragraph stands here.\n")
        step("one file edited")
        (corpus / "00001.txt").unlink()
        step("one file deleted")
        result["unchanged / first build"] = unchanged / first
    return result


def _seconds(work: Callable[..., object], *values: object) -> float:
    begun = time.perf_counter()
    work(*values)
    return time.perf_counter() - begun


def _process(command: Sequence[str]) -> float:
    return _seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(np.array(values), share))


def _work(encoder: Encoder, texts: Sequence[str]) -> float:
    """Floating-point operations of the encoder's matrix products for these texts, no padding."""
    config = json.loads((encoder.folder / "config.json").read_text(encoding="utf-8"))
    size, inner = config["hidden_size"], config["intermediate_size"]
    total = 0.0
    for count in encoder.count_tokens(texts):
        length = count + 2
        products = length * (4 * size * size + 2 * size * inner) + 2 * length * length * size
        total += 2 * config["num_hidden_layers"] * products
    return total


def _peak(precision: str) -> float:
    """Operations a second of large matrix products by torch, the best of several sizes.

    Each size is kept up for half a second: what a processor does for a moment it does not sustain.
    """
    import torch

    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    best = 0.0
    for size in (1024, 2048, 4096):
        one = torch.randn(size, size).to(kind)
        other = torch.randn(size, size).to(kind)
        torch.mm(one, other)
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < 0.5:
            torch.mm(one, other)
            count += 1
        best = max(best, 2 * size**3 * count / (time.perf_counter() - begun))
    return best


if __name__ == "__main__":
    main()
