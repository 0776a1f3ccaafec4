"""How fast Ray's workers encode, on the cores of this machine, beside this machine without Ray.

Prints figures; asserts nothing. More workers than cores share them, and cannot be quicker.

    python -m benchmarks.cluster_encode --data FOLDER --texts 4096 --workers 1 2 4
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.beir import documents_of
from index.cache import VectorCache
from index.cluster import Cluster
from index.embed import input_of
from index.encoder import BLOCK, Encoder
from index.engines import cores
from index.passages import Window, split
from index.records import Passage


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cluster encode",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--model", default="", help="as in the settings; empty: all-MiniLM-L6-v2")
    parser.add_argument("--texts", type=int, default=4096, help=f"texts, in lots of {BLOCK}")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)

    encoder = Encoder(options.model, kept=options.kept.absolute() / "models")
    passages = list(islice(_passages(options.data, encoder), options.texts))
    inputs = [input_of(passage) for passage in passages]
    list(encoder.encode_passages(inputs[:64]))
    load = os.getloadavg()[0]
    begun = time.monotonic()
    list(encoder.encode_passages(inputs))
    alone = len(inputs) / (time.monotonic() - begun)
    rows = [_with(passages, encoder, workers) for workers in options.workers]
    first = rows[0]
    for row in rows:
        row["efficiency"] = row["texts/s"] / first["texts/s"] * first["workers"] / row["workers"]
    if options.json:
        facts = {"cores": cores(), "load": load, "texts": len(inputs), "alone": alone}
        print(json.dumps({**facts, "rows": rows}))
        return
    print(f"{cores()} cores, load before {load:.1f}; {len(inputs):,} texts, {encoder.precision}")
    print(f"without Ray, all cores: {alone:,.1f} texts/s\n")
    print("| workers | first lots after, s | then texts/s | each | efficiency | of without Ray |")
    print("|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        each = row["texts/s"] / row["workers"]
        print(
            f"| {row['workers']} | {row['start']:.1f} | {row['texts/s']:,.1f} | {each:,.1f} "
            f"| {row['efficiency']:.2f} | {row['texts/s'] / alone:.2f} |"
        )


def _with(passages: list[Passage], encoder: Encoder, workers: int) -> dict[str, float]:
    """The rate once each worker has done a lot, and the seconds until then."""
    begun = time.monotonic()
    done: list[tuple[float, int]] = []

    def advance(count: int) -> None:
        done.append((time.monotonic() - begun, count))

    with tempfile.TemporaryDirectory() as folder, Cluster(workers=workers) as cluster:
        cache = VectorCache(Path(folder) / "cache", encoder.identity, encoder.dimension)
        with contextlib.closing(cache):
            lots = Path(folder) / "lots"
            cluster.encode(passages, len(passages), encoder, cache, lots, advance)
    lots_done = [(at, count) for at, count in done if count > 1]
    warm, later = lots_done[: min(workers, len(lots_done) - 1)], lots_done[workers:]
    later = later or lots_done[-1:]
    rate = sum(count for _, count in later) / (later[-1][0] - warm[-1][0])
    return {"workers": workers, "start": warm[-1][0], "texts/s": rate}


def _passages(data: Path, encoder: Encoder) -> Iterator[Passage]:
    window = Window(encoder.window, encoder.count_tokens)
    for document in documents_of(data):
        yield from split(document, window)


if __name__ == "__main__":
    main()
