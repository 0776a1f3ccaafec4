"""LlamaIndex as its guide to local models begins, up to the retriever: no language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llama_index.core import Document, VectorStoreIndex
from llama_index.embeddings.huggingface import HuggingFaceEmbedding

from benchmarks.peers.adapters.serve import TOP, Text, serve


class LlamaIndex:
    def __init__(self, model: Path, work: Path) -> None:  # noqa: ARG002, it is all in memory
        # Its default batch of 10 is slower; 32 is what sentence-transformers uses.
        self.model = HuggingFaceEmbedding(model_name=str(model), embed_batch_size=32)
        self.model.get_text_embedding("Are you ready?")

    def build(self, texts: Sequence[Text]) -> None:
        documents = [Document(doc_id=item.id, text=item.titled) for item in texts]
        index = VectorStoreIndex.from_documents(documents, embed_model=self.model)
        self.retriever = index.as_retriever(similarity_top_k=TOP)

    def ask(self, question: str) -> list[str]:
        return [found.node.ref_doc_id for found in self.retriever.retrieve(question)]


if __name__ == "__main__":
    serve(LlamaIndex, "llama-index-core", "llama-index-embeddings-huggingface")
