"""Parses files in processes of their own: one that takes too long or too much costs only itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from index.errors import ParseError
from index.parsers import parse
from index.records import Document


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: seconds, and bytes of memory beyond what a worker has anyway."""

    seconds: float = 120.0
    memory: int = 2_000_000_000


Parsed = tuple[Document | None, str]
"""A document, or ``None`` and the reason why there is none."""


def parse_all(
    files: Iterable[tuple[Path, str]], limits: Limits | None = None, workers: int | None = None
) -> Iterator[Parsed]:
    """Parse ``(path, document id)`` pairs and yield what becomes of each, in order."""
    from pebble import ProcessExpired, ProcessPool

    limits = limits or Limits()
    files = list(files)
    count = max(1, min(workers or os.cpu_count() or 1, len(files)))
    pool = ProcessPool(
        max_workers=count,
        max_tasks=200,
        context=get_context("forkserver" if os.name == "posix" else "spawn"),
        initializer=_limit,
        initargs=(limits.memory,),
    )
    with pool:
        waiting = pool.map(_parse, files, timeout=limits.seconds).result()
        for _ in files:
            try:
                yield next(waiting)
            except TooLong:
                yield None, f"Reading it takes longer than {limits.seconds:.0f} seconds."
            except MemoryError:
                yield None, f"Reading it takes more than {limits.memory / 1e9:.1f} GB of memory."
            except ProcessExpired as error:
                yield None, f"Reading it ended its process (exit code {error.exitcode})."
            except StopIteration:
                return


def _parse(file: tuple[Path, str]) -> Parsed:
    try:
        return parse(*file), ""
    except ParseError as error:
        return None, str(error)
    except RecursionError:
        return None, "Its parts are nested too deeply."


def _limit(memory: int) -> None:
    """Keep a worker within its memory; there is no way to do so outside POSIX systems."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + memory
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
