"""What the outputs of the reader's network cost in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from index.network import MASKED, Outputs
from training.batches import Batch


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


def loss_of(outputs: Outputs, batch: Batch) -> Loss:
    """What the outputs for a batch cost.

    Of the gold answers of a row the marginal likelihood counts (Clark and Gardner, *Simple and
    Effective Multi-Paragraph Reading Comprehension*, 2018). Rows of which all are cut off have no
    part in it.
    """
    relevance, start, end = outputs
    starts, ends = start.log_softmax(1), end.log_softmax(1)
    first, last = batch.spans.clamp(min=0).unbind(2)
    none = batch.spans[:, :, 0] < 0
    likely = (starts.gather(1, first) + ends.gather(1, last)).masked_fill(none, MASKED)
    known = ~none.all(1)
    span = -likely[known].logsumexp(1).clamp(min=-20).mean()
    relevant = functional.binary_cross_entropy_with_logits(relevance, batch.labels)
    order = relevant * 0
    answered = batch.groups[batch.labels[batch.groups[:, 0]] > 0]
    if len(answered):
        order = -_grouped(relevance, answered).log_softmax(1)[:, 0].mean()
    return Loss(span, relevant, order, relevant * 0)


def taught_by(outputs: Outputs, teachers: Sequence[Outputs], groups: Tensor) -> Tensor:
    """How far the outputs are from the mean of what teachers say of the same rows.

    Cross entropy with their probabilities: where the answer begins and ends, how relevant each
    passage is, and which one of those of a question, the ``groups``, is most so.
    """
    relevance, start, end = outputs
    relevances, starts, ends = zip(*teachers, strict=True)
    mean = torch.stack([each.sigmoid() for each in relevances]).mean(0)
    cost = functional.binary_cross_entropy_with_logits(relevance, mean)
    for own, said in ((start, starts), (end, ends)):
        cost = cost + _cross_entropy(own, said)
    ordered = [_grouped(each, groups) for each in relevances]
    return cost + 0.5 * _cross_entropy(_grouped(relevance, groups), ordered)


def _cross_entropy(own: Tensor, said: Sequence[Tensor]) -> Tensor:
    likely = torch.stack([each.softmax(1) for each in said]).mean(0)
    return -(likely * own.log_softmax(1)).sum(1).mean()


def _grouped(relevance: Tensor, groups: Tensor) -> Tensor:
    """Relevance ``(b,)`` by question ``(g, n)``."""
    return relevance[groups.clamp(min=0)].masked_fill(groups < 0, MASKED)
