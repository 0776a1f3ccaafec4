"""Parses files in processes of their own: one that takes too long or too much costs only itself."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.errors import ParseError
from index.parsers import SUFFIXES, ocr, parse
from index.parsers.pool import Call, Ended, Pool, TooLong, TooMuch
from index.records import Document

SECONDS = 120.0
"""What reading one file may take."""

SMALL = 200_000
"""Bytes up to which plain text is read at once: to start a process would take longer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: seconds, and bytes of memory beyond what a worker has anyway.

    ``ocr`` is the share of the seconds after which no more pictures are read, so that those that
    were are not lost.
    """

    seconds: float = SECONDS
    ocr: float = 0.75
    memory: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document, or ``None`` and the reason why there is none, and the seconds that took."""

    document: Document | None
    reason: str = ""
    seconds: float = 0.0


def parse_all(
    files: Iterable[tuple[Path, str]], limits: Limits | None = None, workers: int | None = None
) -> Iterator[Parsed]:
    """Parse ``(path, document id)`` pairs and yield what becomes of each, in order.

    A file that exceeds a limit, or whose process dies, is told of as any other that cannot be
    read. Small plain texts are parsed in this process.
    """
    limits = limits or Limits()
    count = max(1, workers or os.cpu_count() or 1)
    pool = Pool(
        partial(_parse, for_ocr=limits.ocr * limits.seconds), count, limits.seconds, limits.memory
    )
    waiting: deque[tuple[Path, str] | Call] = deque()
    try:
        for file in files:
            waiting.append(file if is_quick(file[0]) else pool.submit(file))
            if len(waiting) > 4 * count:
                yield _result(waiting.popleft(), pool, limits)
        while waiting:
            yield _result(waiting.popleft(), pool, limits)
    finally:
        pool.close()


def _result(waiting: tuple[Path, str] | Call, pool: Pool, limits: Limits) -> Parsed:
    if isinstance(waiting, tuple):
        return _parse(waiting)
    try:
        found: Parsed = pool.finish(waiting)
    except TooLong:
        reason = f"Reading it takes longer than {limits.seconds:g} seconds. {ocr.MORE_TIME}"
        return Parsed(None, reason, limits.seconds)
    except TooMuch:
        return Parsed(None, f"Reading it takes more than {limits.memory / 1e9:.1f} GB of memory.")
    except Ended as error:
        reason = f"Reading it ended its process (exit code {error}). It is damaged, or too large."
        return Parsed(None, reason)
    return found


def _parse(file: tuple[Path, str], for_ocr: float = math.inf) -> Parsed:
    begun = time.monotonic()
    try:
        with ocr.within(for_ocr):
            return Parsed(parse(*file), "", time.monotonic() - begun)
    except ParseError as error:
        reason = str(error)
    except RecursionError:
        reason = "Its parts are nested too deeply."
    except MemoryError:
        raise  # the limit, which the caller knows
    except Exception as error:  # a mistake of a parser costs its file, not the build
        reason = f"Its parser failed, which is a mistake in it: {type(error).__name__}: {error}."
    return Parsed(None, reason, time.monotonic() - begun)


def is_quick(path: Path) -> bool:
    """Whether a file is a small plain text, which is read in no time."""
    if SUFFIXES.get(path.suffix.lower()) not in ("text", "markdown"):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(1024)
        return (
            path.stat().st_size <= SMALL
            and not head.startswith((b"PK", b"{\\rtf"))
            and (b"%PDF-" not in head)
        )
    except OSError:
        return True  # that is an error at once
