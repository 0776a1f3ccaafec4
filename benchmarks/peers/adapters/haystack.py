"""Haystack as its quick start: embedders, the store in memory, a pipeline with its retriever."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

from benchmarks.peers.adapters.serve import TOP, Text, serve


class Haystack:
    def __init__(self, model: Path, work: Path) -> None:  # noqa: ARG002, it is all in memory
        self.store = InMemoryDocumentStore()
        self.embedder = SentenceTransformersDocumentEmbedder(model=str(model), progress_bar=False)
        self.embedder.warm_up()
        self.embedder.run([Document(content="Ready.")])
        questions = SentenceTransformersTextEmbedder(model=str(model), progress_bar=False)
        questions.warm_up()
        questions.run("Are you ready?")
        self.pipeline = Pipeline()
        self.pipeline.add_component("embedder", questions)
        self.pipeline.add_component("retriever", InMemoryEmbeddingRetriever(self.store, top_k=TOP))
        self.pipeline.connect("embedder.embedding", "retriever.query_embedding")

    def build(self, texts: Sequence[Text]) -> None:
        documents = [Document(id=item.id, content=item.titled) for item in texts]
        self.store.write_documents(self.embedder.run(documents)["documents"])

    def ask(self, question: str) -> list[str]:
        result = self.pipeline.run({"embedder": {"text": question}})
        return [document.id for document in result["retriever"]["documents"]]


if __name__ == "__main__":
    serve(Haystack, "haystack-ai", "sentence-transformers-haystack")
