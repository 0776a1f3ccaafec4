"""What was measured, as a table for the terminal and as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.systems import PASSAGES, PEERS

Result = dict[str, Any]

COLUMNS = {
    "version": "version",
    "installed, MB": "installed_mb",
    "start-up, s": "startup_s",
    "passages/s": "passages_per_s",
    "ask p50, ms": "ask_p50_ms",
    "ask p95, ms": "ask_p95_ms",
    "memory, MB": "memory_mb",
    "R@1": "recall@1",
    "MRR@10": "mrr@10",
    "nDCG@10": "ndcg@10",
}
NOTES = (
    "installed: the environment with all it needs and the weights; Passages with its page and "
    "tests too",
    "start-up: from starting Python until a first text is encoded; Passages converts the model "
    "then, which it does once and keeps",
    "passages/s: indexing all documents, start-up excluded",
    "ask: one question at a time, all systems in turn, from text to the ids of the ten best",
    "memory: the most the process has held, building included",
)


def machine() -> Result:
    """What the figures were measured on."""
    found: Result = {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 1)
    if hasattr(os, "sysconf"):
        found["memory_gb"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    return found


def table(result: Result) -> str:
    """The figures as text columns, then what went wrong."""
    rows = [("", *COLUMNS), *((title, *cells) for title, cells in _cells(result))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_about(result)]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        lines.append(f"{first:<{widths[0]}}  " + "  ".join(cells))
    return "\n".join([*lines, *_failures(result), *NOTES])


def markdown(result: Result) -> str:
    """The same with the machine, the versions and how each system is set up."""
    about = result["machine"]
    memory = f", {about['memory_gb']} GB of memory" if "memory_gb" in about else ""
    load = f", load before {about['load']}" if "load" in about else ""
    lines = [
        f"`{result['command']}`",
        "",
        f"{about['cpu']}, {about['cores']} cores{memory}, {about['system']}, "
        f"Python {about['python']}{load}. "
        "All on the CPU, with the same weights (all-MiniLM-L6-v2).",
        f"{_about(result)}.",
        "",
        "| system | " + " | ".join(COLUMNS) + " |",
        "|---|---|" + "---:|" * (len(COLUMNS) - 1),
    ]
    for title, cells in _cells(result):
        cells = [f"**{cell}**" for cell in cells] if title == PASSAGES.title else cells
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += ["", *(f"- {line}" for line in (*_failures(result), *NOTES)), "", "Set up as:", ""]
    for peer in (PASSAGES, *PEERS):
        row = result["systems"].get(peer.name)
        if row and "failed" not in row:
            versions = ", ".join(f"{name} {number}" for name, number in row["versions"].items())
            lines.append(f"- {peer.title}: {peer.setup} ({versions})")
    return "\n".join(lines)


def _about(result: Result) -> str:
    return (
        f"{result['data']} ({result['split']}): {result['passages']:,} documents, "
        f"{result['questions']:,} questions"
    )


def _cells(result: Result) -> list[tuple[str, list[str]]]:
    """Each system that was measured, with its figures as text in the order of ``COLUMNS``."""
    found = []
    for row in result["systems"].values():
        if "failed" not in row:
            found.append((row["title"], [_shown(key, row[key]) for key in COLUMNS.values()]))
    return found


def _shown(key: str, value: str | float) -> str:
    if isinstance(value, str):
        return value
    if "@" in key:
        return f"{value:.3f}"
    return f"{value:.1f}" if key in ("startup_s", "ask_p50_ms", "ask_p95_ms") else f"{value:,.0f}"


def _failures(result: Result) -> Sequence[str]:
    rows = result["systems"].values()
    return [f"{row['title']} was not measured. {row['failed']}" for row in rows if "failed" in row]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
