"""The map of a snapshot: the place of each passage, and regions named by their key terms.

Where passages lie is ``layout``'s work. Row *i* of the places is passage *i*.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import IndexDamagedError
from index.layout import layout, stays
from index.lexical import term_of
from index.records import Passage
from index.table import Table
from index.vectors import FaissIndex, Floats, Rows

PLACES, REGIONS = "map.npy", "regions.json"

_READ = 300  # passages of a region whose words are counted
_TERMS = 3  # in a name
_TYPICAL = 3  # passages that stand for a region
_ALIKE = 1e-3
_MORE_STOP_WORDS = (
    "also although among another cannot could even every first however made many may might much "
    "must often one per rather see several since still three thus two upon use used using via "
    "well whether within without would"
).split()
_WORDS = frozenset("dog door end era man men sea son war".split())  # stop words elsewhere
_ROMAN = re.compile(r"[IVXLC]+")
_WORD = re.compile(r"[^\W\d_][\w-]*\w(?:['’]\w+)?")


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the map. ``terms`` tell it from the others; ``rows`` are those at its middle."""

    terms: tuple[str, ...]
    x: float
    y: float
    passages: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """The places of all passages, ``(n, 2)`` in -1..1, and the regions, the largest first."""

    places: Floats
    regions: tuple[Region, ...]

    def __len__(self) -> int:
        return len(self.places)

    @classmethod
    def make(
        cls,
        vectors: FaissIndex,
        table: Table,
        before: tuple[Sequence[str], Map] | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> Map:
        """Lay out all passages and name the regions; ``advance`` is told of steps of ``layout``.

        ``before`` are the ids of passages and the map that they have: these stay where they are,
        and so do the regions, unless too many others are new.
        """
        known, centres = None, None
        if before is not None:
            known = _known(table.ids(), *before)
            if stays(known):  # the regions then stay, too
                centres = np.array([(one.x, one.y) for one in before[1].regions], np.float32)
        places = layout(vectors, known, advance)
        centres, regions = _cluster(places, centres)
        return cls(places, _named(places, centres, regions, table))

    def save(self, folder: Path) -> None:
        """Write the map into a folder."""
        np.save(folder / PLACES, self.places)
        regions = [asdict(region) for region in self.regions]
        (folder / REGIONS).write_text(json.dumps(regions, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Map | None:
        """Open, memory-mapped, a map that ``save`` wrote; ``None`` where there is none.

        Raises:
            IndexDamagedError: its files cannot be read.
        """
        if not (folder / PLACES).exists():
            return None
        try:
            places: Floats = np.load(folder / PLACES, mmap_mode="r")
            if places.dtype != np.float32 or places.shape != (len(places), 2):
                raise ValueError(f"it holds {places.dtype} {places.shape}")
            fields = json.loads((folder / REGIONS).read_text(encoding="utf-8"))
            return cls(places, tuple(_region(**one) for one in fields))
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise IndexDamagedError(
                f"The map '{PLACES}' cannot be read ({error}). Run: python -m app build"
            ) from error


def _region(terms: list[str], rows: list[int], **fields: Any) -> Region:
    return Region(terms=tuple(map(str, terms)), rows=tuple(map(int, rows)), **fields)


def _known(ids: Sequence[str], old_ids: Sequence[str], old: Map) -> Floats:
    """The places that passages had, NaN for those that are new."""
    row_of = {one: row for row, one in enumerate(old_ids)}
    rows = np.array([row_of.get(one, -1) for one in ids], dtype=np.int64)
    found: Floats = np.where(rows[:, np.newaxis] < 0, np.float32(np.nan), old.places[rows])
    return found


def _cluster(places: Floats, centres: Floats | None) -> tuple[Floats, Rows]:
    """The middles of the regions, those given or new ones (k-means), and each passage's region."""
    import faiss

    if centres is not None and len(centres):
        return centres, faiss.knn(places, centres, 1)[1][:, 0]
    size = len(places)
    means: Any = faiss.Kmeans(
        2,
        min(max(round(size**0.5 / 4), 5), 24, max(1, size // 4)),
        seed=0,
        min_points_per_centroid=1,
        max_points_per_centroid=2_000,
    )
    means.train(places)
    regions: Rows = means.index.search(places, 1)[1][:, 0]
    return means.centroids, regions


def _named(places: Floats, centres: Floats, regions: Rows, table: Table) -> tuple[Region, ...]:
    """The regions with names; without any word that tells it apart one has its title."""
    members = [np.flatnonzero(regions == number) for number in range(len(centres))]
    read = [rows[:: len(rows) // _READ + 1] for rows in members]
    names = name([table.passage(int(row)) for row in rows] for rows in read)
    made = []
    for rows, centre, terms in zip(members, centres, names, strict=True):
        if not len(rows):
            continue
        nearest = rows[np.argsort(np.square(places[rows] - centre).sum(axis=1), kind="stable")]
        typical = tuple(nearest[:_TYPICAL].tolist())
        terms = terms or (table.passage(typical[0]).title,)
        x, y = centre.tolist()
        made.append(Region(terms, x, y, len(rows), typical))
    return tuple(sorted(made, key=lambda region: -region.passages))


def name(regions: Iterable[Sequence[Passage]]) -> list[tuple[str, ...]]:
    """The key terms of each group of passages, as people wrote them; no term names two groups.

    A term's score is the share ``p`` of the group's passages that have it, times ``ln(p / q)``
    where ``q`` is its share of all: its part of the Kullback-Leibler divergence between them.
    """
    written: dict[str, Counter[str]] = {}  # term -> its forms
    counts, sizes = [], []
    for passages in regions:
        found: Counter[str] = Counter()
        for passage in passages:
            forms = _forms(passage)
            found.update(set(forms.values()))
            for form, term in forms.items():
                written.setdefault(term, Counter())[form] += 1
        counts.append(found)
        sizes.append(len(passages))
    everywhere = sum(counts, Counter[str]())
    best: dict[str, tuple[float, int]] = {}  # term -> its highest score, and whose
    for number, (found, size) in enumerate(zip(counts, sizes, strict=True)):
        fewest = min(2, max(found.values(), default=0))
        for term, times in found.items():
            if times < fewest:
                continue
            share = times / size
            # Where a term is everywhere alike, for instance in the only group, its share decides.
            score = share * (math.log(share * sum(sizes) / everywhere[term]) + _ALIKE)
            if term not in best or score > best[term][0]:
                best[term] = score, number
    terms: list[list[str]] = [[] for _ in counts]
    for term, (_, number) in sorted(best.items(), key=lambda item: (-item[1][0], item[0])):
        if len(terms[number]) < _TERMS:
            terms[number].append(written[term].most_common(1)[0][0])
    return [tuple(one) for one in terms]


def _forms(passage: Passage) -> dict[str, str]:
    """The telling words of a passage and its headings: as written, and the term each counts as."""
    text = " ".join(dict.fromkeys((passage.title, *passage.headings, passage.text)))
    forms = {}
    for word in dict.fromkeys(_WORD.findall(text)):
        form, _, ending = word.replace("’", "'").partition("'")
        low = form.lower()
        short = len(low) < 3 and low.isascii()
        telling = low not in _stop_words() and not short and not _ROMAN.fullmatch(form)
        if telling and ending in ("", "s"):
            forms[form] = term_of(low)
    return forms


@cache
def _stop_words() -> frozenset[str]:
    """The words that carry no topic, in all languages that bm25s knows some of."""
    from bm25s import stopwords

    lists = (words for name, words in vars(stopwords).items() if name.startswith("STOPWORDS"))
    return frozenset(_MORE_STOP_WORDS).union(*lists) - _WORDS
