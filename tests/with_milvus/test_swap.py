"""Several servers over one Milvus, asked all the while as the index changes under them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.settings import Settings
from tests.browser_harness import environment
from tests.programs import Program, free_port
from tests.with_milvus.conftest import Serve, until
from tests.with_milvus.test_path import edition, nothing

QUESTION = "Which edition number is this library?"

SERVER = """
import sys
import app.following
from app.cli import main
from tests.conftest import HashEncoder

app.following.Encoder = lambda *given, **named: HashEncoder()
sys.exit(main(sys.argv[1:]))
"""
"""A server as people start it, with the encoder of the tests."""


@contextmanager
def server(settings: Settings, folder: Path) -> Iterator[Program]:
    """A server in a process and with a disk of its own."""
    folder.mkdir()
    names = "corpus", "vectors", "milvus_uri", "milvus_token", "milvus_name", "shared", "snapshots"
    told = {f"PASSAGES_{name.upper()}": str(getattr(settings, name)) for name in names}
    told |= {"PASSAGES_STORE": str(folder / "store"), "PASSAGES_READER": "none"}
    told["PASSAGES_RATE_LIMIT"] = ""
    program = Program(free_port())
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, "mcp", "--http", "--port", str(program.port)],
            cwd=folder,
            env=environment() | told,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def ready() -> bool:
        assert process.poll() is None, (folder / "server.log").read_text()
        return program.ready()

    try:
        until(ready)
        yield program
    finally:
        process.terminate()
        process.wait(30)


class Readers:
    """Threads that ask servers, and keep what each answer said and of which snapshot."""

    def __init__(self, *servers: Program) -> None:
        self.said: list[tuple[int, str, str]] = []
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number, server), daemon=True)
            for number, server in enumerate(servers)
            for _ in range(2)
        ]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int, server: Program) -> None:
        while not self._stop.is_set():
            try:
                status, _, told = server.ask(QUESTION, threshold=0.0)
                assert status == 200, told
                self.said.append((number, told["snapshot"], told["text"]))
            except Exception as error:
                self.failed.append(repr(error))
                return


def test_each_answer_is_of_the_snapshot_that_it_names_and_none_fails(
    serve: Serve, settings: Settings, corpus: Path, tmp_path: Path
) -> None:
    edition(corpus, 1)
    builder = serve("builder")
    editions = {builder.build(nothing).snapshot: 1}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(server(settings, tmp_path / name)) for name in ("one", "other")
        ]

        def answering(snapshot: str) -> bool:
            assert readers.failed == []
            told = [one.ask(QUESTION, threshold=0.0)[2] for one in servers]
            return {one["snapshot"] for one in told} == {snapshot}

        readers = stack.enter_context(Readers(*servers))
        for number in range(2, 5):
            edition(corpus, number)
            newest = builder.build(nothing).snapshot
            editions[newest] = number
            until(lambda newest=newest: answering(newest))
        back = builder.rollback()
        until(lambda: answering(back))
        asked = len(readers.said)
        until(lambda: len(readers.said) > asked + 20)
    assert readers.failed == []
    for _, snapshot, text in readers.said:
        said = re.search(r"edition number (\d+)", text)
        assert said is not None, text
        assert editions[snapshot] == int(said[1])
    for number in (0, 1):
        assert {snapshot for which, snapshot, _ in readers.said if which == number} == set(editions)
