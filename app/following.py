"""Which snapshot answers: the one that is current, followed as it changes.

A snapshot that any process publishes is noticed: by a service that follows the store within a
second, loaded and warmed aside while the old one answers; by any other at the next question.
Questions in flight finish on the old one.
"""

from __future__ import annotations

import gc
import logging
import threading
import time

from app.settings import Settings
from index.encoder import Encoder
from index.errors import (
    BusyError,
    EngineError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    PassagesError,
    StoreError,
)
from index.milvus import Milvus
from index.search import Searcher
from index.shared import Shared
from index.store import Store

log = logging.getLogger("passages")

EVERY = 0.5
"""Seconds between two looks at which snapshot is current."""

WAIT = 30.0
"""Seconds that a question waits while another thread fetches or loads the index."""


class Following:
    """The searcher of the current snapshot of one store, or of the one that is named.

    Making one loads nothing.
    """

    def __init__(self, settings: Settings, snapshot: str | None = None) -> None:
        self.settings = settings
        self.snapshot = snapshot
        self.store = _store(settings)
        self.encoder = Encoder(
            settings.model,
            kept=self.store.models,
            engine=settings.encoder,
            device=settings.device,
        )
        self._searcher: Searcher | None = None
        self._lock = threading.Lock()
        self._following = False
        self._refused: tuple[str | None, str] = ("", "")
        self._trouble = ""

    def follow(self) -> None:
        """Load the snapshot now, and each one that is published later, in the background.

        From now on no question waits for a load: the old snapshot answers until the new one is
        open and has answered for itself.
        """

        def run() -> None:
            self._settle()
            self._greet()
            # What is loaded now stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            while True:
                time.sleep(EVERY)
                self._settle()

        self._following = True
        threading.Thread(target=run, name="follow", daemon=True).start()

    def answering(self) -> str | None:
        """The snapshot that answers, which may be older than the one published last.

        ``None`` where there is none that could.
        """
        try:
            return self._current().snapshot.id
        except PassagesError:
            return None

    def _current(self) -> Searcher:
        """The searcher that answers: of a service that follows the store without looking there."""
        searcher = self._searcher
        return searcher if searcher is not None and self._following else self._swap()

    def _settle(self) -> None:
        """Swap in what is current; where that is no use, the next question says so."""
        try:
            self._swap()
        except PassagesError:
            pass
        except Exception as error:  # whatever it is, the next snapshot may be better
            trouble = f"An older index answers: the new one cannot be had ({error!r})."
            if trouble != self._trouble:  # once, not at each look
                log.exception("The current snapshot cannot be loaded.")
            self._trouble = trouble

    def _swap(self) -> Searcher:
        """The searcher of the current snapshot, opened anew if another one was published.

        Where the new one cannot be used, what is open goes on answering, and ``status`` says so.
        """
        current = None
        try:
            current = self.snapshot or self.store.current()
            searcher = self._searcher
            if searcher is not None and current in (searcher.snapshot.id, self._refused[0]):
                if current == searcher.snapshot.id:
                    self._refused, self._trouble = ("", ""), ""
                return searcher
            if not self._lock.acquire(timeout=WAIT):
                raise BusyError(
                    "The index is still being fetched or loaded. Ask again in a moment."
                )
            try:
                searcher = self._searcher
                if searcher is None or searcher.snapshot.id != current:
                    # Who asks once need not load all of it.
                    hold = self.settings.memory_mb * 1_000_000 if self._following else 0
                    opened = Searcher(self.store.open(self.snapshot, hold), self.encoder)
                    if self._following and searcher is not None:
                        self._warm(opened)
                    searcher = self._searcher = opened
                    self._refused, self._trouble = ("", ""), ""
                return searcher
            finally:
                self._lock.release()
        except (EngineError, StoreError) as error:
            searcher = self._searcher
            if searcher is None:
                raise
            if current is not None:  # not for good, so it is tried again
                self._trouble = f"An older index answers: the new one cannot be had yet. {error}"
            return searcher
        except (IndexDamagedError, IndexMismatchError, IndexMissingError) as error:
            searcher = self._searcher
            if searcher is None:
                raise
            self._refused = (current, f"An older index answers: the new one is no use. {error}")
            return searcher

    def _greet(self) -> None:
        """Make ready what the first visitor of all sees first."""

    def _warm(self, searcher: Searcher) -> None:
        """Do with a snapshot what its first visitor would, before anybody waits for it."""


def _store(settings: Settings) -> Store:
    if settings.vectors == "faiss":
        return Store(settings.store, keep=settings.snapshots)
    server = Milvus(settings.milvus_uri, settings.milvus_token, settings.milvus_name)
    # Libraries that share a place do not see each other's snapshots there.
    place = f"{settings.shared.rstrip('/')}/{settings.milvus_name}"
    shared = Shared(place) if settings.shared else None
    return Store(settings.store, keep=settings.snapshots, server=server, shared=shared)
