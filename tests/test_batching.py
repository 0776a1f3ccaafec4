"""Calls from many threads become few runs, and each gets its own result."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from index.batching import Batcher


class Gate:
    """A run that holds the first call until it is told to go on, and remembers all runs."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.began = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.runs.append(list(items))
        if len(self.runs) == 1:
            self.began.set()
            assert self.go_on.wait(10)
        if 13 in items:
            raise ValueError("thirteen")
        return [item * item for item in items]


def ask_together(items: Sequence[int], size: int) -> tuple[Gate, list[int | ValueError]]:
    """The first item runs alone; the others arrive while it runs."""
    gate = Gate()
    batcher: Batcher[int, int] = Batcher(gate, size)
    arrived = threading.Semaphore(0)

    def ask(item: int) -> int | ValueError:
        arrived.release()
        try:
            return batcher(item)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(len(items)) as pool:
        first = pool.submit(ask, items[0])
        assert gate.began.wait(10)
        others = [pool.submit(ask, item) for item in items[1:]]
        for _ in items:
            arrived.acquire()
        while len(batcher._waiting) < len(items) - 1:
            threading.Event().wait(0.001)
        gate.go_on.set()
        return gate, [call.result(10) for call in [first, *others]]


def test_a_call_that_is_alone_runs_at_once() -> None:
    gate = Gate()
    gate.go_on.set()
    assert Batcher(gate, 4)(3) == 9
    assert gate.runs == [[3]]


def test_calls_that_wait_are_run_together_and_get_their_own_results() -> None:
    gate, results = ask_together([2, 3, 4, 5], size=8)
    assert results == [4, 9, 16, 25]
    assert len(gate.runs) == 2
    assert sorted(gate.runs[1]) == [3, 4, 5]


def test_no_run_is_larger_than_allowed_and_nobody_is_left_waiting() -> None:
    gate, results = ask_together(list(range(1, 11)), size=4)
    assert results == [item * item for item in range(1, 11)]
    assert [len(run) for run in gate.runs] == [1, 4, 4, 1]


def test_an_error_reaches_the_calls_of_its_run_and_no_others() -> None:
    _, results = ask_together([2, 13, 3], size=8)
    assert results[0] == 4
    assert [str(result) for result in results[1:]] == ["thirteen", "thirteen"]


def test_after_an_error_the_next_call_works() -> None:
    gate = Gate()
    gate.go_on.set()
    batcher: Batcher[int, int] = Batcher(gate, 4)
    with pytest.raises(ValueError, match="thirteen"):
        batcher(13)
    assert batcher(4) == 16
