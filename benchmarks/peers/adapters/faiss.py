"""The usual tutorial: chunks of 1,000 characters, SentenceTransformer.encode, IndexFlatIP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import faiss
from sentence_transformers import SentenceTransformer

from benchmarks.peers.adapters.serve import TOP, Text, serve

CHUNK = 1000  # characters
OVERLAP = 200


class Faiss:
    def __init__(self, model: Path, work: Path) -> None:  # noqa: ARG002, it is all in memory
        self.model = SentenceTransformer(str(model), device="cpu")
        self.model.encode(["Are you ready?"])

    def build(self, texts: Sequence[Text]) -> None:
        pairs = [(item.id, chunk) for item in texts for chunk in _chunks(item.titled)]
        self.ids = [document for document, _ in pairs]
        vectors = self.model.encode([chunk for _, chunk in pairs], normalize_embeddings=True)
        self.index = faiss.IndexFlatIP(vectors.shape[1])
        self.index.add(vectors)

    def ask(self, question: str) -> list[str]:
        vector = self.model.encode([question], normalize_embeddings=True)
        _, rows = self.index.search(vector, TOP)
        return [self.ids[row] for row in rows[0] if row >= 0]


def _chunks(text: str) -> Iterator[str]:
    """Pieces of at most ``CHUNK`` characters that end between words where they can."""
    start = 0
    while len(text) - start > CHUNK:
        space = text.rfind(" ", start + OVERLAP + 1, start + CHUNK + 1)
        end = space if space > 0 else start + CHUNK
        yield text[start:end]
        start = end - OVERLAP
    yield text[start:]


if __name__ == "__main__":
    serve(Faiss, "faiss-cpu")
