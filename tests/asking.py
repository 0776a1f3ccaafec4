"""People who ask all the while, and count what was lost, wrong or failed."""

from __future__ import annotations

import threading
import time
from http.client import HTTPException
from typing import Self

from app.service import Service
from tests.programs import Program

KNOWN = {
    "How deep is the harbour of Porvenir?": "14 metres",
    "How many bees does a hive hold in summer?": "50,000",
    "At how many degrees is green tea steeped?": "80 degrees",
}
"""Questions to the corpus of the tests, and what their answers have to say."""


class Asking:
    """Threads that ask one service what is known, from ``with`` to its end.

    At its end all answers must have been right, and each quote a slice of its document.
    """

    def __init__(self, service: Service, threads: int = 3) -> None:
        self._service = service
        self._begin(threads)

    def _begin(self, threads: int) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        self._lock = threading.Lock()
        self.asked = 0
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.more(1)
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.more(10)
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if error is None:
            assert self.wrong == []

    def more(self, count: int) -> None:
        """Wait until so many more questions were answered, rightly or not."""
        aim = self.asked + count
        until = time.monotonic() + 60
        while self.asked + len(self.wrong) < aim:
            assert time.monotonic() < until, self.wrong or "no answer in a minute"
            time.sleep(0.005)

    def _ask(self) -> None:
        while not self._stop.is_set():
            for question, says in KNOWN.items():
                fault = self._fault(question, says)
                with self._lock:
                    if fault:
                        self.wrong.append(fault)
                    elif fault is not None:
                        self.asked += 1

    def _fault(self, question: str, says: str) -> str | None:
        """What is wrong with an answer; nothing, or ``None`` where there could be none."""
        try:
            found = self._service.ask(question)
            if not found.answered or not any(says in one.quote for one in found.citations):
                return f"{question}: {found.text}"
            for one in found.citations:
                text = self._service.text(one.document_id)
                if text is None or text[one.start : one.end] != one.quote:
                    return f"{question}: '{one.quote}' is not where it is said to be"
        except Exception as error:
            return f"{question}: {error!r}"
        return ""


class Visiting(Asking):
    """Like ``Asking`` over HTTP; while ``down`` is set there may be no server, and none counts."""

    def __init__(self, program: Program, threads: int = 3) -> None:
        self._program = program
        self.down = False
        self._begin(threads)

    def _fault(self, question: str, says: str) -> str | None:
        try:
            status, _, told = self._program.ask(question, threshold=0.0)
        except (OSError, HTTPException) as error:
            fault = None if self.down else f"{question}: {error!r}"
            time.sleep(0.05)
            return fault
        if status == 503 and self.down:
            return None
        if status != 200 or says not in told["text"]:
            return f"{question}: {status} {told}"
        return ""
