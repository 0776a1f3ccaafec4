"""txtai as its documentation begins: ``Embeddings(path=…)``, ids only, without stored texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from txtai import Embeddings

from benchmarks.peers.adapters.serve import TOP, Text, serve


class Txtai:
    hybrid = False

    def __init__(self, model: Path, work: Path) -> None:  # noqa: ARG002, it is all in memory
        self.embeddings = Embeddings(path=str(model), hybrid=self.hybrid)
        self.embeddings.transform("Are you ready?")

    def build(self, texts: Sequence[Text]) -> None:
        self.embeddings.index((item.id, item.titled, None) for item in texts)

    def ask(self, question: str) -> list[str]:
        return [document for document, _ in self.embeddings.search(question, TOP)]


if __name__ == "__main__":
    serve(Txtai, "txtai")
