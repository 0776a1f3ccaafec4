"""Several machines over one Milvus, asked all the while as the index changes under them."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from app.service import Service
from tests.with_milvus.conftest import Serve, followed, until
from tests.with_milvus.test_path import edition, nothing

QUESTION = "Which edition number is this library?"


class Readers:
    """Threads that ask services, and keep what each answer said and of which snapshot."""

    def __init__(self, *services: Service) -> None:
        self.said: list[tuple[int, str, str]] = []
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number, service), daemon=True)
            for number, service in enumerate(services)
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

    def _ask(self, number: int, service: Service) -> None:
        while not self._stop.is_set():
            try:
                found = service.ask(QUESTION)
                self.said.append((number, found.snapshot, found.citations[0].quote))
            except Exception as error:
                self.failed.append(repr(error))


def test_each_answer_is_of_the_snapshot_that_it_names_and_none_fails(
    serve: Serve, corpus: Path
) -> None:
    edition(corpus, 1)
    builder = serve("builder")
    editions = {builder.build(nothing).snapshot: 1}
    one, other = followed(serve("one")), followed(serve("other"))
    with Readers(one, other) as readers:
        for number in range(2, 5):
            edition(corpus, number)
            editions[builder.build(nothing).snapshot] = number
            until(lambda: {one.answering(), other.answering()} == {max(editions)})
        back = builder.rollback()
        until(lambda: {one.answering(), other.answering()} == {back})
        asked = len(readers.said)
        until(lambda: len(readers.said) > asked + 20)
    assert readers.failed == []
    for _, snapshot, quote in readers.said:
        said = re.search(r"edition number (\d+)", quote)
        assert said is not None, quote
        assert editions[snapshot] == int(said[1])
    for number in (0, 1):
        assert {snapshot for which, snapshot, _ in readers.said if which == number} == set(editions)
