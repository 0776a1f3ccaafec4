"""A call that takes too long, too much, or its process with it costs no other call."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.parsers import pool as module
from index.parsers.pool import Call, Ended, Pool, TooLong, TooMuch


def work(task: tuple[str, Any]) -> str:
    """What the processes do: sleep, take memory, start a program, die, or say who they are."""
    what, number = task
    if what == "sleep":
        time.sleep(number)
    elif what == "take":
        return str(len(bytearray(int(number))))
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "start":
        program = subprocess.Popen(["sleep", "600"])
        Path(number).write_text(str(program.pid))
        program.wait()
    elif what == "leave":
        os._exit(int(number))
    elif what == "say":
        return "x" * int(number)
    return f"{what} {os.getpid()}"


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One whose calls may take longer than a busy machine needs to start a process."""
    made = Pool(work, 2, 60.0, 200_000_000)
    yield made
    made.close()


def hurried(pool: Pool, task: tuple[str, Any]) -> Call:
    """A call that may take three seconds, in a process that has started already."""
    pool.finish(pool.submit(("hello", 0.0)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_seconds", 3.0)
        return pool.submit(task)


def test_calls_are_made_side_by_side_and_finished_in_any_order(pool: Pool) -> None:
    calls = [pool.submit(("say", size)) for size in (1, 1_000_000, 3, 4, 5)]
    assert [len(pool.finish(call)) for call in reversed(calls)] == [5, 4, 3, 1_000_000, 1]


def test_processes_are_used_again(pool: Pool) -> None:
    said = {pool.finish(pool.submit(("hello", 0))) for _ in range(5)}
    assert len(said) == 1


def test_and_replaced_in_time(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEWED", 2)
    assert len({pool.finish(pool.submit(("hello", 0))) for _ in range(6)}) == 3


@pytest.mark.parametrize(
    ("task", "ends"),
    [
        (("die", 0.0), Ended),
        (("leave", 3.0), Ended),
        pytest.param(
            ("take", 2e9),
            TooMuch,
            marks=pytest.mark.skipif(
                not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only"
            ),
        ),
    ],
)
def test_one_that_fails_costs_no_other(
    pool: Pool, task: tuple[str, float], ends: type[Exception]
) -> None:
    before, bad, *after = [
        pool.submit(one) for one in (("hello", 0.0), task, ("hello", 0.0), ("hello", 0.0))
    ]
    with pytest.raises(ends):
        pool.finish(bad)
    for call in (before, *after):
        assert pool.finish(call).startswith("hello")


def test_one_that_takes_too_long_costs_no_other(pool: Pool) -> None:
    bad = hurried(pool, ("sleep", 600.0))
    others = [pool.submit(("hello", 0.0)) for _ in range(3)]
    with pytest.raises(TooLong):
        pool.finish(bad)
    for call in others:
        assert pool.finish(call).startswith("hello")


def test_closing_ends_what_is_still_going_on() -> None:
    pool = Pool(work, 1, 60.0, 200_000_000)
    process = int(pool.finish(pool.submit(("hello", 0))).split()[1])
    pool.submit(("sleep", 3600.0))
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_program_that_a_call_has_started_is_ended_with_it(tmp_path: Path, pool: Pool) -> None:
    started = tmp_path / "started"
    with pytest.raises(TooLong):
        pool.finish(hurried(pool, ("start", str(started))))
    program = int(started.read_text())
    for _ in range(50):
        try:
            os.kill(program, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the program runs on")
