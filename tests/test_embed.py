"""Vectors come in the order of the passages, from the cache where a text was seen before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from index import embed as module
from index.cache import VectorCache
from index.embed import embed, input_of
from index.encoder import Halves, Input
from index.records import Passage
from tests.conftest import HashEncoder


def passage(number: int, text: str) -> Passage:
    return Passage(
        id=f"p{number}",
        document_id="d",
        title="Title",
        headings=(),
        number=number,
        start=0,
        end=len(text),
        text=text,
        sentences=((0, len(text)),),
    )


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with contextlib.closing(VectorCache(tmp_path / "cache", "model", HashEncoder.dimension)) as it:
        yield it


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)


def vectors_of(
    texts: list[str], encoder: HashEncoder, cache: VectorCache
) -> tuple[np.ndarray, int, int]:
    """The passages' vectors in order, how many texts were encoded, how far the progress came."""
    steps: list[int] = []
    passages = [passage(number, text) for number, text in enumerate(texts)]
    parts = list(embed(passages, encoder, cache, steps.append))
    blocks = [block for part, _ in parts for block in part]
    return np.array([block[0] for block in blocks]), sum(new for _, new in parts), sum(steps)


def expected(texts: list[str]) -> np.ndarray:
    inputs = [input_of(passage(0, text)) for text in texts]
    made = dict(HashEncoder().encode_passages(inputs))
    return np.array([made[position][0] for position in range(len(texts))])


WORDS = [f"word{number} of the text" for number in range(20)]


def test_vectors_are_those_of_the_encoder_in_row_order(cache: VectorCache) -> None:
    vectors, new, done = vectors_of(WORDS, HashEncoder(), cache)
    assert np.array_equal(vectors, expected(WORDS))
    assert (new, done) == (20, 20)


@pytest.mark.parametrize("known", [[], [0], [19], list(range(10)), list(range(0, 20, 2)), WORDS])
def test_only_unknown_texts_are_encoded(cache: VectorCache, known: list[int]) -> None:
    before = WORDS if known is WORDS else [WORDS[number] for number in known]
    vectors_of(before, HashEncoder(), cache)
    encoder = HashEncoder()
    vectors, new, done = vectors_of(WORDS, encoder, cache)
    assert np.array_equal(vectors, expected(WORDS))
    assert sorted(encoder.encoded) == sorted(set(WORDS) - set(before))
    assert (new, done) == (20 - len(before), 20)


def test_a_text_that_occurs_many_times_is_encoded_once(cache: VectorCache) -> None:
    texts = [WORDS[number % 4] for number in range(20)]
    encoder = HashEncoder()
    vectors, new, done = vectors_of(texts, encoder, cache)
    assert np.array_equal(vectors, expected(texts))
    assert sorted(encoder.encoded) == sorted(WORDS[:4])
    assert (new, done) == (4, 20)


class OneAtATime(HashEncoder):
    """Takes a text, yields its vectors, takes the next; remembers how far it has read ahead."""

    def encode_passages(self, inputs: Iterable[Input]) -> Iterator[tuple[int, Halves]]:
        for position, item in enumerate(inputs):
            ((_, made),) = super().encode_passages([item])
            yield position, made


def test_texts_stream_and_no_more_than_a_few_chunks_are_in_memory(cache: VectorCache) -> None:
    read: list[int] = []

    def passages() -> Iterator[Passage]:
        for number in range(300):
            read.append(number)
            yield passage(number, f"text number{number}")

    vectors_of([f"text number{number}" for number in range(0, 300, 7)], HashEncoder(), cache)
    yielded = 0
    for part, _ in embed(passages(), OneAtATime(), cache, lambda count: None):
        yielded += len(part)
        assert len(read) - yielded <= 4 * 3
    assert yielded == 300


def test_what_was_encoded_before_an_interruption_is_not_encoded_again(cache: VectorCache) -> None:
    class Fails(OneAtATime):
        def encode_passages(self, inputs: Iterable[Input]) -> Iterator[tuple[int, Halves]]:
            for position, made in super().encode_passages(inputs):
                if len(self.encoded) > 10:
                    raise RuntimeError("the power went")
                yield position, made

    with pytest.raises(RuntimeError, match="the power went"):
        vectors_of(WORDS, Fails(), cache)
    encoder = HashEncoder()
    vectors, _, _ = vectors_of(WORDS, encoder, cache)
    assert np.array_equal(vectors, expected(WORDS))
    assert sorted(encoder.encoded) == sorted(WORDS[9:])
