"""How pieces of evidence become one score: pure functions on numbers, nothing else.

Ours is the convex combination. Reciprocal rank fusion is here to be compared with: it throws the
scores away and ranks worse (``python -m benchmarks.quality`` prints both).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares of the pieces of evidence; they add up to 1.

    BM25 has no upper bound: ``lexical_scale`` is the score that counts as much as a cosine of 1.
    The defaults were tuned on the ``tune`` questions of ``squad-open``.
    """

    dense: float = 0.075
    sentence: float = 0.425
    lexical: float = 0.5
    wording: float = 0.0
    lexical_scale: float = 20.0


WORDED = Weights(dense=0.106, sentence=0.367, lexical=0.161, wording=0.366)
"""Of passages whose wording was looked at, fitted to the same questions by maximum likelihood."""


def combine(
    dense: Floats, sentence: Floats, lexical: Floats, wording: Floats | float, weights: Weights
) -> Floats:
    """The convex combination of cosines, scaled BM25 and wording, each ``(n,)``; returns ``(n,)``.

    Source: Bruch, Gai, Ingber, *An Analysis of Fusion Functions for Hybrid Retrieval*, 2023.
    """
    total: Floats = (
        weights.dense * dense
        + weights.sentence * sentence
        + weights.lexical / weights.lexical_scale * lexical
        + weights.wording * wording
    )
    return total


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]], k: int = 60) -> dict[int, float]:
    """The sum of ``1 / (k + rank)`` over the rankings, rank from 1, for each row in any of them.

    Source: Cormack, Clarke, Büttcher, *Reciprocal Rank Fusion*, SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + 1.0 / (k + rank)
    return scores
