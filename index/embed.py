"""Passages to vectors: from the cache where a text was seen before, else from the encoder.

Texts stream through; the encoder works on while what it has made is written down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from index.cache import VectorCache
from index.encoder import Encoder, Halves, Input
from index.passages import context_of
from index.records import Passage

CHUNK = 1024
"""Passages that are looked up, and whose new vectors are remembered, at once."""

_WAITING = 4  # chunks that are in memory at once


@dataclass(slots=True)
class _Chunk:
    """The keys of some passages in row order, their known vectors, and those that are wanted."""

    keys: list[str]
    known: dict[str, Halves]
    wanted: set[str]
    new: dict[str, Halves] = field(default_factory=dict)


def input_of(passage: Passage) -> Input:
    """What the encoder sees of a passage."""
    return Input(context_of(passage.title, passage.headings), passage.text, passage.sentences)


def embed(
    passages: Iterable[Passage],
    encoder: Encoder,
    cache: VectorCache,
    advance: Callable[[int], None],
) -> Iterator[tuple[list[Halves], int]]:
    """Yield ``(vectors of the next passages, how many texts of them were encoded)``, in order.

    The vectors of a passage are ``(1 + sentences, d)`` float16, as from
    ``Encoder.encode_passages``. ``advance`` is told how many passages are done.

    Raises:
        OSError: the cache cannot be written.
        ModelError: the model is missing or wrong.
    """
    inputs = map(input_of, passages)
    waiting: deque[_Chunk] = deque()
    places: dict[int, tuple[str, _Chunk]] = {}
    more = True

    def unknown() -> Iterator[Input]:
        """What the encoder must see; ends early if it has seen nothing for a while."""
        nonlocal more
        positions = count()
        while len(waiting) < _WAITING:
            items = list(islice(inputs, CHUNK))
            if not items:
                more = False
                return
            keys = [item.key for item in items]
            known = cache.vectors(keys)
            under_way = known.keys() | set().union(*(chunk.wanted for chunk in waiting))
            missing = {item.key: item for item in items if item.key not in under_way}
            chunk = _Chunk(keys, known, set(missing))
            waiting.append(chunk)
            advance(len(keys) - len(missing))
            for key, item in missing.items():
                places[next(positions)] = (key, chunk)
                yield item

    def finished() -> Iterator[tuple[list[Halves], int]]:
        while waiting and len(waiting[0].new) == len(waiting[0].wanted):
            chunk = waiting.popleft()
            cache.put_vectors(chunk.new.items())
            vectors = chunk.known | chunk.new
            for later in waiting:  # a text may stand in both
                later.known |= {key: chunk.new[key] for key in later.keys if key in chunk.new}
            yield [vectors[key] for key in chunk.keys], len(chunk.new)

    while more:
        for position, made in encoder.encode_passages(unknown()):
            key, chunk = places.pop(position)
            chunk.new[key] = made
            advance(1)
            yield from finished()
        yield from finished()
