"""How many questions are answered at once, and how many may wait.

More than that is refused at once: a queue without end makes everybody wait for answers that nobody
waits for any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from index.errors import BusyError


class Gate:
    """Lets ``at_once`` callers through together and ``waiting`` more wait for their turn."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = threading.Semaphore(at_once)
        self._most = at_once + waiting
        self._lock = threading.Lock()
        self._inside = 0

    @property
    def inside(self) -> int:
        """Callers that are through or wait."""
        return self._inside

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Wait for a place and hold it.

        Raises:
            BusyError: too many wait already.
        """
        with self._lock:
            if self._inside >= self._most:
                raise BusyError("Too many questions are waiting. Ask again in a moment.")
            self._inside += 1
        try:
            with self._places:
                yield
        finally:
            with self._lock:
                self._inside -= 1
