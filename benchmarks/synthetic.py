"""A corpus of any size and an encoder for it, both made up: documents on topics, clustered vectors.

The words are no words, but as unevenly frequent as real ones; vectors of one topic lie as close as
those of one article do with a real model. For measuring how an index grows, not how well it ranks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from index.encoder import Encoder, Floats, Halves, Input
from index.records import Block, Document

PARAGRAPHS = 100  # in each document
SENTENCES = 4  # in each paragraph
WORDS = 15  # in each sentence
VOCABULARY = 300_000
TOPIC_WORDS = 300
_SYLLABLES = [one + two for one in "bdfgklmnprstvz" for two in "aeiou"]


class SyntheticEncoder(Encoder):
    """Unit vectors around the centre of a document's topic; no text is looked at."""

    dimension = 384
    window = 254

    def __init__(self) -> None:
        super().__init__("synthetic")
        self.__dict__["identity"] = "synthetic-1"
        self.known: dict[str, Floats] = {}
        self._random = np.random.default_rng(7)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [text.count(" ") + 1 for text in texts]

    def encode_queries(self, queries: Sequence[str]) -> Floats:
        vectors: Floats = np.stack([self.known[query] for query in queries])
        return vectors

    def encode_passages(self, inputs: Iterable[Input]) -> Iterator[tuple[int, Halves]]:
        for position, item in enumerate(inputs):
            centre = self._centre(item.context)
            passage = unit(centre + self._noise(1))
            sentences = unit(passage + 0.75 * self._noise(len(item.sentences)))
            yield position, np.concatenate([passage, sentences]).astype(np.float16)

    def near(self, vector: Floats) -> Floats:
        """The vector of a question that is well answered by the text of ``vector``."""
        result: Floats = unit(vector + 0.75 * self._noise(1))[0]
        return result

    def _centre(self, topic: str) -> Floats:
        seed = int(topic.rsplit(" ", 1)[1])
        return unit(np.random.default_rng(seed).standard_normal((1, self.dimension), np.float32))

    def _noise(self, count: int) -> Floats:
        """Random vectors ``(count, d)`` of a length of about one."""
        noise = self._random.standard_normal((count, self.dimension), np.float32)
        result: Floats = noise / np.float32(self.dimension**0.5)
        return result


def unit(vectors: Floats) -> Floats:
    """The same directions, with a length of one."""
    result: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return result


def documents(passages: int) -> Iterator[Document]:
    """Documents with so many paragraphs in all; a word's frequency falls as its rank (Zipf)."""
    words = np.array(_words())
    shares = 1 / np.arange(10, len(words) + 10)
    steps = np.cumsum(shares / shares.sum())
    random = np.random.default_rng(3)
    length = SENTENCES * WORDS
    for number in range(-(-passages // PARAGRAPHS)):
        count = min(PARAGRAPHS, passages - number * PARAGRAPHS)
        common = words[np.searchsorted(steps, random.random((count, length)))]
        topic = words[random.integers(0, len(words), TOPIC_WORDS)]
        own = topic[random.integers(0, TOPIC_WORDS, (count, length))]
        chosen = np.where(random.random((count, length)) < 0.3, own, common)
        yield _document(f"Topic {number}", chosen)


def _document(title: str, words: np.ndarray) -> Document:
    paragraphs = []
    for row in words:
        sentences = (" ".join(part) for part in row.reshape(SENTENCES, WORDS).tolist())
        paragraphs.append(" ".join(f"{sentence.capitalize()}." for sentence in sentences))
    blocks, start = [], 0
    for paragraph in paragraphs:
        blocks.append(Block(start, start + len(paragraph)))
        start += len(paragraph) + 2
    return Document(title, title, "\n\n".join(paragraphs), tuple(blocks), "synthetic", "")


def _words() -> list[str]:
    """``VOCABULARY`` different made-up words of two to four syllables."""
    base = len(_SYLLABLES)
    made = []
    for number in range(base, base + VOCABULARY):
        syllables = []
        while number:
            number, digit = divmod(number, base)
            syllables.append(_SYLLABLES[digit])
        made.append("".join(syllables))
    return made
