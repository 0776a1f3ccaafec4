"""From a corpus folder to a published snapshot, encoding only texts that were never seen.

Everything is written aside; readers notice nothing until the one rename at the end. Texts stream
from file to table to vectors. Proving a snapshot against its sources is ``verify``'s work.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from index.cache import VectorCache
from index.corpus import Source, scan
from index.documents import read_files, with_pictures
from index.embed import embed
from index.encoder import Encoder
from index.errors import CorpusError, ParseError, PassagesError, StoreError
from index.lexical import ANALYZER, Fields, LexicalIndex
from index.parsers import digest_of, ocr
from index.parsers.workers import Parsed
from index.passages import SPLITTER, Window, cut_tokens, same_words, split
from index.progress import Meter, OnProgress
from index.records import Document, Extent, FileReport, Passage
from index.sentences import SentenceVectors, SentenceWriter
from index.store import LEXICAL, TABLE, Recipe, Snapshot, Store
from index.table import TableWriter
from index.vectors import EXACT, EXACT_UP_TO, FaissIndex, Floats, Nearest

COPIES = 8  # whose titles and headings a passage is found by, too
HELD_ASIDE = 512  # vectors that an approximate search is tried with


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
    nearest: Nearest = EXACT


def build(
    corpus: Path | str,
    store: Store,
    encoder: Encoder,
    *,
    progress: OnProgress | None = None,
    force: bool = False,
    exact_up_to: int = EXACT_UP_TO,
) -> BuildReport:
    """Index the documents of a folder and publish the snapshot.

    Where neither a file nor the recipe has changed since the current snapshot, and no file of it
    is damaged, nothing is written, unless ``force``. Up to ``exact_up_to`` passages a question is
    compared with every vector, past that approximately, with the recall in the manifest.

    Raises:
        CorpusError: the folder is missing or holds no document that can be read.
        BuildRunningError: another build holds the store.
        StoreError: the store cannot be written, for instance because the disk is full.
        ModelError: the encoder's model is missing or wrong.
    """
    corpus = Path(corpus)
    recipe = recipe_of(encoder, exact_up_to)
    with store.lock(), _store_errors(store):
        begun = time.monotonic()
        sources, skipped = scan(corpus)
        digests = _digests_of(sources)
        digest = _digest_of(digests, skipped)
        current = None if force else _usable(store, digest, recipe)
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
                nearest=manifest.nearest,
                unchanged=True,
            )
        meter = Meter(progress)
        reading = _Reading.files(sources, skipped, digests, store.documents, meter)
        return _assemble(reading, store, encoder, recipe, meter, str(corpus.resolve()), digest)


def build_documents(
    documents: Iterable[Document],
    store: Store,
    encoder: Encoder,
    *,
    progress: OnProgress | None = None,
    exact_up_to: int = EXACT_UP_TO,
) -> BuildReport:
    """Index documents that were read elsewhere; like ``build`` in all else."""
    recipe = recipe_of(encoder, exact_up_to)
    with store.lock(), _store_errors(store):
        return _assemble(_Reading(documents), store, encoder, recipe, Meter(progress), "", "")


def recipe_of(encoder: Encoder, exact_up_to: int = EXACT_UP_TO) -> Recipe:
    """The recipe that a build with this encoder follows."""
    return Recipe(
        model=encoder.identity,
        model_name=encoder.model or "all-MiniLM-L6-v2",
        splitter=SPLITTER,
        analyzer=ANALYZER,
        vectors="faiss-fp16",
        exact_up_to=exact_up_to,
        dimension=encoder.dimension,
    )


def _assemble(
    reading: _Reading,
    store: Store,
    encoder: Encoder,
    recipe: Recipe,
    meter: Meter,
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
            said = [same_words(passage) for passage in passages]
            repeated = table.add(document, passages, said) if passages else 0
            reading.report(document, len(passages), repeated, cut_tokens(passages, window))
            if passages:
                words += len(document.text.split())
        if not table.passages:
            raise CorpusError(_nothing_in(corpus, reading.reports))
        cache = VectorCache(store.cache, encoder.identity, encoder.dimension)
        with contextlib.closing(cache):
            encoded, vectors = _encode(table, folder, encoder, cache, meter)
        nearest = _arrange(vectors, folder, recipe, meter)
        meter.begin("indexing", table.passages)
        copies = table.copies()
        rows = enumerate(meter.count(table.iterate()))
        fields = (_fields(passage, copies.get(row, ())) for row, passage in rows)
        lexical = LexicalIndex.from_fields(fields)
        lexical.save(folder / LEXICAL)
        files = tuple(sorted(reading.reports, key=lambda file: file.path))
        table.report(files)
        table.close()
        meter.begin("publishing", 1)
        seconds = time.monotonic() - begun
        manifest = store.publish(
            folder,
            recipe=recipe,
            corpus=corpus,
            corpus_digest=digest,
            documents=table.documents,
            passages=table.passages,
            sentences=table.sentences,
            words=words,
            seconds=round(seconds, 3),
            nearest=nearest,
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
        nearest=nearest,
    )


def _encode(
    table: TableWriter, folder: Path, encoder: Encoder, cache: VectorCache, meter: Meter
) -> tuple[int, FaissIndex]:
    """Write the sentences' vectors; return how many texts were encoded, and the passages' index."""
    vectors = FaissIndex.empty(encoder.dimension)
    encoded = 0
    meter.begin("encoding", table.passages)
    writer = SentenceWriter(folder, table.sentences, encoder.dimension)
    with contextlib.closing(writer):
        for blocks, new in embed(table.iterate(), encoder, cache, meter.advance):
            encoded += new
            vectors.add(np.stack([block[0] for block in blocks]))
            writer.add(block[1:] for block in blocks)
    return encoded, vectors


def _arrange(vectors: FaissIndex, folder: Path, recipe: Recipe, meter: Meter) -> Nearest:
    """Write the passages' vectors, clustered where they are many; say how they are searched."""
    nearest = EXACT
    if len(vectors) > recipe.exact_up_to:
        meter.begin("clustering", 1)
        nearest = vectors.cluster(_like_questions(vectors, SentenceVectors(folder)))
    vectors.save(folder)
    return nearest


def _like_questions(vectors: FaissIndex, sentences: SentenceVectors) -> Floats:
    """Vectors that are as hard to find the nearest passages of as those of questions.

    A sentence less half its passage: what it says beyond the passage's topic. On ``squad-open``
    the recall of clustered indexes for these is within .01 of that for the real questions, for
    plain sentences up to .07 above it.
    """
    count = min(HELD_ASIDE, len(sentences))
    rows = np.sort(np.random.default_rng(0).choice(len(sentences), count, replace=False))
    of_sentences, begins = sentences.of(rows)
    first = of_sentences[begins[:-1]].astype(np.float32)
    beyond = first - vectors.vectors(rows) / 2
    result: Floats = beyond / np.linalg.norm(beyond, axis=1, keepdims=True)
    return result


def _fields(passage: Passage, copies: Sequence[Passage]) -> Fields:
    """What the words of a passage are; it is found by the titles and headings of copies too."""
    places = [passage, *copies[:COPIES]]
    titles = list(dict.fromkeys(place.title for place in places))
    headings = dict.fromkeys(heading for place in places for heading in place.headings)
    others = [heading for heading in headings if heading not in titles]
    return Fields(" ".join(titles), " ".join(others), passage.text)


class _Reading:
    """Documents, one after the other, and a report on every file they come from."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.reports: list[FileReport] = []
        self._documents = documents
        self._seconds = 0.0

    @classmethod
    def files(
        cls,
        sources: list[Source],
        skipped: list[FileReport],
        digests: dict[str, str],
        kept: Path,
        meter: Meter,
    ) -> _Reading:
        reading = cls(())
        reading.reports.extend(skipped)
        parsed = read_files(sources, digests, kept)
        reading._documents = reading._parsed(sources, parsed, meter)
        return reading

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents)

    def report(self, document: Document, passages: int, repeated: int, cut: int) -> None:
        extent = document.extent
        reason = _remarks(document)
        self.reports.append(
            FileReport(
                path=document.id,
                state=_state(extent) if passages else "failed",
                reason=reason if passages else "It holds no text.",
                passages=passages,
                characters=len(document.text) if passages else 0,
                left_out=extent.left_out,
                pages=extent.pages,
                pages_without_text=len(extent.without_text),
                repeated=repeated,
                cut_tokens=cut,
                seconds=round(self._seconds, 3),
            )
        )

    def _parsed(
        self, sources: list[Source], files: Iterator[Parsed], meter: Meter
    ) -> Iterator[Document]:
        meter.begin("reading", len(sources))
        seen: dict[str, str] = {}
        for source, parsed in zip(meter.count(sources), files, strict=True):
            document, self._seconds = parsed.document, parsed.seconds
            if document is None:
                seconds = round(parsed.seconds, 3)
                self.reports.append(
                    FileReport(source.document_id, "failed", parsed.reason, seconds=seconds)
                )
                continue
            if first := seen.get(document.digest):
                reason = f"It has the same content as '{first}'."
                self.reports.append(FileReport(source.document_id, "duplicate", reason))
                continue
            seen[document.digest] = source.document_id
            yield document


def _state(extent: Extent) -> Literal["indexed", "partly"]:
    return "partly" if extent.without_text or extent.unread else "indexed"


def _remarks(document: Document) -> str:
    """What was not read, and what was read by OCR; nothing where all is plain text."""
    extent = document.extent
    remarks = []
    if extent.without_text:
        lacking = ocr.lacking()
        why = f"pictures need OCR. {lacking}" if lacking else "OCR finds none in the pictures."
        remarks.append(f"{_pages(extent.without_text, extent, 'has', 'have')} no text: {why}")
    if extent.by_ocr:
        read = _pages(extent.by_ocr, extent, "was", "were")
        remarks.append(f"{read} read by OCR, which makes mistakes.")
    elif "ocr" in document.metadata:
        remarks.append("Attachments were read by OCR, which makes mistakes.")
    if extent.unread:
        remarks.append(f"Of its parts were not read: {' '.join(extent.unread[:8])}")
    return " ".join(remarks)


def _pages(numbers: tuple[int, ...], extent: Extent, one: str, many: str) -> str:
    """``Pages 2–4, 7 of 9 have``."""
    runs: list[list[int]] = []
    for page in numbers:
        if runs and runs[-1][1] == page - 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    shown = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs[:8])
    more = " and others" if len(runs) > 8 else ""
    pages, verb = ("Page", one) if len(numbers) == 1 else ("Pages", many)
    return f"{pages} {shown}{more} of {extent.pages} {verb}"


def _digests_of(sources: list[Source]) -> dict[str, str]:
    """The hash of each file's content by its document's id, or why there is none."""
    found = {}
    for source in sources:
        try:
            found[source.document_id] = digest_of(source.path)
        except ParseError as error:
            found[source.document_id] = str(error)
    return found


def _digest_of(digests: dict[str, str], skipped: list[FileReport]) -> str:
    """One hash of all that the corpus consists of: names, contents, and what is left out.

    What reads pictures counts where there may be some: once OCR is installed, a build finds more.
    """
    content = hashlib.sha256()
    if with_pictures(digests):
        content.update(ocr.engine().encode())
    for document_id, digest in digests.items():
        content.update(f"{document_id}\0{digest}\0".encode())
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
    advice = "holds no document that can be read. Put PDF, Word, HTML or text files in it."
    return f"{where} {advice}{reasons}{more}"


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
