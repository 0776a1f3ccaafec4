"""From a corpus folder to a published snapshot, encoding only texts that were never seen.

Everything is written aside; readers notice nothing until the one rename at the end. Texts stream
from file to table to vectors. Proving a snapshot against its sources is ``verify``'s work.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.cache import VectorCache
from index.cluster import Ahead, Cluster
from index.corpus import scan
from index.documents import read_files
from index.duplicates import Duplicates
from index.embed import embed
from index.encoder import Encoder
from index.errors import CorpusError, EngineError, MissingExtraError, PassagesError, StoreError
from index.layout import STEPS
from index.lexical import ANALYZER, Fields, LexicalIndex, words_of
from index.map import Map
from index.milvus import Milvus
from index.parsers.workers import SECONDS
from index.passages import SPLITTER, Window, cut_tokens, split
from index.progress import Meter, OnProgress
from index.reading import Reading, digest_of_corpus, digests_of
from index.records import Document, FileReport, Passage, name_words
from index.sentences import SentenceVectors, SentenceWriter
from index.snapshot import IN_FILES, IN_MILVUS, LEXICAL, TABLE, Recipe, Snapshot
from index.store import Store
from index.table import Table, TableWriter
from index.vectors import EXACT, EXACT_UP_TO, FaissIndex, Floats, Nearest

log = logging.getLogger("passages")

COPIES = 8  # whose titles and headings a passage is found by, too
LOTS = "lots"  # folder of the store for what a cluster encodes
HELD_ASIDE = 512  # vectors that an approximate search is tried with


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. ``unchanged`` means that the current snapshot is already what was asked.

    ``cached`` passages have a text that was encoded for a build before, or repeat another one;
    the vectors of ``taken_over`` texts were made for a build on a cluster that died.
    """

    snapshot: str
    documents: int
    passages: int
    encoded: int
    cached: int
    seconds: float
    files: tuple[FileReport, ...]
    unchanged: bool = False
    nearest: Nearest = EXACT
    taken_over: int = 0


def build(
    corpus: Path | str,
    store: Store,
    encoder: Encoder,
    *,
    progress: OnProgress | None = None,
    force: bool = False,
    exact_up_to: int = EXACT_UP_TO,
    file_seconds: float = SECONDS,
    cluster: Cluster | None = None,
) -> BuildReport:
    """Index the documents of a folder and publish the snapshot.

    Where neither a file nor the recipe has changed since the current snapshot, and no file of it
    is damaged, nothing is written, unless ``force``. Up to ``exact_up_to`` passages a question is
    compared with every vector, past that approximately, with the recall in the manifest. Reading
    one file may take ``file_seconds``. Files are read and texts encoded by the workers of a
    ``cluster``, if there is one; the snapshot is the same.

    Raises:
        CorpusError: the folder is missing or holds no document that can be read.
        BuildRunningError: another build holds the store.
        StoreError: the store cannot be written, for instance because the disk is full.
        ModelError: the encoder's model is missing or wrong.
        ClusterError: the cluster cannot be used, or its work has ended early.
    """
    corpus = Path(corpus)
    recipe = recipe_of(encoder, exact_up_to, store)
    with store.lock(), _store_errors(store):
        begun = time.monotonic()
        sources, skipped = scan(corpus)
        digests = digests_of(sources)
        digest = digest_of_corpus(digests, skipped, file_seconds)
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
        parse = cluster.parse if cluster else None
        parsed = read_files(sources, digests, store.documents, file_seconds, parse)
        reading = Reading.files(sources, skipped, parsed, meter)
        where = str(corpus.resolve())
        return _assemble(
            reading, store, encoder, recipe, meter, where, digest, cluster, take_over=force
        )


def build_documents(
    documents: Iterable[Document],
    store: Store,
    encoder: Encoder,
    *,
    progress: OnProgress | None = None,
    exact_up_to: int = EXACT_UP_TO,
) -> BuildReport:
    """Index documents that were read elsewhere; like ``build`` in all else."""
    recipe = recipe_of(encoder, exact_up_to, store)
    with store.lock(), _store_errors(store):
        return _assemble(Reading(documents), store, encoder, recipe, Meter(progress), "", "")


def recipe_of(
    encoder: Encoder, exact_up_to: int = EXACT_UP_TO, store: Store | None = None
) -> Recipe:
    """The recipe that a build with this encoder follows, by default with the vectors in files."""
    return Recipe(
        model=encoder.identity,
        model_name=encoder.model or "all-MiniLM-L6-v2",
        splitter=SPLITTER,
        analyzer=ANALYZER,
        vectors=IN_MILVUS if store and store.server else IN_FILES,
        exact_up_to=exact_up_to,
        dimension=encoder.dimension,
    )


def _assemble(
    reading: Reading,
    store: Store,
    encoder: Encoder,
    recipe: Recipe,
    meter: Meter,
    corpus: str,
    digest: str,
    cluster: Cluster | None = None,
    *,
    take_over: bool = False,
) -> BuildReport:
    begun = time.monotonic()
    window = Window(encoder.window, encoder.count_tokens)
    words = 0
    with (
        store.building(take_over=take_over) as folder,
        contextlib.closing(TableWriter(folder / TABLE)) as table,
    ):
        duplicates = Duplicates(table.text)
        for document in reading:
            passages = split(document, window)
            repeated = table.add(document, passages, duplicates) if passages else 0
            reading.report(document, len(passages), repeated, cut_tokens(passages, window))
            if passages:
                words += len(document.text.split())
        del duplicates  # some 370 bytes a passage
        if not table.passages:
            raise CorpusError(_nothing_in(corpus, reading.reports))
        cache = VectorCache(store.cache, encoder.identity, encoder.dimension)
        with contextlib.closing(cache):
            meter.begin("encoding", table.passages)
            ahead = Ahead()
            if cluster:
                new, many, lots = table.iterate(), table.passages, store.folder / LOTS
                ahead = cluster.encode(new, many, encoder, cache, lots, meter.advance)
            encoded, vectors = _encode(table, folder, encoder, cache, meter, ahead.passages)
            encoded += ahead.encoded
        nearest = EXACT if store.server else _arrange(vectors, folder, recipe, meter)
        meter.begin("indexing", table.passages)
        copies = table.copies(COPIES)
        rows = enumerate(meter.count(table.iterate()))
        fields = (_fields(passage, copies.get(row, ())) for row, passage in rows)
        lexical = LexicalIndex.from_fields(fields)
        lexical.save(folder / LEXICAL)
        files = tuple(sorted(reading.reports, key=lambda file: file.path))
        table.report(files)
        table.finish()
        _chart(vectors, folder, store, recipe, meter)
        sealed = store.seal(folder)
        if store.server:
            nearest = _load(vectors, folder, store.server, sealed.id, recipe, meter)
        meter.begin("publishing", 1)
        seconds = time.monotonic() - begun
        manifest = store.publish(
            folder,
            sealed,
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
        taken_over=ahead.taken_over,
    )


def _encode(
    table: TableWriter,
    folder: Path,
    encoder: Encoder,
    cache: VectorCache,
    meter: Meter,
    told: int,
) -> tuple[int, FaissIndex]:
    """Write the sentences' vectors; return how many texts were encoded, and the passages' index.

    Of so many passages the meter was ``told`` already.
    """
    vectors = FaissIndex.empty(encoder.dimension)
    encoded = 0

    def advance(count: int) -> None:
        nonlocal told
        known = min(told, count)
        told -= known
        meter.advance(count - known)

    writer = SentenceWriter(folder, table.sentences, encoder.dimension)
    with contextlib.closing(writer):
        for blocks, new in embed(table.iterate(), encoder, cache, advance):
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


def _load(
    vectors: FaissIndex, folder: Path, server: Milvus, name: str, recipe: Recipe, meter: Meter
) -> Nearest:
    """Have the server keep the passages' vectors; say how they are searched."""
    many = len(vectors) > recipe.exact_up_to
    queries = _like_questions(vectors, SentenceVectors(folder)) if many else None
    with contextlib.closing(Table(folder / TABLE)) as table:
        return server.fill(name, vectors, table.standing(), meter=meter, queries=queries)


def _chart(vectors: FaissIndex, folder: Path, store: Store, recipe: Recipe, meter: Meter) -> None:
    """Write the map. An index without one is whole, so what fails here is told and no more."""
    meter.begin("mapping", STEPS)
    try:
        with contextlib.closing(Table(folder / TABLE)) as table:
            Map.make(vectors, table, _charted(store, recipe), meter.advance).save(folder)
    except OSError:
        raise
    except Exception as error:
        log.warning("The map could not be drawn, all else can be used: %r", error)


def _charted(store: Store, recipe: Recipe) -> tuple[list[str], Map] | None:
    """The passages of the current snapshot and its map, if both mean the same as in this build."""
    try:
        snapshot = store.open()
        if snapshot.map is None or snapshot.manifest.recipe.model != recipe.model:
            return None
        return snapshot.table.ids(), snapshot.map
    except PassagesError:
        return None


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
    """What the words of a passage are; it is found by what stands over copies of it, too."""
    places = [passage, *copies]
    titles = list(dict.fromkeys(place.title for place in places))
    headings = dict.fromkeys(heading for place in places for heading in place.headings)
    others = [heading for heading in headings if heading not in titles]
    there = {term for _, term in words_of(" ".join((*titles, *others)))}
    names = words_of(" ".join(name_words(place.document_id) for place in places))
    lacking = [word for word, term in names if term not in there]
    return Fields(" ".join((*titles, *lacking)), " ".join(others), passage.text)


def _usable(store: Store, digest: str, recipe: Recipe) -> Snapshot | None:
    """The current snapshot, if it is whole and was made of this corpus with this recipe."""
    try:
        snapshot = store.open()
    except (EngineError, MissingExtraError):
        raise  # better now than after an hour of encoding
    except PassagesError:
        return None
    manifest = snapshot.manifest
    same = manifest.corpus_digest == digest and manifest.recipe == recipe
    whole = same and snapshot.map is not None and not any(snapshot.damaged())
    whole = whole and not snapshot.incomplete()
    return snapshot if whole else None


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
