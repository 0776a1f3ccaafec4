"""How far a build is: counts, turned into a rate and an estimate. It draws nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is. ``rate`` is a second's work; ``seconds_left`` are those of the stage."""

    stage: str
    done: int
    total: int
    rate: float | None = None
    seconds_left: float | None = None


OnProgress = Callable[[Progress], None]


class Meter:
    """Turns counts into ``Progress`` with a rate and an estimate, at most ten times a second."""

    def __init__(self, report: OnProgress | None) -> None:
        self._report = report
        self.begin("", 0, silent=True)

    def begin(self, stage: str, total: int, *, silent: bool = False) -> None:
        self._stage, self._total, self._done = stage, total, 0
        self._begun = self._told = time.monotonic()
        if not silent:
            self._tell()

    def advance(self, count: int) -> None:
        self._done += count
        if count and (time.monotonic() - self._told > 0.1 or self._done == self._total):
            self._tell()

    def count(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            yield item
            self.advance(1)

    def _tell(self) -> None:
        if self._report is None:
            return
        self._told = time.monotonic()
        elapsed = self._told - self._begun
        rate = self._done / elapsed if elapsed > 0.2 and self._done else None
        left = (self._total - self._done) / rate if rate else None
        self._report(Progress(self._stage, self._done, self._total, rate, left))
