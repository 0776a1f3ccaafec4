"""What the current snapshot is asked: questions, and what its documents, passages and map say."""

from __future__ import annotations

import contextlib
import threading
import time

from app import logs
from app.following import Following
from app.gate import Gate
from app.groups import groups
from app.metrics import Metrics
from app.settings import Settings
from app.suggest import suggest
from index.answer import answer
from index.confidence import Calibration, load, shipped
from index.engines import cores
from index.errors import NotFoundError, PassagesError
from index.extractor import CrossEncoder, Extractor, Reader
from index.filters import Filter
from index.map import Map
from index.parsers.picture import Picture
from index.pictures import Pictures
from index.reader import DEPTH, rerank
from index.records import Answer, DocumentSummary, Hit, Passage
from index.search import LOOKED_AT, Searcher
from index.snapshot import Snapshot
from index.store import Store


class Answering(Following):
    """Answers questions from the current snapshot, and reads in it."""

    def __init__(self, settings: Settings, snapshot: str | None = None) -> None:
        super().__init__(settings, snapshot)
        self.reader = _reader(settings, self.store)
        self.metrics = Metrics()
        self.as_shipped = False
        """Whether what was fitted to questions of one's own is left aside."""
        self._calibration: tuple[int, Calibration | None] = (0, None)
        self._gate = Gate(2 * cores(), settings.waiting)
        self._pictures = Pictures()
        self._suggestions: tuple[str, list[str]] | None = None
        self._suggesting = threading.Lock()
        self._points: tuple[str, bytes] | None = None

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

    def search(self, query: str, k: int, only: Filter | None = None) -> list[Hit]:
        """The ``k`` best passages for a question; raises as ``ask`` does."""
        return self.search_in(query, k, only)[1]

    def search_in(self, query: str, k: int, only: Filter | None = None) -> tuple[str, list[Hit]]:
        """Like ``search``, with the snapshot that was searched."""
        started = time.perf_counter()
        with self.metrics.timed("search"), self._gate.enter():
            searcher = self._current()
            hits = searcher.search(query, max(k, LOOKED_AT), only)
            found = rerank(query, hits, self.reader)[0][:k]
        self._log(query, searcher, started, hits=len(found))
        return searcher.snapshot.id, found

    @property
    def waiting(self) -> int:
        """Questions that are being answered or wait for it."""
        return self._gate.inside

    def suggestions(self) -> list[str]:
        """Questions that this corpus answers; kept for each snapshot."""
        searcher = self._current()
        with self._suggesting:  # who comes second waits for what the first has found
            kept = self._suggestions
            if kept is None or kept[0] != searcher.snapshot.id:
                kept = self._suggestions = self._suggested(searcher)
        return kept[1]

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

    def _at(self, snapshot: str) -> Snapshot:
        current = self._current().snapshot
        if snapshot != current.id:
            raise NotFoundError(
                f"The index '{snapshot}' is not the one in use. Load the page again."
            )
        return current

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

    def _greet(self) -> None:
        """Find the questions to begin with."""
        with contextlib.suppress(PassagesError):
            self.suggestions()

    def _warm(self, searcher: Searcher) -> None:
        """Ask a snapshot what its first page would, before anybody waits for it."""
        try:
            self._answer("warm up", searcher)
            found = self._suggested(searcher)
            with self._suggesting:
                self._suggestions = found
        except PassagesError:
            pass  # the first question says it again, to somebody

    def _log(self, query: str, searcher: Searcher, started: float, **facts: object) -> None:
        asked = {"question": query} if self.settings.log_questions else {}
        took = round((time.perf_counter() - started) * 1000, 1)
        logs.fact(snapshot=searcher.snapshot.id, answer_ms=took, **facts, **asked)


def _reader(settings: Settings, store: Store) -> Reader | None:
    if settings.reader == "none":
        return None
    if settings.reader:
        return CrossEncoder(settings.reader, settings.device)
    return Extractor(kept=store.models, engine=settings.encoder)
