"""Rebuilds when the corpus folder changes, once it has been still for a moment."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from app.service import Service
from index.errors import BuildRunningError, PassagesError

STILL = 2.0
"""Seconds without a change before a rebuild starts: a copied folder arrives file by file."""

log = logging.getLogger("passages")


class Watch:
    """Watches the corpus of a service in the background until it is stopped."""

    def __init__(self, service: Service, still: float = STILL) -> None:
        self._service = service
        self._still = still
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; what changed while nobody watched is found by the first rebuild."""
        self._thread.start()

    def stop(self) -> None:
        """End; a build that runs goes on."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        corpus, told = self._service.settings.corpus, ""
        while not self._stop.is_set():
            try:
                self._follow(corpus, corpus.stat())
                told = ""
            except (OSError, RuntimeError) as error:  # it is gone, or cannot be watched
                if str(error) != told:
                    log.warning("The corpus is not watched: %s", error)
                    self._rebuild()
                told = str(error)
                self._stop.wait(self._still)

    def _follow(self, corpus: Path, known: os.stat_result) -> None:
        """Rebuild with each change of a folder until another one, or none, is in its place.

        Raises OSError where it cannot be watched.
        """
        from watchfiles import watch

        unseen = True  # the first rebuild finds what changed while nobody watched
        for changes in watch(
            corpus,
            stop_event=self._stop,
            debounce=int(1000 * self._still),
            step=min(500, int(1000 * self._still / 2)),
            watch_filter=lambda _, path: not Path(path).name.startswith("."),
            yield_on_timeout=True,  # what it yields first says that it watches
            rust_timeout=1000,
        ):
            if not os.path.samestat(corpus.stat(), known):
                return
            if changes:
                log.info("%d files of the corpus have changed.", len(changes))
            if changes or unseen:
                self._rebuild()
            unseen = False

    def _rebuild(self) -> None:
        """Rebuild after the build that may be running, which has not seen all changes."""
        while not self._stop.is_set():
            try:
                self._service.start_rebuild()
            except BuildRunningError:
                self._stop.wait(1)
                continue
            except PassagesError as error:
                log.warning("The corpus has changed, but: %s", error)
            return
