"""The reader's network: one pass over question and passage, three heads.

The encoder is all-MiniLM-L6-v2 with its word embeddings as they are; the rest is trained by
``training/``. Imports torch: this file is imported where the network is made, not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

MASKED = -1e4  # score of a token that no span may begin or end at

Outputs = tuple[Tensor, Tensor, Tensor]
"""Relevance ``(b,)``, and scores of each token to begin and to end the answer ``(b, t)``."""


class ReaderNetwork(nn.Module):
    """Token ids of question and passage in; relevance, span starts and ends out."""

    def __init__(self, folder: Path, dropout: float = 0.0) -> None:
        super().__init__()
        from transformers import AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        # By default no dropout inside: on a CPU it takes longer than all else, and averaging the
        # weights helps.
        self.encoder: Any = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            add_pooling_layer=False,
            attn_implementation="eager",  # The fused one takes longer backwards on a CPU.
            attention_probs_dropout_prob=dropout,
            hidden_dropout_prob=dropout,
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
        states = self.dropout(self.states(ids, mask, types))
        relevance = self.relevance(states[:, 0])[:, 0].float()
        scores = self.span(states).float()
        first = torch.arange(ids.shape[1], device=ids.device)[None] == 0
        allowed = (types * mask).bool() | first
        scores = scores.masked_fill(~allowed[:, :, None], MASKED)
        return relevance, scores[:, :, 0], scores[:, :, 1]

    def states(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """What the encoder makes of the tokens, ``(b, t, d)``."""
        states: Tensor = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=types
        ).last_hidden_state
        return states

    def trained(self) -> dict[str, Tensor]:
        """The weights that are not those of the original: all but the word embeddings."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith("encoder.embeddings.word_embeddings")
        }
