"""Chroma as its quick start: a collection in memory with a SentenceTransformer function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import chromadb
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

from benchmarks.peers.adapters.serve import TOP, Text, serve


class Chroma:
    def __init__(self, model: Path, work: Path) -> None:  # noqa: ARG002, it is all in memory
        self.client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
        function = SentenceTransformerEmbeddingFunction(model_name=str(model))
        function(["Are you ready?"])
        self.collection = self.client.create_collection("texts", embedding_function=function)

    def build(self, texts: Sequence[Text]) -> None:
        size = self.client.get_max_batch_size()
        for start in range(0, len(texts), size):
            part = texts[start : start + size]
            self.collection.add(
                ids=[item.id for item in part], documents=[item.titled for item in part]
            )

    def ask(self, question: str) -> list[str]:
        found: list[str] = self.collection.query(query_texts=[question], n_results=TOP)["ids"][0]
        return found


if __name__ == "__main__":
    serve(Chroma, "chromadb")
