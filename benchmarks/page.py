"""From Enter to the painted answer in a browser, alone and beside other sessions.

    python -m benchmarks.page [--data FOLDER] [--sessions 20] [--json]

Asks the corpus of this repository, and with ``--data`` the corpus of a folder in BEIR's layout too.
The other sessions ask one question a second each (``benchmarks.visitors``), from a process of their
own on the same machine; alone and beside them are measured in turn. So is, for scale, a page of
Streamlit that does nothing but show the question again. Needs Chromium, which draws without a
graphics card.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.beir import open_searcher
from index.evaluate import read_qrels, read_queries

ROOT = Path(__file__).parents[1]
ROUNDS = 3
WARM = 5  # questions before the first one that counts

WATCH = """question => new Promise(resolve => {
  let pressed = 0;
  addEventListener("keydown", event => {
    if (event.key === "Enter") pressed = performance.now();
  }, { capture: true, once: true });
  const shown = root => {
    for (const one of root.querySelectorAll("*")) {
      if (one.matches("h2.question") && one.textContent === question) return true;
      if (one.shadowRoot && shown(one.shadowRoot)) return true;
    }
    return false;
  };
  const look = () => {
    // What is in the document now is on the screen when the frame after this one begins.
    if (pressed && shown(document))
      requestAnimationFrame(() => resolve(performance.now() - pressed));
    else requestAnimationFrame(look);
  };
  look();
})"""

BARE = """
import streamlit as st

with st.form("ask"):
    typed = st.text_input("Question", placeholder="Ask a question")
    st.form_submit_button("Ask")
if question := typed or st.query_params.get("q"):
    st.html(f'<h2 class="question">{question}</h2>')
"""
STREAMLIT = """
import sys
from streamlit.web.cli import main

port, script = sys.argv[1:]
main(["run", script, "--server.port", port, "--server.headless", "true",
      "--browser.gatherUsageStats", "false"])
"""
HEALTH = "/_stcore/health"
BROWSER = ["--no-sandbox", "--disable-gpu"]  # else processors act as a graphics card

Figures = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--sessions", type=int, default=20, help="that ask beside the browser")
    parser.add_argument("--questions", type=int, default=30, help="in each of the rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        corpus = ["--corpus", str(ROOT / "corpus"), "--store", str(store)]
        subprocess.run(
            [sys.executable, "-m", "app", "build", "--json", *corpus],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        asked = [query.text for query in read_queries(ROOT / "tests" / "eval", "test")]
        found["corpus of this repository"] = measure(corpus, asked, options)
        if options.data:
            searcher = open_searcher(options.data, options.kept)
            store = searcher.snapshot.folder.parents[1]
            qrels = read_qrels(options.data, "test")
            asked = [one.text for one in read_queries(options.data, "test") if one.id in qrels]
            corpus = ["--corpus", str(Path(folder) / "none"), "--store", str(store)]
            found[options.data.resolve().name] = measure(corpus, asked, options)
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        bare = {"code": STREAMLIT, "route": HEALTH}
        found["a bare page of Streamlit"] = measure([str(script)], asked, options, **bare)
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        return
    columns = list(next(iter(found.values())))
    print(f"| ms from Enter to the painted answer | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}")
    for name, figures in found.items():
        print(f"| {name} | {' | '.join(f'{figures[column]:.3g}' for column in columns)} |")


def measure(
    arguments: Sequence[str],
    asked: Sequence[str],
    options: argparse.Namespace,
    code: str = "",
    route: str = "/readyz",
) -> Figures:
    """The figures of one corpus, by name; or those of a page that other code serves."""
    from playwright.sync_api import sync_playwright

    distinct = list(dict.fromkeys(one.strip() for one in asked))  # as the page shows them
    step = max(1, len(distinct) // (2 * ROUNDS * options.questions + WARM))
    mine = iter((distinct[::step] * 10)[: 2 * ROUNDS * options.questions + WARM])
    times: dict[str, list[float]] = {"alone": [], "beside": []}
    waited: list[float] = []
    with (
        tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file,
        server(arguments, code=code, route=route) as (address, process),
        sync_playwright() as playwright,
        tqdm(total=2 * ROUNDS, unit=" rounds", file=sys.stderr, leave=False) as bar,
    ):
        file.write("\n".join(distinct))
        file.flush()
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(address)
        page.get_by_placeholder("Ask a question").wait_for()
        for _ in range(WARM):
            enter(page, next(mine))
        before = resident(process)
        for _ in range(ROUNDS):
            times["alone"] += [enter(page, next(mine)) for _ in range(options.questions)]
            bar.update()
            others = visitors(address, Path(file.name), options, rerun=bool(code))
            time.sleep(3)  # until all of them are there
            times["beside"] += [enter(page, next(mine)) for _ in range(options.questions)]
            after = resident(process)
            waited += json.loads(others.communicate()[0])["waited"]
            bar.update()
        browser.close()
    beside = f"beside {options.sessions}"
    return {
        "alone p50": statistics.median(times["alone"]),
        "alone p95": quantile(times["alone"], 0.95),
        f"{beside} p50": statistics.median(times["beside"]),
        f"{beside} p95": quantile(times["beside"], 0.95),
        "the others, p50": 1000 * statistics.median(waited),
        "the others, p95": 1000 * quantile(waited, 0.95),
        "MB a session": max(0.0, (after - before) / 1e6 / options.sessions),
    }


def enter(page: Any, question: str) -> float:
    """Milliseconds from pressing Enter until the answer is painted."""
    box = page.get_by_placeholder("Ask a question")
    box.fill(question)
    page.evaluate(f"void (window.painted = ({WATCH})({json.dumps(question)}))")
    box.press("Enter")
    return float(page.evaluate("window.painted"))


def visitors(
    address: str, questions: Path, options: argparse.Namespace, *, rerun: bool
) -> subprocess.Popen[bytes]:
    """The other sessions, in a process of their own."""
    more = [f"--sessions={options.sessions}", *(["--rerun"] if rerun else [])]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.visitors", address, str(questions), *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@contextmanager
def server(
    arguments: Sequence[str],
    *command: str,
    code: str = "",
    quiet: bool = False,
    route: str = "/readyz",
) -> Iterator[tuple[str, int]]:
    """A server of its own process that is ready to answer: its address and its process id.

    ``command`` is one that serves, ``serve`` by default; or the server is a script's ``code``.
    ``route`` is where it says so.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = ["-m", "app", *(command or ("serve",)), "--port", str(port)]
    if code:
        started = ["-c", code, str(port)]
    address = f"http://127.0.0.1:{port}"
    log = subprocess.DEVNULL if quiet else None
    running = subprocess.Popen([sys.executable, *started, *arguments], cwd=ROOT, stderr=log)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{address}{route}", timeout=60):
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if running.poll() is not None:
                    raise SystemExit("The server ended.") from None
                time.sleep(0.1)
        yield address, running.pid
    finally:
        running.terminate()
        running.wait()


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], check=True, capture_output=True)
    return int(said.stdout) * 1024


def chromium() -> str:
    """The browser: the one named by PASSAGES_CHROMIUM, or one on the PATH."""
    names = (
        os.environ.get("PASSAGES_CHROMIUM", ""),
        "chromium",
        "chromium-browser",
        "google-chrome",
    )
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if not found:
        raise SystemExit("No Chromium. Install one or name it in PASSAGES_CHROMIUM.")
    return found


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    main()
