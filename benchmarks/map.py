"""How long the map takes to lay out and to draw, and how many neighbours it keeps.

    python -m benchmarks.map [--data FOLDER] [--points 10000 100000] [--json]

Lays out made-up clustered vectors and, with ``--data``, the passages of a folder in BEIR's layout;
adds one passage in a hundred; and draws the largest map in Chromium, which it needs. Neighbours
kept is the share of each real passage's 10 nearest in meaning that are among its 10 (or 50) nearest
on the map, and on one of the two main axes. Prints figures and asserts nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from tqdm import tqdm

from benchmarks.beir import open_searcher
from benchmarks.page import ROOT, chromium, server
from benchmarks.synthetic import unit
from index.layout import STEPS, layout
from index.map import Map
from index.vectors import FaissIndex, Floats

DIMENSION, TOPIC = 384, 100  # passages of one topic
ASKED = 2_000  # passages whose neighbours are looked at
FRAMES = 60
Figures = dict[str, float]

DRAWN = "performance.getEntriesByName('passages-map').map(one => one.duration)"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.map",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    found: dict[str, Figures] = {}
    places = np.zeros((0, 2), np.float32)
    for size in options.points:
        found[f"{size:,} made up"], laid_out = measure(made_up(size))
        places = max(places, laid_out, key=len)
    if options.data:
        snapshot = open_searcher(options.data, options.kept).snapshot
        vectors = cast(FaissIndex, snapshot.vectors)
        figures, laid_out = measure(vectors)
        meaning = vectors.vectors(np.arange(len(laid_out)))
        for k in (10, 50):
            figures[f"kept of 10 in {k}"] = kept(meaning, laid_out, k)
            figures[f"by PCA in {k}"] = kept(meaning, main_axes(meaning), k)
        begun = time.perf_counter()
        Map.make(vectors, snapshot.table)
        figures["layout and names, s"] = time.perf_counter() - begun
        found[f"{len(laid_out):,} of {options.data.resolve().name}"] = figures
    drawing = draw(places)
    if options.json:
        json.dump({"layout": found, "drawing": drawing}, sys.stdout, indent=1)
        return
    columns = list(found[list(found)[-1]])
    print(f"| passages | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    for name, figures in found.items():
        cells = [f"{figures[one]:.3g}" if one in figures else "" for one in columns]
        print(f"| {name} | {' | '.join(cells)} |")
    for name, value in drawing.items():
        print(f"{name}: {value:.3g}")


def measure(vectors: FaissIndex) -> tuple[Figures, Floats]:
    """Seconds that one set of vectors takes, and its places."""
    with tqdm(total=STEPS, unit=" steps", file=sys.stderr, leave=False) as bar:

        def advance(steps: int) -> None:
            bar.update(steps)

        begun = time.perf_counter()
        places = layout(vectors, advance=advance)
        first = time.perf_counter() - begun
    known = places.copy()
    known[::100] = np.nan
    begun = time.perf_counter()
    layout(vectors, known)
    again = time.perf_counter() - begun
    return {"layout, s": first, "1 % new, s": again}, places


def kept(meaning: Floats, places: Floats, k: int) -> float:
    """The share of the 10 nearest in meaning that are among the ``k`` nearest on the map."""
    import faiss

    faiss.omp_set_num_threads(os.cpu_count() or 1)
    rows = np.random.default_rng(1).choice(len(places), min(ASKED, len(places)), replace=False)
    near = faiss.knn(meaning[rows], meaning, 11)[1][:, 1:]
    there = faiss.knn(places[rows], places, k + 1)[1]
    return float(np.mean([np.isin(*pair).mean() for pair in zip(near, there, strict=True)]))


def main_axes(vectors: Floats) -> Floats:
    """The vectors along their two main axes."""
    centred = vectors - vectors.mean(axis=0)
    return np.ascontiguousarray(centred @ np.linalg.eigh(centred.T @ centred)[1][:, -2:])


def made_up(size: int) -> FaissIndex:
    """Vectors around the middles of topics that lie as close as real ones do."""
    random = np.random.default_rng(7)
    index = FaissIndex.empty(DIMENSION)
    for _ in range(-(-size // TOPIC)):
        middle = random.standard_normal((1, DIMENSION), np.float32)
        noise = random.standard_normal((min(TOPIC, size - len(index)), DIMENSION), np.float32)
        index.add(unit(middle) + unit(noise))
    return index


def draw(places: Floats) -> Figures:
    """Milliseconds in which these points are drawn, in frames of a map that is moved about."""
    from playwright.sync_api import sync_playwright

    columns = [*np.round((places.T + 1) * 32767), np.arange(len(places)) % 6]
    packed = b"".join(np.asarray(column, "<u2").tobytes() for column in columns)
    times: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folders = ["--corpus", str(ROOT / "corpus"), "--store", name]
        subprocess.run(
            [sys.executable, "-m", "app", "build", "--json", *folders],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with server(folders) as (address, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            page.route("**/points/*", lambda route: route.fulfill(body=packed))
            page.goto(f"{address}/map")
            page.wait_for_function(f"() => {DRAWN}.length")
            page.locator("canvas.points").focus()
            for frame in range(FRAMES):
                page.keyboard.press(("+", "Shift+ArrowLeft", "-")[frame % 3])
                page.wait_for_timeout(50)
                times += page.evaluate(DRAWN)
            browser.close()
    return drawn(len(places), times)


def drawn(size: int, times: list[float]) -> Figures:
    """The figures of some frames."""
    return {
        f"drawing {size:,} points, p50, ms": statistics.median(times),
        f"drawing {size:,} points, p95, ms": float(np.quantile(times, 0.95)),
    }


if __name__ == "__main__":
    main()
