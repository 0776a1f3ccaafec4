"""Passages as it comes: the fast encoder, vectors with BM25, published to disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.adapters.serve import TOP, Text, serve
from index import Encoder, Searcher, Store
from index.build import build_documents
from index.encoder import Input
from index.records import Block, Document


class Passages:
    def __init__(self, model: Path, work: Path) -> None:  # noqa: ARG002, it has its own weights
        self.store = Store(work / "store")
        self.encoder = Encoder(kept=self.store.models)
        # Converts the model, once for all time, and loads it for questions and for passages.
        self.encoder.encode_queries(["Are you ready?"])
        list(self.encoder.encode_passages([Input("", "Ready.", ((0, 6),))]))

    def build(self, texts: Sequence[Text]) -> None:
        documents = (
            Document(
                item.id,
                item.title or item.id,
                item.text,
                (Block(0, len(item.text)),),
                "beir",
                "",
            )
            for item in texts
        )
        build_documents(documents, self.store, self.encoder)
        self.searcher = Searcher(self.store.open(), self.encoder)

    def ask(self, question: str) -> list[str]:
        return [hit.passage.document_id for hit in self.searcher.search(question, TOP)]


if __name__ == "__main__":
    serve(Passages, "openvino", "faiss-cpu", "bm25s")
