"""What the outputs of the reader's network cost in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from index.network import Outputs


@dataclass(frozen=True, slots=True)
class Loss:
    """The parts of what training makes small."""

    span: Tensor
    relevance: Tensor
    order: Tensor
    taught: Tensor

    @property
    def total(self) -> Tensor:
        """Their weighted sum."""
        return self.span + 0.5 * self.relevance + 0.5 * self.order + self.taught


def loss_of(
    outputs: Outputs,
    spans: list[list[tuple[int, int]]],
    labels: Tensor,
    groups: Tensor,
) -> Loss:
    """What the outputs for a batch cost.

    ``spans`` are token positions of each row's gold answers, ``(0, 0)`` for none; their marginal
    likelihood counts (Clark and Gardner, *Simple and Effective Multi-Paragraph Reading
    Comprehension*, 2018). ``labels (b,)`` are 1 where the passage answers; ``groups (g, n)`` are
    the rows of each question, the answering one first, or -1 in its place if there is none.
    """
    relevance, start, end = outputs
    starts, ends = start.log_softmax(1), end.log_softmax(1)
    likelihood = []
    for row, gold in enumerate(spans):
        if gold:
            first, last = torch.tensor(gold, device=start.device).T
            likelihood.append(torch.logsumexp(starts[row, first] + ends[row, last], 0))
    span = -torch.stack(likelihood).clamp(min=-20).mean()
    relevant = functional.binary_cross_entropy_with_logits(relevance, labels)
    ordered = groups[groups[:, 0] >= 0]
    order = -relevance[ordered].log_softmax(1)[:, 0].mean() if len(ordered) else relevant * 0
    return Loss(span, relevant, order, relevant * 0)


def taught_by(outputs: Outputs, teachers: Sequence[Outputs]) -> Tensor:
    """How far the outputs are from the mean of what teachers say of the same rows.

    Cross entropy with their probabilities: where the answer begins and ends, and relevance.
    """
    relevance, start, end = outputs
    relevances, starts, ends = zip(*teachers, strict=True)
    mean = torch.stack([each.sigmoid() for each in relevances]).mean(0)
    cost = functional.binary_cross_entropy_with_logits(relevance, mean)
    for own, said in ((start, starts), (end, ends)):
        likely = torch.stack([each.softmax(1) for each in said]).mean(0)
        cost = cost - (likely * own.log_softmax(1)).sum(1).mean()
    return cost
