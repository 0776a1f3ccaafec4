"""How sure an answer is: a calibrated probability that it is right, and words for it.

A logistic model (Platt, *Probabilistic Outputs for Support Vector Machines*, 1999) of what was
found for the best sentence. What ships was fitted by ``python -m benchmarks.calibrate``;
``refitted`` fits it to questions of a user's own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import SettingsError
from index.reader import Reading
from index.records import Match

PRIOR = 8.0
"""How many questions of one's own what ships weighs as much as."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of ``features`` and a bias, which add up to a logit, and where the words begin.

    ``reader`` tells what read the passages when it was fitted: the reader's name, or nothing;
    ``model`` is the identity of the encoder, or empty for any.
    """

    reader: str
    weights: Mapping[str, float]
    bias: float
    strong: float = 0.65
    partial: float = 0.4
    weak: float = 0.3
    model: str = ""

    def match(self, probability: float) -> Match:
        """A probability in words; what is shown at all is at least a weak match."""
        if probability >= self.strong:
            return "strong"
        return "partial" if probability >= self.partial else "weak"


ALONE = Calibration("", {"meaning": 11.58, "shared": 2.29, "dense": -5.92, "gap": 3.87}, -6.05)
"""Without a reader, or with one that finds no words."""

READ = Calibration(
    "passages",
    {
        "meaning": 3.15,
        "shared": 0.6,
        "dense": -0.2,
        "margin": 0.13,
        "relevance": 0.013,
        "gap": 0.193,
    },
    -2.78,
)
"""With our own reader."""


def features(readings: Sequence[Reading]) -> dict[str, float]:
    """What the confidence is judged by, from all readings, the likeliest answer first.

    ``gap`` is how much better the best sentence scores than any of another passage: where nothing
    answers, many sentences are about as good.
    """
    best = readings[0]
    found = {"meaning": best.meaning, "shared": best.shared, "dense": best.hit.dense.score}
    other = next((each for each in readings if each.hit.row != best.hit.row), best)
    found["gap"] = best.score - other.score
    if best.words is not None:
        found |= {"margin": best.margin, "relevance": best.relevance}
    return found


def confidence(readings: Sequence[Reading], calibration: Calibration) -> float:
    """The probability, in 0..1, that the first of the readings answers; 0 where there is none."""
    return probability(features(readings), calibration) if readings else 0.0


def probability(found: Mapping[str, float], calibration: Calibration) -> float:
    """What a calibration makes of ``features``, in 0..1; those that are lacking count as 0."""
    return _sigmoid(
        calibration.bias + sum(w * found.get(name, 0.0) for name, w in calibration.weights.items())
    )


def shipped(reader: str) -> Calibration:
    """The calibration that fits a reader, by its name; empty: none.

    Others than our own find no words: they are judged by what is known without them.
    """
    return READ if reader == READ.reader else replace(ALONE, reader=reader)


def refitted(
    calibration: Calibration, probabilities: Sequence[float], right: Sequence[bool]
) -> tuple[Calibration, list[float]]:
    """The calibration stretched and shifted to fit what turned out right, and what it now says.

    ``probabilities`` are what it said of each question, ``right`` whether the answer was. Few
    questions move it little: what it said before counts as much as ``PRIOR`` questions do.
    """
    from sklearn.linear_model import LogisticRegression

    near = 1e-6
    said = np.clip(np.asarray(probabilities, float), near, 1 - near)
    logits = np.log(said / (1 - said))
    before = np.linspace(-3, 3, 7)
    share = PRIOR / len(before)
    chance = 1 / (1 + np.exp(-before))
    model = LogisticRegression(C=1e6, max_iter=1000)
    model.fit(
        np.concatenate([logits, before, before])[:, None],
        np.concatenate([np.asarray(right, int), np.ones(len(before)), np.zeros(len(before))]),
        sample_weight=np.concatenate([np.ones(len(logits)), share * chance, share * (1 - chance)]),
    )
    # However few questions say so, what was surer before is not less sure now.
    slope, shift = max(0.05, float(model.coef_[0, 0])), float(model.intercept_[0])
    weights = {name: slope * weight for name, weight in calibration.weights.items()}
    fitted = replace(calibration, weights=weights, bias=slope * calibration.bias + shift)
    return fitted, [_sigmoid(slope * logit + shift) for logit in logits.tolist()]


def expected_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """The expected calibration error: what was said less what came true, over bins of like size.

    Guo et al., *On Calibration of Modern Neural Networks*, 2017, with ten bins of equal width.
    """
    return math.fsum(
        abs(row["said"] - row["right"]) * row["share"]
        for row in reliability(probabilities, right, bins)
    )


def reliability(
    probabilities: Sequence[float], right: Sequence[bool], bins: int = 10
) -> list[dict[str, float]]:
    """For each bin that is not empty: the mean of what was said, the share right, its share."""
    said, true = np.asarray(probabilities, float), np.asarray(right, float)
    numbers = np.minimum((said * bins).astype(int), bins - 1)
    return [
        {
            "said": float(said[numbers == number].mean()),
            "right": float(true[numbers == number].mean()),
            "share": float((numbers == number).mean()),
        }
        for number in range(bins)
        if (numbers == number).any()
    ]


def coverage(
    probabilities: Sequence[float], right: Sequence[bool]
) -> list[tuple[float, float, float]]:
    """``(threshold, share of the questions answered, precision of these)``, strictest first."""
    order = np.argsort(-np.asarray(probabilities, float), kind="stable")
    hits = np.cumsum(np.asarray(right, float)[order])
    return [
        (float(probabilities[place]), number / len(order), float(hits[number - 1]) / number)
        for number, place in enumerate(order, start=1)
    ]


def save(calibration: Calibration, path: Path, **facts: Any) -> None:
    """Write a calibration, with facts about how it was made, in one step."""
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(asdict(calibration) | facts, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)


def load(path: Path) -> Calibration:
    """What ``save`` wrote.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = ("bias", "strong", "partial", "weak")
        return Calibration(
            reader=str(found["reader"]),
            weights={str(name): float(weight) for name, weight in found["weights"].items()},
            model=str(found["model"]),
            **{name: float(found[name]) for name in names},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"The calibration '{path}' cannot be read: {error!r}. Delete it, or make it anew with: "
            "python -m app eval QUERIES QRELS --calibrate"
        ) from error


def _sigmoid(logit: float) -> float:
    if logit < 0:
        return math.exp(logit) / (1 + math.exp(logit))
    return 1 / (1 + math.exp(-logit))
