"""A BEIR-layout folder as an index: built once, kept, and opened again."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from index.build import build_documents, recipe_of
from index.encoder import Encoder
from index.errors import PassagesError
from index.evaluate import read_corpus
from index.progress import Progress
from index.records import Block, Document
from index.search import Searcher
from index.store import Store


def open_searcher(data: Path, kept: Path, model: str = "") -> Searcher:
    """A searcher over ``corpus.jsonl`` of ``data``; the index is kept below ``kept``.

    It is built anew where the corpus file or the recipe has changed.
    """
    encoder = Encoder(model, kept=kept / "models")
    content = hashlib.sha256()
    for path in sorted(data.glob("corpus.jsonl*")):
        content.update(path.read_bytes())
    name = f"{data.resolve().name}-{content.hexdigest()[:8]}-{encoder.identity[:8]}"
    store = Store(kept / name)
    try:
        snapshot = store.open()
        if snapshot.manifest.recipe == recipe_of(encoder):
            return Searcher(snapshot, encoder)
    except PassagesError:
        pass
    with tqdm(file=sys.stderr, unit="", leave=False) as bar:

        def show(step: Progress) -> None:
            bar.set_description(step.stage, refresh=False)
            bar.total, bar.n = step.total, step.done
            bar.refresh()

        build_documents(documents_of(data), store, encoder, progress=show)
    return Searcher(store.open(), encoder)


def documents_of(data: Path) -> Iterator[Document]:
    """Each line of ``corpus.jsonl`` as a document of one paragraph."""
    for line in read_corpus(data):
        text = line.text.strip()
        blocks = (Block(0, len(text)),) if text else ()
        yield Document(line.id, line.title or line.id, text, blocks, "beir", "")
