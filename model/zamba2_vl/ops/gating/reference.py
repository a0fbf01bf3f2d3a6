"""Gated activations in plain PyTorch."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Activation = Literal["gelu", "silu"]


def gated(gate: Tensor, up: Tensor, activation: Activation) -> Tensor:
    return (F.gelu(gate) if activation == "gelu" else F.silu(gate)) * up
