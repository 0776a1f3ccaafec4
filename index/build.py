"""From a corpus folder to a published snapshot, encoding only texts that were never seen.

Everything is written aside; readers notice nothing until the one rename at the end. Texts stream
from file to table to vectors. Proving a snapshot against its sources is ``verify``'s work.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from index.cache import VectorCache
from index.corpus import Source, scan
from index.encoder import Encoder, Halves, Input
from index.errors import CorpusError, ParseError, PassagesError, StoreError
from index.lexical import ANALYZER, Fields, LexicalIndex
from index.parsers import digest_of, parse
from index.passages import SPLITTER, Window, context_of, split
from index.records import Document, FileReport, Passage
from index.store import LEXICAL, SENTENCE_ROWS, SENTENCES, TABLE, VECTORS, Recipe, Snapshot, Store
from index.table import TableWriter
from index.vectors import FaissIndex

T = TypeVar("T")

CHUNK = 2048  # passages that are in memory at once


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is. ``rate`` is a second's work; ``seconds_left`` are those of the stage."""

    stage: str
    done: int
    total: int
    rate: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. ``unchanged`` means that the current snapshot is already what was asked."""

    snapshot: str
    documents: int
    passages: int
    encoded: int
    cached: int
    seconds: float
    files: tuple[FileReport, ...]
    unchanged: bool = False


OnProgress = Callable[[Progress], None]


def build(
    corpus: Path | str,
    store: Store,
    encoder: Encoder,
    *,
    progress: OnProgress | None = None,
    force: bool = False,
) -> BuildReport:
    """Index the documents of a folder and publish the snapshot.

    Where neither a file nor the recipe has changed since the current snapshot, and no file of it
    is damaged, nothing is written, unless ``force``.

    Raises:
        CorpusError: the folder is missing or holds no document that can be read.
        BuildRunningError: another build holds the store.
        StoreError: the store cannot be written, for instance because the disk is full.
        ModelError: the encoder's model is missing or wrong.
    """
    corpus = Path(corpus)
    with store.lock(), _store_errors(store):
        begun = time.monotonic()
        sources, skipped = scan(corpus)
        digest = _digest_of(sources, skipped)
        current = None if force else _usable(store, digest, recipe_of(encoder))
        if current is not None:
            files = current.table.files()
            manifest = current.manifest
            return BuildReport(
                snapshot=current.id,
                documents=manifest.documents,
                passages=manifest.passages,
                encoded=0,
                cached=manifest.passages,
                seconds=time.monotonic() - begun,
                files=files,
                unchanged=True,
            )
        meter = _Meter(progress)
        reading = _Reading.files(sources, skipped, meter)
        return _assemble(reading, store, encoder, meter, str(corpus.resolve()), digest)


def build_documents(
    documents: Iterable[Document],
    store: Store,
    encoder: Encoder,
    *,
    progress: OnProgress | None = None,
) -> BuildReport:
    """Index documents that were read elsewhere; like ``build`` in all else."""
    with store.lock(), _store_errors(store):
        return _assemble(_Reading(documents), store, encoder, _Meter(progress), "", "")


def recipe_of(encoder: Encoder) -> Recipe:
    """The recipe that a build with this encoder follows."""
    return Recipe(
        model=encoder.identity,
        model_name=encoder.model or "all-MiniLM-L6-v2",
        splitter=SPLITTER,
        analyzer=ANALYZER,
        vectors="faiss-flat",
        dimension=encoder.dimension,
    )


def _assemble(
    reading: _Reading,
    store: Store,
    encoder: Encoder,
    meter: _Meter,
    corpus: str,
    digest: str,
) -> BuildReport:
    begun = time.monotonic()
    window = Window(encoder.window, encoder.count_tokens)
    words = 0
    with store.building() as folder:
        table = TableWriter(folder / TABLE)
        for document in reading:
            passages = split(document, window)
            reading.indexed(document, len(passages))
            table.add(document, passages)
            words += len(document.text.split())
        if not table.passages:
            raise CorpusError(_nothing_in(corpus, reading.reports))
        encoded = _encode(table, folder, store, encoder, meter)
        meter.begin("indexing", table.passages)
        fields = (_fields(passage) for passage in meter.count(table.iterate()))
        lexical = LexicalIndex.from_fields(fields)
        lexical.save(folder / LEXICAL)
        files = tuple(sorted(reading.reports, key=lambda file: file.path))
        table.report(files)
        table.close()
        meter.begin("publishing", 1)
        seconds = time.monotonic() - begun
        manifest = store.publish(
            folder,
            recipe=recipe_of(encoder),
            corpus=corpus,
            corpus_digest=digest,
            documents=table.documents,
            passages=table.passages,
            sentences=table.sentences,
            words=words,
            seconds=round(seconds, 3),
        )
        meter.begin("done", 0)
    return BuildReport(
        snapshot=manifest.id,
        documents=manifest.documents,
        passages=manifest.passages,
        encoded=encoded,
        cached=manifest.passages - encoded,
        seconds=seconds,
        files=files,
    )


def _encode(table: TableWriter, folder: Path, store: Store, encoder: Encoder, meter: _Meter) -> int:
    """Write the vectors of all passages and sentences; return how many passages were encoded."""
    vectors = FaissIndex.empty(encoder.dimension)
    rows = [0]
    encoded = 0
    cache = VectorCache(store.cache, encoder.identity, encoder.dimension)
    meter.begin("encoding", table.passages)
    # Written from front to back: a sparse map of the file would die without a word on a full disk.
    with (folder / SENTENCES).open("wb") as sentences, contextlib.closing(cache):
        shape = (table.sentences, encoder.dimension)
        head = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(sentences, head)
        for chunk in _chunks(table.iterate(), CHUNK):
            inputs = [input_of(passage) for passage in chunk]
            known = cache.get([item.key for item in inputs])
            missing = list({item.key: item for item in inputs if item.key not in known}.values())
            meter.advance(len(inputs) - len(missing))
            new: dict[str, Halves] = {}
            for position, made in encoder.encode_passages(missing):
                new[missing[position].key] = made
                meter.advance(1)
            cache.put(new.items())
            encoded += len(missing)
            known |= new
            blocks = [known[item.key] for item in inputs]
            vectors.add(np.stack([block[0] for block in blocks]))
            for block in blocks:
                sentences.write(block[1:].astype("<f2").tobytes())
                rows.append(rows[-1] + len(block) - 1)
    np.save(folder / SENTENCE_ROWS, np.array(rows, dtype=np.int64))
    vectors.save(folder / VECTORS)
    return encoded


def input_of(passage: Passage) -> Input:
    """What the encoder sees of a passage."""
    return Input(context_of(passage.title, passage.headings), passage.text, passage.sentences)


def _fields(passage: Passage) -> Fields:
    headings = [heading for heading in passage.headings if heading != passage.title]
    return Fields(passage.title, " ".join(headings), passage.text)


class _Reading:
    """Documents, one after the other, and a report on every file they come from."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.reports: list[FileReport] = []
        self._documents = documents

    @classmethod
    def files(cls, sources: list[Source], skipped: list[FileReport], meter: _Meter) -> _Reading:
        reading = cls(())
        reading.reports.extend(skipped)
        reading._documents = reading._parsed(sources, meter)
        return reading

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents)

    def indexed(self, document: Document, passages: int) -> None:
        self.reports.append(FileReport(document.id, "indexed", "", passages, len(document.text)))

    def _parsed(self, sources: list[Source], meter: _Meter) -> Iterator[Document]:
        meter.begin("reading", len(sources))
        seen: dict[str, str] = {}
        for source in meter.count(sources):
            try:
                document = parse(source.path, source.document_id)
            except ParseError as error:
                self.reports.append(FileReport(source.document_id, "failed", str(error)))
                continue
            if first := seen.get(document.digest):
                reason = f"It has the same content as '{first}'."
                self.reports.append(FileReport(source.document_id, "duplicate", reason))
                continue
            seen[document.digest] = source.document_id
            yield document


class _Meter:
    """Turns counts into ``Progress`` with a rate and an estimate, at most ten times a second."""

    def __init__(self, report: OnProgress | None) -> None:
        self._report = report
        self.begin("", 0, silent=True)

    def begin(self, stage: str, total: int, *, silent: bool = False) -> None:
        self._stage, self._total, self._done = stage, total, 0
        self._begun = self._told = time.monotonic()
        if not silent:
            self._tell()

    def advance(self, count: int) -> None:
        self._done += count
        if count and (time.monotonic() - self._told > 0.1 or self._done == self._total):
            self._tell()

    def count(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            yield item
            self.advance(1)

    def _tell(self) -> None:
        if self._report is None:
            return
        self._told = time.monotonic()
        elapsed = self._told - self._begun
        rate = self._done / elapsed if elapsed > 0.2 and self._done else None
        left = (self._total - self._done) / rate if rate else None
        self._report(Progress(self._stage, self._done, self._total, rate, left))


def _digest_of(sources: list[Source], skipped: list[FileReport]) -> str:
    """One hash of all that the corpus consists of: names, contents, and what is left out."""
    content = hashlib.sha256()
    for source in sources:
        try:
            digest = digest_of(source.path)
        except ParseError as error:
            digest = str(error)
        content.update(f"{source.document_id}\0{digest}\0".encode())
    for file in skipped:
        content.update(f"{file.path}\0{file.reason}\0".encode())
    return content.hexdigest()


def _usable(store: Store, digest: str, recipe: Recipe) -> Snapshot | None:
    """The current snapshot, if it is whole and was made of this corpus with this recipe."""
    try:
        snapshot = store.open()
    except PassagesError:
        return None
    manifest = snapshot.manifest
    same = manifest.corpus_digest == digest and manifest.recipe == recipe
    return snapshot if same and not any(snapshot.damaged()) else None


def _nothing_in(corpus: str, reports: list[FileReport]) -> str:
    reasons = "".join(f"\n  {file.path}: {file.reason}" for file in reports[:10])
    more = f"\n  and {len(reports) - 10} more" if len(reports) > 10 else ""
    where = f"The folder '{corpus}'" if corpus else "The corpus"
    advice = "holds no document that can be read. Put .md or .txt files in it."
    return f"{where} {advice}{reasons}{more}"


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@contextlib.contextmanager
def _store_errors(store: Store) -> Iterator[None]:
    """Say in our own words that the store cannot be written."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The index cannot be written to '{store.folder}': {error.strerror or error}. "
            "Make room or choose another store; the last index still answers."
        ) from error
