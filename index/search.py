"""From a question to hits: candidates by vector and by word, joined and scored.

The first ones are scored anew by how the question's words stand in them. The searcher finds and
explains; it decides nothing about answers.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from index.encoder import Encoder
from index.errors import IndexMismatchError, QueryError
from index.filters import Filter
from index.fusion import WORDED, Weights, combine
from index.lexical import terms_of, top, words_of
from index.records import Evidence, Hit, Passage
from index.snapshot import Snapshot
from index.wording import Wording

CANDIDATES = 100
"""How many passages each of the two retrievers proposes."""

LOOKED_AT = 20
"""Passages whose wording is looked at; all others come after them."""

PLACES = 100
"""Places of one passage that are read; some words stand at the foot of every page."""

LONGEST_QUERY = 1000
"""Characters; what people ask is far shorter, and the encoder would not see the rest."""

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class Searcher:
    """Answers queries with hits from one snapshot; safe to share between threads.

    Raises:
        IndexMismatchError: the snapshot was made with another model.
    """

    def __init__(
        self, snapshot: Snapshot, encoder: Encoder, weights: Weights | None = None
    ) -> None:
        made_by = snapshot.manifest.recipe.model
        if made_by != encoder.identity:
            raise IndexMismatchError(
                f"The index was made with the model {snapshot.manifest.recipe.model_name} "
                f"({made_by[:12]}), now {encoder.model or 'all-MiniLM-L6-v2'} "
                f"({encoder.identity[:12]}) is set. Run: python -m app build"
            )
        self.snapshot = snapshot
        self.encoder = encoder
        self.weights = weights or Weights()
        self.worded = weights or WORDED
        self._filtering = threading.Lock()
        self._filtered: tuple[Filter, frozenset[str], NDArray[np.bool_]] | None = None

    def search(self, query: str, k: int = 10, only: Filter | None = None) -> list[Hit]:
        """The ``k`` best passages for a question, best first, of the documents that ``only`` names.

        Raises:
            QueryError: the question is empty or longer than ``LONGEST_QUERY``.
        """
        query = checked(query)
        vector = self.encoder.encode_queries([query])[0]
        return self.search_vector(query, vector, k, only)

    def search_vector(
        self, query: str, vector: Floats, k: int = 10, only: Filter | None = None
    ) -> list[Hit]:
        """Like ``search``, for a question whose vector is known."""
        names, allowed = self._allowed(only) if only else (None, None)
        if allowed is not None and not allowed.any():
            return []
        near, _ = self.snapshot.vectors.search(vector, CANDIDATES, allowed, only)
        lexical = self.snapshot.lexical.scores(query)
        if allowed is not None:
            lexical = np.where(allowed, lexical, 0)
        wordy = top(lexical, CANDIDATES)
        rows = np.union1d(near, wordy)
        dense = self.snapshot.vectors.score(vector, rows)
        by_sentence, first = self.snapshot.sentences.scores(vector, rows)
        sentence = np.maximum.reduceat(by_sentence, first[:-1])
        fused = combine(dense, sentence, lexical[rows], 0.0, self.weights)
        order = np.lexsort((rows, -fused))[: max(k, LOOKED_AT)]
        found = [self.snapshot.table.places(int(rows[i]), PLACES, names) for i in order]
        asked = Wording.of(query, self.snapshot.lexical)
        wording = np.zeros(len(order), np.float32)
        wording[:LOOKED_AT] = [_worded(asked, places[0]) for places, _ in found[:LOOKED_AT]]
        words = lexical[rows[order]]
        scores = combine(dense[order], sentence[order], words, wording, self.worded)
        scores[LOOKED_AT:] = np.minimum(scores[LOOKED_AT:], scores[:LOOKED_AT].min(initial=np.inf))
        position = np.arange(len(order))
        ranking = np.lexsort((position, -scores, position >= LOOKED_AT))[:k]
        dense_rank = {int(row): rank for rank, row in enumerate(near, start=1)}
        lexical_rank = {int(row): rank for rank, row in enumerate(wordy, start=1)}
        sentence_rank = {int(i): rank for rank, i in enumerate(np.argsort(-sentence), start=1)}
        terms = set(terms_of(query))
        hits = []
        for rank, place in enumerate(ranking, start=1):
            i = order[place]
            row = int(rows[i])
            (passage, *copies), beyond = found[place]
            hits.append(
                Hit(
                    rank=rank,
                    score=float(scores[place]),
                    row=row,
                    passage=passage,
                    dense=Evidence(dense_rank.get(row), float(dense[i])),
                    sentence=Evidence(sentence_rank[int(i)], float(sentence[i])),
                    lexical=Evidence(lexical_rank.get(row), float(lexical[row])),
                    sentence_scores=tuple(by_sentence[first[i] : first[i + 1]].tolist()),
                    matched=_matched(passage, terms),
                    wording=float(wording[place]),
                    copies=tuple(copies),
                    more_copies=beyond,
                )
            )
        return hits

    def _allowed(self, only: Filter) -> tuple[frozenset[str], NDArray[np.bool_]]:
        """The documents that a filter leaves, and which rows stand in them."""
        with self._filtering:
            if self._filtered is None or self._filtered[0] != only:
                table = self.snapshot.table
                names = frozenset(one.id for one in table.documents() if only.matches(one))
                self._filtered = only, names, table.rows_of(list(names))
            return self._filtered[1], self._filtered[2]


def checked(query: str) -> str:
    """A question without white space around it, and without halves of characters.

    Raises:
        QueryError: it is empty or too long.
    """
    # A lone surrogate, as JSON and command lines may hold, cannot be encoded or written.
    query = query.encode("utf-8", "replace").decode("utf-8").strip()
    if not query.strip("\ufeff"):
        raise QueryError("The question is empty. Type a question.")
    if len(query) > LONGEST_QUERY:
        raise QueryError(
            f"The question has {len(query):,} characters; {LONGEST_QUERY:,} are allowed. "
            "Ask for one thing at a time."
        )
    return query


def _worded(asked: Wording, passage: Passage) -> float:
    """How much of the question's wording a passage has."""
    return asked(passage.above, [passage.text[slice(*span)] for span in passage.sentences])


def _matched(passage: Passage, terms: set[str]) -> tuple[str, ...]:
    """The words of a passage, as they stand there, that share a term with the question."""
    whole = f"{passage.above} {passage.text}"
    found = {term: word for word, term in reversed(words_of(whole)) if term in terms}
    return tuple(found.values())
