"""Networks with another encoder, which teach the one that is shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers.models.mpnet.modeling_mpnet import MPNetSelfAttention

from index.encoder import packaged_model
from index.network import ReaderNetwork

MARKS = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[UNK]": "<unk>"}


def network_of(folder: Path, dropout: float = 0.0) -> ReaderNetwork:
    """A network that begins with the encoder in a folder, a BERT or MPNet with the same words."""
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    make = ReaderNetwork if kind == "bert" else RenumberedNetwork
    return make(folder, dropout)


class _Attention(MPNetSelfAttention):
    """The same in one step, which takes a GPU a third of the time; position weights stay."""

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Any = None,
        position_bias: Any = None,
        output_attentions: Any = False,  # noqa: ARG002, as above
        **_: Any,
    ) -> tuple[Tensor]:
        shape = (*hidden_states.shape[:-1], -1, self.attention_head_size)
        query, key, value = (
            part(hidden_states).view(shape).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        said = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=(position_bias + attention_mask).to(query.dtype),
            dropout_p=self.dropout.p if self.training else 0.0,
        )
        return (self.o(said.transpose(1, 2).flatten(2)),)


class RenumberedNetwork(ReaderNetwork):
    """A network with an MPNet, which knows the same words by other numbers, and no types.

    Raises:
        ValueError: the encoder lacks a word.
    """

    def __init__(self, folder: Path, dropout: float = 0.0) -> None:
        super().__init__(folder, dropout)
        ours, theirs = (
            Tokenizer.from_file(str(each / "tokenizer.json")).get_vocab()
            for each in (packaged_model(), folder)
        )
        missing = [
            word for word in ours if MARKS.get(word, word) not in theirs and word != "[MASK]"
        ]
        if missing:
            raise ValueError(f"The encoder in '{folder}' has no word '{missing[0]}'.")
        numbers = torch.zeros(len(ours), dtype=torch.long)
        for word, number in ours.items():
            numbers[number] = theirs.get(MARKS.get(word, word), 0)
        self.encoder.encoder.relative_attention_bias.weight.requires_grad_(requires_grad=False)
        for layer in self.encoder.encoder.layer:
            layer.attention.attn.__class__ = _Attention
        self.register_buffer("numbers", numbers, persistent=False)
        self.numbers: Tensor

    def states(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:  # noqa: ARG002
        """What the encoder makes of the tokens, ``(b, t, d)``."""
        states: Tensor = self.encoder(
            input_ids=self.numbers[ids], attention_mask=mask
        ).last_hidden_state
        return states
