"""Calls that arrive while another one runs are run together as the next one.

Nobody waits for company: a call that finds nobody running runs at once. Under load batches form by
themselves, and the wait is bounded by the run that is under way and the calls that came before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Makes of ``run(items) -> results`` a call for one item that any thread may make.

    At most ``size`` items are run together. An error of a run is raised in each of its calls.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], size: int) -> None:
        self._run = run
        self._size = size
        self._waiting: list[_Call[Item, Result]] = []
        self._running = False
        self._changed = threading.Condition()

    def __call__(self, item: Item) -> Result:
        """The result for one item."""
        call: _Call[Item, Result] = _Call(item)
        with self._changed:
            self._waiting.append(call)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: call.done or not self._running)
                if call.done:
                    break
                self._running = True
                calls, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            try:
                self._run_together(calls)
            finally:
                with self._changed:
                    self._running = False
                    self._changed.notify_all()
        if call.error is not None:
            raise call.error
        return call.results[0]

    def _run_together(self, calls: Sequence[_Call[Item, Result]]) -> None:
        try:
            results = self._run([call.item for call in calls])
            for call, result in zip(calls, results, strict=True):
                call.results.append(result)
        except BaseException as error:
            for call in calls:
                call.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for call in calls:
                call.done = True


class _Call(Generic[Item, Result]):
    """One item on its way; ``results`` holds its result once there is one."""

    __slots__ = ("done", "error", "item", "results")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.results: list[Result] = []
        self.error: BaseException | None = None
        self.done = False
