"""How many questions a second the API answers, and how long each takes, for more and more clients.

    python -m benchmarks.load [--data FOLDER] [--clients 1 8 32 128] [--seconds 10]
    python -m benchmarks.load --soak 10

Asks the corpus of a folder in BEIR's layout, or else the corpus of this repository, over the
loopback only, for so many seconds with each number of clients; and a bare Starlette route that
replies with as many bytes, for scale. With py-spy it also tells what share of the server's
processor time is Python of our own. ``--soak`` asks for so many minutes with 32 clients while a
document changes and the index is rebuilt each minute, and prints how memory grows.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from tqdm import tqdm

from benchmarks.beir import open_searcher
from benchmarks.page import ROOT, resident, server
from index.evaluate import read_qrels, read_queries

SNAPSHOT = re.compile(rb'"snapshot":"([^"]+)"')

SAMPLES = 200
"""Samples a second of what the server does."""

BARE = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

reply = b"x" * int(sys.argv[2])

async def ask(request):
    await request.json()
    return Response(reply, media_type="application/json")

async def ready(request):
    return PlainTextResponse("ready")

app = Starlette(routes=[Route("/api/ask", ask, methods=["POST"]), Route("/readyz", ready)])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


@dataclass
class Asked:
    """What became of the questions of one stretch."""

    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    snapshots: set[bytes] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    took: float = 0.0
    bytes: int = 0

    def row(self) -> dict[str, float]:
        """Figures by name; times are milliseconds, of answers but for the one of refusals."""
        times = np.array(self.seconds or [np.nan]) * 1000
        refused = np.array(self.refused or [np.nan]) * 1000
        return {
            "answers/s": len(self.seconds) / self.took,
            "p50": float(np.quantile(times, 0.5)),
            "p95": float(np.quantile(times, 0.95)),
            "p99": float(np.quantile(times, 0.99)),
            "told to come back": self.statuses[503],
            "told so, p99": float(np.quantile(refused, 0.99)),
            "failed": sum(n for status, n in self.statuses.items() if status not in (200, 503)),
        }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder with corpus.jsonl[.gz] …")
    parser.add_argument("--kept", type=Path, default=Path(".store/benchmarks"))
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each number of clients")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="goes alone")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        found = soak(where, options.soak) if options.soak else load(where, options)
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        return
    for name, rows in found.items():
        columns = list(next(iter(rows.values())))
        print(f"\n| {name} | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
        for label, figures in rows.items():
            print(f"| {label} | {' | '.join(f'{figures[one]:.4g}' for one in columns)} |")


Figures = dict[str, dict[str, dict[str, float]]]


def load(folder: Path, options: argparse.Namespace) -> Figures:
    """The figures of the API and of the bare route, by the number of clients."""
    places, questions = corpus(folder, options)
    by_clients = {}
    with headless(places) as (address, process):
        asyncio.run(ask_all(address, questions, 4, 3.0))  # warm
        size = 0
        for clients in tqdm(options.clients, unit=" stretches", file=sys.stderr, leave=False):
            asked = asyncio.run(ask_all(address, questions, clients, options.seconds))
            by_clients[str(clients)] = asked.row()
            size = max(size, asked.bytes // max(1, len(asked.seconds)))
        where = time_in(process, address, questions)
    bare = {}
    with routed(size) as address:
        for clients in options.clients:
            asked = asyncio.run(ask_all(address, questions, clients, min(3.0, options.seconds)))
            bare[str(clients)] = asked.row()
    found = {"clients of the API": by_clients, "clients of a bare route": bare}
    if where:
        found["processor time of the server, 8 clients"] = {"share": where}
    return found


def soak(folder: Path, minutes: float) -> Figures:
    """32 clients for so many minutes, while a document changes and is indexed each minute."""
    shutil.copytree(ROOT / "corpus", folder / "corpus")
    places, questions = built(folder / "corpus", folder / "store")
    memory: list[tuple[float, float]] = []
    rebuilt = 0
    whole = Asked()
    with headless(places) as (address, process):
        begun = time.monotonic()
        asyncio.run(ask_all(address, questions, 8, 5.0))
        whole_time = round(minutes * 60)
        bar = tqdm(total=whole_time, unit=" s", file=sys.stderr, leave=False)
        for part in itertools.count():
            if time.monotonic() - begun > minutes * 60:
                break
            if time.monotonic() - begun > 60 * rebuilt:
                changed = folder / "corpus" / "changed.md"
                changed.write_text(f"# Walnuts\n\nWalnut tree number {part} was cut down.\n")
                status = asyncio.run(request(address, "POST", "/api/rebuild"))[0]
                rebuilt += status == 202
            asked = asyncio.run(ask_all(address, questions, 32, 10.0))
            whole.seconds += asked.seconds
            whole.refused += asked.refused
            whole.snapshots |= asked.snapshots
            whole.statuses += asked.statuses
            whole.took += asked.took
            memory.append((time.monotonic() - begun, resident(process) / 1e6))
            bar.update(min(whole_time, round(memory[-1][0])) - int(bar.n))
        bar.close()
    late = np.array(memory[len(memory) // 3 :])
    slope = float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) if len(late) > 2 else float("nan")
    figures = whole.row() | {
        "answers": len(whole.seconds),
        "rebuilds": rebuilt,
        "indexes that answered": len(whole.snapshots),
        "MB at first": memory[0][1],
        "MB at last": memory[-1][1],
        "MB an hour": 3600 * slope,
    }
    return {f"soak of {minutes:g} minutes": {"32 clients": figures}}


def corpus(folder: Path, options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Arguments of the commands that name the corpus and its index, and questions to it."""
    if not options.data:
        return built(ROOT / "corpus", folder / "store")
    searcher = open_searcher(options.data, options.kept)
    qrels = read_qrels(options.data, "test")
    questions = [one.text for one in read_queries(options.data, "test") if one.id in qrels]
    store = searcher.snapshot.folder.parents[1]
    return ["--corpus", str(folder / "none"), "--store", str(store)], questions


def built(documents: Path, store: Path) -> tuple[list[str], list[str]]:
    """An index of a folder, and the questions to the corpus of this repository."""
    places = ["--corpus", str(documents), "--store", str(store)]
    command = [sys.executable, "-m", "app", "build", "--json", *places]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return places, [one.text for one in read_queries(ROOT / "tests" / "eval", "test")]


@contextmanager
def headless(places: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The API of a server of its own process: its address and its process id."""
    with server(places, "mcp", "--http", quiet=True) as found:
        yield found


@contextmanager
def routed(size: int) -> Iterator[str]:
    """A bare route that replies with ``size`` bytes."""
    with server([str(size)], code=BARE) as (address, _):
        yield address


async def ask_all(address: str, questions: Sequence[str], clients: int, seconds: float) -> Asked:
    """Ask from so many clients, each its next question when it has the last answer."""
    asked = Asked()
    begun = time.monotonic()
    until = begun + seconds

    async def client(number: int) -> None:
        reader, writer = await open_to(address)
        for question in itertools.cycle(questions[number::clients] or questions):
            if time.monotonic() > until:
                break
            sent = time.perf_counter()
            status, body = await exchange(
                reader, writer, "POST", "/api/ask", {"question": question}
            )
            asked.statuses[status] += 1
            if status == 200:
                asked.seconds.append(time.perf_counter() - sent)
                asked.bytes += len(body)
                asked.snapshots.update(SNAPSHOT.findall(body)[-1:])
            else:
                asked.refused.append(time.perf_counter() - sent)
                await asyncio.sleep(1.0)  # as Retry-After says
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    asked.took = time.monotonic() - begun
    return asked


async def request(address: str, method: str, path: str) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    reader, writer = await open_to(address)
    try:
        return await exchange(reader, writer, method, path, None)
    finally:
        writer.close()


async def open_to(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(address)
    assert place.hostname in {"127.0.0.1", "localhost"}
    return await asyncio.open_connection(place.hostname, place.port, limit=2**24)


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    body: object | None,
) -> tuple[int, bytes]:
    """Send a request and read its reply, on a connection that stays open."""
    data = b"" if body is None else json.dumps(body).encode()
    kind = "Content-Type: application/json\r\n" if data else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    await writer.drain()
    reply = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(reply.split(" ", 2)[1])
    length = next(line for line in reply.splitlines() if line.startswith("content-length:"))
    return status, await reader.readexactly(int(length.partition(":")[2]))


def time_in(process: int, address: str, questions: Sequence[str]) -> dict[str, float]:
    """Shares of the server's processor time by whose Python it is in; nothing without py-spy."""
    beside = Path(sys.executable).parent  # in an environment that nobody has activated
    spy_program = shutil.which("py-spy") or shutil.which("py-spy", path=str(beside))
    if spy_program is None:
        print("Without py-spy (pip install py-spy) nothing is sampled.", file=sys.stderr)
        return {}
    seconds = 10
    with tempfile.NamedTemporaryFile("r", suffix=".txt") as samples:
        command = [spy_program, "record", "--gil", "--nonblocking", "-r", str(SAMPLES), "-f", "raw"]
        command += ["-d", str(seconds), "-o", samples.name, "-p", str(process)]
        before = processor(process)
        spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        asyncio.run(ask_all(address, questions, 8, seconds))
        used = processor(process) - before
        if spy.wait() != 0:
            print("py-spy may not look into the server.", file=sys.stderr)
            return {}
        stacks = [line.rpartition(" ") for line in samples.read().splitlines()]
    held = Counter[str]()
    for stack, _, count in stacks:
        leaf = stack.rpartition(";")[2]
        ours = "(app/" in leaf or "(index/" in leaf
        held["ours" if ours else "libraries"] += int(count)
    python = {name: held[name] / SAMPLES / used for name in ("ours", "libraries")}
    return {
        "Python of ours": python["ours"],
        "Python of libraries": python["libraries"],
        "native code": max(0.0, 1 - sum(python.values())),
        "cores in use": used / seconds,
    }


def processor(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
