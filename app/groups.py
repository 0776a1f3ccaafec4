"""Which points of the map share a colour: those of a document, or of a folder of documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from index.records import DocumentSummary
from index.vectors import Floats

COLOURS = 10
"""Colours that people can still tell apart; all further documents share one more."""


@dataclass(frozen=True, slots=True)
class Groups:
    """What the colours stand for: ids of documents, or folders; ``""`` is the corpus folder itself.

    ``number_of`` gives a document's group by its id; those that are not there are in the last,
    nameless one.
    """

    kind: Literal["document", "folder"]
    names: tuple[str, ...]
    passages: tuple[int, ...]
    rest: int
    number_of: Mapping[str, int]

    def pack(self, places: Floats, documents: Sequence[str]) -> bytes:
        """All points as 16-bit numbers, little-endian: every x, then every y, then every group.

        ``places`` ``(n, 2)`` in -1..1 become 0..65535; ``documents`` has each point's document.
        """
        x, y = np.round((np.clip(places, -1, 1).T + 1) * (65535 / 2))
        last = len(self.names)
        group = [self.number_of.get(document, last) for document in documents]
        return b"".join(np.asarray(one, dtype="<u2").tobytes() for one in (x, y, group))


def groups(documents: Sequence[DocumentSummary]) -> Groups:
    """The largest documents, or folders where these documents are a small part of the corpus."""
    sizes = Counter({one.id: one.passages for one in documents})
    folder_of = {one.id: one.id.partition("/")[0] if "/" in one.id else "" for one in documents}
    largest = sizes.most_common(COLOURS)
    whole = sizes.total()
    if 2 * sum(size for _, size in largest) < whole and len(set(folder_of.values())) > 1:
        of_folders: Counter[str] = Counter()
        for document, size in sizes.items():
            of_folders[folder_of[document]] += size
        return _groups("folder", of_folders, folder_of)
    return _groups("document", sizes, {one: one for one in sizes})


def _groups(
    kind: Literal["document", "folder"], sizes: Counter[str], key_of: Mapping[str, str]
) -> Groups:
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:COLOURS]
    number = {key: index for index, (key, _) in enumerate(largest)}
    return Groups(
        kind=kind,
        names=tuple(key for key, _ in largest),
        passages=tuple(size for _, size in largest),
        rest=sizes.total() - sum(size for _, size in largest),
        number_of={one: number[key] for one, key in key_of.items() if key in number},
    )
