"""The reader's network with its linear layers in eight bits, for processors that are quicker so.

What enters a layer is rounded to 256 steps between limits that ``training.limits`` measured, and
its weights to 255 for each output. Before that each channel is divided and its weights multiplied
by the same number, so that a channel of large numbers does not take all the steps for itself
(Xiao et al., *SmoothQuant*, 2023). OpenVINO computes with whole numbers what is rounding here.
Imports torch: this file is imported where the network is made, not before.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from index.network import ReaderNetwork

MOST = 127
"""The largest of a weight's whole numbers."""


def in_eight_bits(network: ReaderNetwork, limits: Mapping[str, Tensor]) -> ReaderNetwork:
    """A copy with those layers in eight bits that ``limits`` is about, each by its name.

    ``NAME.divisors`` has one for each channel ``(d,)``, ``NAME.limits`` the least and the largest
    number after the division ``(2,)``.
    """
    made = copy.deepcopy(network)
    for name in {key.rpartition(".")[0] for key in limits}:
        holder, _, own = name.rpartition(".")
        layer: Any = made.get_submodule(name)
        rounding = EightBits(layer, limits[f"{name}.divisors"], limits[f"{name}.limits"])
        setattr(made.get_submodule(holder), own, rounding)
    return made


class EightBits(nn.Module):
    """A linear layer that rounds what enters it and its own weights."""

    weight: Tensor
    factors: Tensor
    steps: Tensor
    zeros: Tensor

    def __init__(self, layer: nn.Linear, divisors: Tensor, limits: Tensor) -> None:
        super().__init__()
        least, most = limits.tolist()
        self.step = (most - least) / 255
        self.zero = round(-least / self.step)
        weight = layer.weight.detach() * divisors
        self.bias = layer.bias
        self.register_buffer("weight", weight)
        self.register_buffer("factors", 1 / divisors)
        self.register_buffer("steps", weight.abs().amax(1) / MOST)
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, states: Tensor) -> Tensor:
        """``states (…, d)`` -> ``(…, e)``."""
        rounded = torch.fake_quantize_per_tensor_affine(
            states * self.factors, self.step, self.zero, 0, 255
        )
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.steps, self.zeros, 0, -MOST, MOST
        )
        return nn.functional.linear(rounded, weight, self.bias)
