"""The reader's network: one pass over question and passage, three heads.

The encoder is all-MiniLM-L6-v2 with its word embeddings as they are; the rest is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

MASKED = -1e4  # score of a token that no span may begin or end at

Outputs = tuple[Tensor, Tensor, Tensor]
"""Relevance ``(b,)``, and scores of each token to begin and to end the answer ``(b, t)``."""


class ReaderNetwork(nn.Module):
    """Token ids of question and passage in; relevance, span starts and ends out."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from transformers import AutoModel

        # No dropout inside: on a CPU it takes longer than all else. Averaging the weights helps.
        self.encoder: Any = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            add_pooling_layer=False,
            attn_implementation="eager",  # The fused one takes longer backwards on a CPU.
            attention_probs_dropout_prob=0.0,
            hidden_dropout_prob=0.0,
        )
        self.dropout = nn.Dropout(0.1)
        size = self.encoder.config.hidden_size
        self.relevance = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.Linear(size, 1))
        self.span = nn.Linear(size, 2)
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Outputs:
        """``ids, mask, types (b, t)`` int64 -> relevance ``(b,)``, start and end ``(b, t)``.

        Position 0 stands for "no answer here"; the question and the padding are masked out.
        """
        states = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=types
        ).last_hidden_state
        states = self.dropout(states)
        relevance = self.relevance(states[:, 0])[:, 0].float()
        scores = self.span(states).float()
        allowed = (types * mask).bool()
        allowed[:, 0] = True
        scores = scores.masked_fill(~allowed[:, :, None], MASKED)
        return relevance, scores[:, :, 0], scores[:, :, 1]

    def trained(self) -> dict[str, Tensor]:
        """The weights that are not those of the original: all but the word embeddings."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith("encoder.embeddings.word_embeddings")
        }


@dataclass(frozen=True, slots=True)
class Loss:
    """The parts of what training makes small."""

    span: Tensor
    relevance: Tensor
    order: Tensor

    @property
    def total(self) -> Tensor:
        """Their weighted sum."""
        return self.span + 0.5 * self.relevance + 0.5 * self.order


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
            first, last = torch.tensor(gold).T
            likelihood.append(torch.logsumexp(starts[row, first] + ends[row, last], 0))
    span = -torch.stack(likelihood).clamp(min=-20).mean()
    relevant = functional.binary_cross_entropy_with_logits(relevance, labels)
    ordered = groups[groups[:, 0] >= 0]
    order = -relevance[ordered].log_softmax(1)[:, 0].mean() if len(ordered) else relevant * 0
    return Loss(span, relevant, order)
