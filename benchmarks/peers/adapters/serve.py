"""The loop that every adapter runs: JSON lines in, JSON lines out, and the one clock for all.

    {"do": "build", "corpus": FILE}    -> {"seconds": …}
    {"do": "ask", "question": TEXT}    -> {"ids": […], "seconds": …}
    {"do": "quit"}                     -> {"memory": BYTES}

The first line out says that the system is ready, and which versions it consists of.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, Protocol

TOP = 10  # passages that each system is asked for


class Text(NamedTuple):
    """A document to index. Every system is given the title too, most as the first line."""

    id: str
    title: str
    text: str

    @property
    def titled(self) -> str:
        return f"{self.title}\n{self.text}" if self.title else self.text


class System(Protocol):
    """What is measured. Making one loads its model and encodes a first text with it."""

    def build(self, texts: Sequence[Text]) -> None:
        """Index the texts, ready for questions."""

    def ask(self, question: str) -> list[str]:
        """The ids of the documents of the best ``TOP`` passages, best first."""


def serve(make: Callable[[Path, Path], System], *packages: str) -> None:
    """Make the system, with a folder of weights and one to work in, and obey until told to quit.

    The two folders are the arguments of the process; ``packages`` are those it is known by.
    """
    # What a library prints must not come between the lines of the protocol.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(**values: object) -> None:
        out.write(json.dumps(values) + "\n")
        out.flush()

    system = make(Path(sys.argv[1]), Path(sys.argv[2]))
    say(versions=_versions(*packages, "torch", "sentence-transformers", "transformers"))
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "build":
            texts = _read(Path(order["corpus"]))
            begun = time.perf_counter()
            system.build(texts)
            say(seconds=time.perf_counter() - begun)
        elif order["do"] == "ask":
            begun = time.perf_counter()
            found = system.ask(order["question"])
            seconds = time.perf_counter() - begun
            say(ids=list(dict.fromkeys(found)), seconds=seconds)
        else:
            say(memory=_peak_memory())
            break


def _read(path: Path) -> list[Text]:
    with path.open(encoding="utf-8") as lines:
        objects = map(json.loads, lines)
        return [Text(item["_id"], item["title"], item["text"]) for item in objects]


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _peak_memory() -> int:
    """The most bytes that this process has held, as the system counts them."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    # Not ru_maxrss: on Linux it counts what the process that started this one held.
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) * 1024
