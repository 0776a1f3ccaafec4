"""A pool of processes that ends a call which takes too long or too much, and no other.

Each process has a pipe of its own and shares nothing with the others, so that one which is killed
leaves no lock behind. It is started when there is work for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

RENEWED = 500
"""Calls after which a process is replaced: libraries that read files lose memory."""


class TooLong(Exception):  # noqa: N818 what has happened is no error of ours
    """The call took longer than it may."""


class TooMuch(Exception):  # noqa: N818
    """The call took more memory than it may."""


class Ended(Exception):  # noqa: N818
    """The process ended in the middle of the call; the argument is its exit code."""


@dataclass(slots=True, eq=False)
class Call:
    """An argument, and what came of it once it is ``done``: a value, or one of the exceptions."""

    argument: Any
    outcome: Any = None
    done: bool = False


class Pool:
    """Calls ``function`` in up to ``count`` processes.

    A call may take ``seconds`` and ``memory`` bytes beyond what a process has anyway.
    """

    def __init__(
        self, function: Callable[[Any], Any], count: int, seconds: float, memory: int
    ) -> None:
        self._function = function
        self._count = count
        self._seconds = seconds
        self._memory = memory
        self._context = get_context("forkserver" if os.name == "posix" else "spawn")
        self._waiting: deque[Call] = deque()
        self._workers: list[_Worker] = []

    def submit(self, argument: Any) -> Call:
        """Have a call made as soon as there is a process for it."""
        call = Call(argument)
        self._waiting.append(call)
        self._step(0)
        return call

    def finish(self, call: Call) -> Any:
        """What the function returns.

        Raises:
            TooLong, TooMuch, Ended: it returned nothing.
        """
        while not call.done:
            self._step(self._seconds)
        if isinstance(call.outcome, Exception):
            raise call.outcome
        return call.outcome

    def close(self) -> None:
        """End all processes, whatever they are at."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def _step(self, timeout: float) -> None:
        """Hand out calls, wait for the first results, and end what takes too long."""
        self._hand_out()
        busy = {worker.pipe: worker for worker in self._workers if worker.call}
        until = min((worker.until for worker in busy.values()), default=0.0)
        for pipe in wait(list(busy), max(0.0, min(timeout, until - time.monotonic()))):
            self._settle(busy.pop(pipe), None)  # type: ignore[call-overload]
        for worker in busy.values():
            if worker.until <= time.monotonic():
                self._settle(worker, TooLong())
        self._hand_out()

    def _hand_out(self) -> None:
        free = [worker for worker in self._workers if not worker.call]
        while self._waiting and (free or len(self._workers) < self._count):
            if not free:
                free.append(_Worker(self._context, self._function, self._memory))
                self._workers.append(free[0])
            free.pop().begin(self._waiting.popleft(), self._seconds)

    def _settle(self, worker: _Worker, outcome: Exception | None) -> None:
        call, worker.call = worker.call, None
        assert call is not None  # noqa: S101 only workers that have one are settled
        call.outcome = outcome or worker.receive()
        call.done = True
        if isinstance(call.outcome, TooLong | Ended) or worker.calls >= RENEWED:
            worker.close(at_once=True)
            self._workers.remove(worker)


class _Worker:
    """A process that makes one call after the other, and the call that it makes now."""

    def __init__(self, context: Any, function: Callable[[Any], Any], memory: int) -> None:
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.call: Call | None = None
        self.calls = 0
        self.until = 0.0

    def begin(self, call: Call, seconds: float) -> None:
        self.call, self.until = call, time.monotonic() + seconds
        self.calls += 1
        with contextlib.suppress(OSError):  # it has ended, which is noticed on receiving
            self.pipe.send(call.argument)

    def receive(self) -> Any:
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(5)
            return Ended(self.process.exitcode)

    def close(self, at_once: bool = False) -> None:
        """Let the process end, or if it is busy, end it and the programs that it has started."""
        self.pipe.close()
        if not at_once and self.call is None:
            self.process.join(5)
        if self.process.exitcode is None:
            with contextlib.suppress(OSError, AttributeError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
            self.process.join()


def _serve(pipe: Connection, function: Callable[[Any], Any], memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgrp"):
        os.setpgrp()
        limit(memory)
    while True:
        try:
            argument = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            pipe.send(function(argument))
        except MemoryError:
            pipe.send(TooMuch())


def limit(memory: int) -> None:
    """Let this process take so many bytes more than it has; only POSIX systems can."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    most = used + memory
    resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
