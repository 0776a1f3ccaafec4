"""The one place that wires the library together: opens, answers, hot-swaps, rebuilds.

The page and the command line take everything from here. A snapshot that any process publishes is
noticed: by a service that follows the store within a second, loaded and warmed aside while the old
one answers; by any other at the next question. Questions in flight finish on the old one.
"""

from __future__ import annotations

import contextlib
import gc
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from app import logs
from app.access import Tokens
from app.gate import Gate
from app.groups import groups
from app.judgements import FILE, Judgements
from app.metrics import Metrics
from app.rebuild import BuildState, Rebuild
from app.settings import Settings
from app.suggest import suggest
from app.uploads import Change, Uploads
from index.answer import answer
from index.build import BuildReport, build
from index.confidence import Calibration, load, shipped
from index.encoder import Encoder
from index.engines import cores
from index.errors import (
    AccessError,
    EngineError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    NotFoundError,
    PassagesError,
)
from index.extractor import CrossEncoder, Extractor, Reader
from index.filters import Filter
from index.history import Difference, difference
from index.map import Map
from index.milvus import Milvus
from index.parsers.picture import Picture
from index.pictures import Pictures
from index.progress import OnProgress
from index.reader import DEPTH, rerank
from index.records import Answer, DocumentSummary, FileReport, Hit, Passage
from index.search import Searcher
from index.shared import Shared
from index.snapshot import Manifest, Snapshot
from index.store import Store, size_of
from index.vectors import EXACT, Nearest
from index.verify import VerifyReport, verify

EVERY = 0.5
"""Seconds between two looks at which snapshot is current."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the index is. ``error`` says why it cannot answer, or is empty; ``built_at`` is ISO UTC.

    ``engine`` is what keeps the vectors. ``warning`` says what the index does worse than was asked
    for, or is empty; ``seconds`` is what the build took.
    """

    snapshot: str | None
    previous: str | None
    built_at: str
    documents: int
    passages: int
    sentences: int
    words: int
    model: str
    store_bytes: int
    files: tuple[FileReport, ...]
    error: str = ""
    nearest: Nearest = EXACT
    warning: str = ""
    seconds: float = 0.0
    engine: str = "FAISS"


class Service:
    """Answers from the current snapshot of one store, or from the one that is named.

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
        self.reader = _reader(settings, self.store)
        self.judgements = Judgements(settings.store / FILE)
        self._rebuild = Rebuild(settings)
        self._pictures = Pictures()
        self._uploads = Uploads(settings.corpus, self.store.bin, settings.upload_mb * 1_000_000)
        self._searcher: Searcher | None = None
        self._lock = threading.Lock()
        self._following = False
        self._gate = Gate(2 * cores(), settings.waiting)
        self.metrics = Metrics()
        self.metrics.watch(self._gauges)
        self.tokens = Tokens(settings.store)
        self.key = secrets.token_urlsafe(16)
        """What the page sends with requests for points, where one has to sign in."""
        self._suggestions: tuple[str, list[str]] | None = None
        self._points: tuple[str, bytes] | None = None
        self._refused: tuple[str | None, str] = ("", "")
        self._trouble = ""
        self.as_shipped = False
        """Whether what was fitted to questions of one's own is left aside."""
        self._calibration: tuple[int, Calibration | None] = (0, None)

    def at(self, snapshot: str) -> Service:
        """The same models on another snapshot of the same store."""
        other = Service(self.settings, snapshot)
        other.store, other.encoder, other.reader = self.store, self.encoder, self.reader
        return other

    def follow(self) -> None:
        """Load the snapshot now, and each one that is published later, in the background.

        From now on no question waits for a load: the old snapshot answers until the new one is
        open and has answered for itself.
        """

        def run() -> None:
            self._settle()
            # What is loaded now stays: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            while True:
                time.sleep(EVERY)
                self._settle()

        self._following = True
        threading.Thread(target=run, name="follow", daemon=True).start()

    def ask(
        self,
        query: str,
        *,
        hits: int | None = None,
        only: Filter | None = None,
        threshold: float | None = None,
    ) -> Answer:
        """The answer to a question, or an abstention; by default as the settings say.

        Raises:
            QueryError: the question is empty or too long.
            BusyError: too many questions wait already.
            IndexMissingError, IndexMismatchError, IndexDamagedError: there is no usable index.
        """
        started = time.perf_counter()
        with self.metrics.timed("ask"), self._gate.enter():
            searcher = self._current()
            found = self._answer(query, searcher, hits, only, threshold)
        self.metrics.answered(found.match)
        self._log(query, searcher, started, match=found.match)
        return found

    def answering(self) -> str | None:
        """The snapshot that answers, which may be older than the one published last.

        ``None`` where there is none that could.
        """
        try:
            return self._current().snapshot.id
        except PassagesError:
            return None

    def search(self, query: str, k: int, only: Filter | None = None) -> list[Hit]:
        """The ``k`` best passages for a question; raises as ``ask`` does."""
        return self.search_in(query, k, only)[1]

    def search_in(self, query: str, k: int, only: Filter | None = None) -> tuple[str, list[Hit]]:
        """Like ``search``, with the snapshot that was searched."""
        started = time.perf_counter()
        with self.metrics.timed("search"), self._gate.enter():
            searcher = self._current()
            hits = searcher.search(query, max(k, 2 * DEPTH), only)
            found = rerank(query, hits, self.reader)[0][:k]
        self._log(query, searcher, started, hits=len(found))
        return searcher.snapshot.id, found

    def _gauges(self) -> dict[str, float]:
        """What ``/metrics`` tells of the index and the builds."""
        status, build = self.status(), self.build_progress()
        found: dict[str, float] = {
            "up": not status.error,
            "waiting": self.waiting,
            "documents": status.documents,
            "indexed": status.passages,
            "warning": bool(status.warning),
            "build_running": bool(build and build.state == "running"),
            "build_failed": bool(build and build.state == "failed"),
        }
        if status.built_at:
            built = datetime.fromisoformat(status.built_at).timestamp()
            found["snapshot_age_seconds"] = time.time() - built
        return found

    @property
    def waiting(self) -> int:
        """Questions that are being answered or wait for it."""
        return self._gate.inside

    def _log(self, query: str, searcher: Searcher, started: float, **facts: object) -> None:
        asked = {"question": query} if self.settings.log_questions else {}
        took = round((time.perf_counter() - started) * 1000, 1)
        logs.fact(snapshot=searcher.snapshot.id, answer_ms=took, **facts, **asked)

    def documents(self) -> list[DocumentSummary]:
        """All documents of the index."""
        return self._current().snapshot.table.documents()

    def read(self, document_id: str) -> list[Passage]:
        """The passages of a document in order.

        Raises:
            NotFoundError: the index has no such document.
        """
        passages = self._current().snapshot.table.passages(document_id)
        if not passages:
            raise NotFoundError(f"The library has no document '{document_id}'.")
        return passages

    def document(self, document_id: str) -> tuple[DocumentSummary, list[Passage]]:
        """A document and its passages in order, both of the same snapshot.

        Raises:
            NotFoundError: the index has no such document.
        """
        table = self._current().snapshot.table
        summary = table.document(document_id)
        if summary is None:
            raise NotFoundError(f"The library has no document '{document_id}'.")
        return summary, table.passages(document_id)

    def picture(self, document_id: str, page: int, quotes: tuple[str, ...]) -> Picture:
        """The page of a PDF on which the first of the quotes begins, with all of them marked.

        ``page`` is the page, from 1, that their passage begins on.

        Raises:
            NotFoundError: the index has no such document.
            ParseError: its file is gone, was changed since it was indexed, or cannot be drawn.
        """
        found = self._current().snapshot.table.document(document_id)
        if found is None:
            raise NotFoundError(f"The library has no document '{document_id}'.")
        return self._pictures.draw(self.settings.corpus / found.id, found.digest, page, quotes)

    def text(self, document_id: str) -> str | None:
        """The whole text of a document; ``None`` where the index has none."""
        return self._current().snapshot.table.text(document_id)

    def passage(self, passage_id: str) -> Passage:
        """One passage by its id.

        Raises:
            NotFoundError: the index has no such passage.
        """
        passage = self._current().snapshot.table.passage_by_id(passage_id)
        if passage is None:
            raise NotFoundError(f"The library has no passage '{passage_id}'.")
        return passage

    def map(self) -> tuple[str, Map | None]:
        """The name of the snapshot in use and its map, if it has one; raises as ``ask`` does."""
        snapshot = self._current().snapshot
        return snapshot.id, snapshot.map

    def points(self, snapshot: str) -> bytes:
        """The points of the map, as ``Groups.pack`` writes them; kept for each snapshot.

        Raises:
            NotFoundError: this is not the snapshot in use, or it has no map. Else as ``ask`` does.
        """
        current = self._at(snapshot)
        if current.map is None:
            raise NotFoundError("The index has no map yet. Run: python -m app build")
        kept = self._points
        if kept is None or kept[0] != snapshot:
            names = [ids[0] for ids in current.table.document_ids()]
            packed = groups(current.table.documents()).pack(current.map.places, names)
            kept = self._points = snapshot, packed
        return kept[1]

    def passage_in_row(self, snapshot: str, row: int) -> Passage:
        """The passage of a row of a snapshot, which must be the one in use.

        Raises:
            NotFoundError: it is not, or it has no such row. Else as ``ask`` does.
        """
        table = self._at(snapshot).table
        if not 0 <= row < len(table):
            raise NotFoundError(f"The index has no passage in row {row}.")
        return table.passage(row)

    def _at(self, snapshot: str) -> Snapshot:
        current = self._current().snapshot
        if snapshot != current.id:
            raise NotFoundError(
                f"The index '{snapshot}' is not the one in use. Load the page again."
            )
        return current

    def suggestions(self, count: int = 4) -> list[str]:
        """Questions that this corpus answers; kept for each snapshot."""
        searcher = self._current()
        kept = self._suggestions
        if kept is None or kept[0] != searcher.snapshot.id:
            kept = self._suggestions = self._suggested(searcher)
        return kept[1][:count]

    def status(self) -> Status:
        """How the index is; never raises for an index that cannot be used, but says why."""
        try:
            snapshot: Snapshot | None = self._current().snapshot
            error = ""
        except PassagesError as problem:
            snapshot, error = None, str(problem)
        if snapshot is None:
            return Status(None, None, "", 0, 0, 0, 0, "", self.store.size(), (), error)
        manifest = snapshot.manifest
        engine, previous = "FAISS", None
        try:
            previous = self.before()
            engine = snapshot.engine()
        except PassagesError as problem:
            engine, error = str(self.store.server), str(problem)
        return Status(
            snapshot=manifest.id,
            previous=previous,
            built_at=manifest.created,
            documents=manifest.documents,
            passages=manifest.passages,
            sentences=manifest.sentences,
            words=manifest.words,
            model=manifest.recipe.model_name,
            store_bytes=self.store.size(),
            files=snapshot.table.files(),
            nearest=manifest.nearest,
            error=error,
            warning=self._refused[1] or self._trouble or self.warning(manifest.nearest),
            seconds=manifest.seconds,
            engine=engine,
        )

    def before(self) -> str | None:
        """The snapshot before the current one, if it is kept; raises as ``ask`` does."""
        parent = self._current().snapshot.manifest.parent
        return parent if parent in {one.id for one in self.store.manifests()} else None

    def ready(self) -> bool:
        """Whether questions can be answered; raises as ``ask`` does where they cannot."""
        snapshot = self._current().snapshot
        snapshot.engine()
        return len(snapshot.table) > 0

    def warning(self, nearest: Nearest) -> str:
        """What to say of an index that finds too little, or nothing."""
        floor = self.settings.recall_floor
        if nearest.recall >= floor:
            return ""
        return (
            f"The approximate index finds {nearest.recall:.1%} of the nearest passages, less than "
            f"the floor of {floor:.0%}. Raise the setting exact_up_to above the number of "
            "passages to compare every one, then run: python -m app build"
        )

    def build(self, progress: OnProgress, *, force: bool = False) -> BuildReport:
        """Build in this process; other processes see how far it is. Raises as ``build`` does."""
        with self._rebuild.told(progress) as tell:
            report = build(
                self.settings.corpus,
                self.store,
                self.encoder,
                progress=tell.progress,
                force=force,
                exact_up_to=self.settings.exact_up_to,
                file_seconds=self.settings.file_seconds,
            )
            tell.done(report)
            # After the index: it needs no reader, and a reader that is damaged must not cost it.
            if isinstance(self.reader, Extractor):
                self.reader.prepare()
            return report

    def start_rebuild(self) -> None:
        """Start a builder process; this one goes on answering.

        Raises:
            BuildRunningError: a build is running.
        """
        self._changing()
        self._rebuild.start()

    def cancel_rebuild(self) -> None:
        """End the running build, if there is one; the last index goes on answering."""
        self._changing()
        self._rebuild.cancel()

    def add_file(self, name: str, data: bytes, *, replace: bool = False) -> Change:
        """Put a file into the corpus folder; the next build reads it. Raises as ``Uploads`` does.

        Raises:
            AccessError: nothing may be changed here.
        """
        self._changing()
        return self._uploads.add(name, data, replace=replace)

    def remove_file(self, document_id: str) -> Change:
        """Take a file out of the corpus folder; it can be put back. Raises as ``add_file``."""
        self._changing()
        return self._uploads.remove(document_id)

    def undo_change(self, change_id: str) -> Change:
        """Take back what was added, replaced or removed. Raises as ``add_file``."""
        self._changing()
        return self._uploads.undo(change_id)

    def changes(self) -> list[Change]:
        """What was added, replaced and removed and can be taken back, the last one first."""
        return self._uploads.changes()

    def history(self) -> list[Manifest]:
        """The snapshots that are kept, the newest first."""
        return self.store.manifests()[::-1]

    def difference(self, older: Manifest, newer: Manifest) -> Difference:
        """What differs between two snapshots that are kept; raises as ``difference`` does."""
        return difference(self.store, older, newer)

    def disk(self) -> dict[str, int]:
        """Bytes of the documents, of the index with its history, of caches, and of the bin."""
        caches = [self.store.cache, self.store.documents, self.store.models]
        sizes = {"documents": size_of(self.settings.corpus), "bin": size_of(self.store.bin)}
        sizes["caches"] = sum(map(size_of, caches))
        sizes["index"] = max(0, self.store.size() - sizes["caches"] - sizes["bin"])
        return sizes

    def build_progress(self) -> BuildState | None:
        """How far the running build is, or how the last one ended; ``None`` before the first.

        When it says that a build is done, what it made answers.
        """
        state = self._rebuild.state()
        if state is not None and state.state == "done":
            self._settle()
        return state

    def verify(self) -> VerifyReport:
        """Prove the current snapshot against its sources."""
        return verify(self.settings.corpus, self.store, self.settings.file_seconds)

    def rollback(self, to: str | None = None) -> str:
        """Go back to the snapshot before the current one, or to the one named."""
        self._changing()
        snapshot = self.store.rollback(to)
        self._settle()
        return snapshot

    def calibration(self) -> Calibration | None:
        """The confidence fitted to questions of one's own; ``None`` where what ships is used.

        Raises:
            SettingsError: it cannot be read.
        """
        path = self.store.calibration
        if self.as_shipped:
            return None
        try:
            changed = path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if self._calibration[0] != changed:
            self._calibration = changed, load(path)
        found = self._calibration[1]
        known = found and (found.model, found.reader)
        return found if known == (self.encoder.identity, self.shipped().reader) else None

    def shipped(self) -> Calibration:
        """The confidence that is used where none was fitted to questions of one's own."""
        return shipped(self.reader.name if self.reader else "")

    def threshold(self) -> float:
        """The confidence below which no answer is given."""
        set_ = self.settings.threshold
        return (self.calibration() or self.shipped()).weak if set_ is None else set_

    def _changing(self) -> None:
        if self.settings.read_only:
            raise AccessError("Nothing can be changed here: the setting read_only says so.")

    def _answer(
        self,
        query: str,
        searcher: Searcher,
        hits: int | None = None,
        only: Filter | None = None,
        threshold: float | None = None,
    ) -> Answer:
        return answer(
            query,
            searcher,
            self.reader,
            hits=hits or max(DEPTH, self.settings.top_k),
            only=only,
            calibration=self.calibration(),
            threshold=self.settings.threshold if threshold is None else threshold,
        )

    def _suggested(self, searcher: Searcher) -> tuple[str, list[str]]:
        found = suggest(searcher, lambda query: self._answer(query, searcher))
        return searcher.snapshot.id, found

    def _current(self) -> Searcher:
        """The searcher that answers: of a service that follows the store without looking there."""
        searcher = self._searcher
        return searcher if searcher is not None and self._following else self._swap()

    def _settle(self) -> None:
        """Swap in what is current; where that is no use, the next question says so."""
        with contextlib.suppress(PassagesError):
            self._swap()

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
            with self._lock:
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
        except EngineError as error:
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

    def _warm(self, searcher: Searcher) -> None:
        """Ask a snapshot what its first page would, before anybody waits for it."""
        try:
            self._answer("warm up", searcher)
            self._suggestions = self._suggested(searcher)
        except PassagesError:
            pass  # the first question says it again, to somebody


def _store(settings: Settings) -> Store:
    if settings.vectors == "faiss":
        return Store(settings.store, keep=settings.snapshots)
    server = Milvus(settings.milvus_uri, settings.milvus_token, settings.milvus_name)
    shared = Shared(settings.shared) if settings.shared else None
    return Store(settings.store, keep=settings.snapshots, server=server, shared=shared)


def _reader(settings: Settings, store: Store) -> Reader | None:
    if settings.reader == "none":
        return None
    if settings.reader:
        return CrossEncoder(settings.reader, settings.device)
    return Extractor(kept=store.models, engine=settings.encoder)


@lru_cache(maxsize=1)
def shared(settings: Settings) -> Service:
    """The one service of this process."""
    return Service(settings)
