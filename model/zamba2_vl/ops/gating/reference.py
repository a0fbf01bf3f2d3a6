"""Gated activations in plain PyTorch."""

import torch.nn.functional as F
from torch import Tensor


def gated(gate: Tensor, up: Tensor, activation: str) -> Tensor:
    return (F.gelu(gate) if activation == "gelu" else F.silu(gate)) * up
