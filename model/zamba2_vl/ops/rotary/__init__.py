"""Rotary position embedding: pairs of features turned by an angle that grows with the position."""

import torch
from torch import Tensor

from zamba2_vl.ops.rotary import reference


def frequencies(width: int, theta: float, device: torch.device) -> Tensor:
    """Angle per position of each of width / 2 pairs, float32: theta^(-2i / width)."""
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    return 1.0 / theta**exponents


def rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn feature i together with feature i + width / 2.

    x: (..., width); cos, sin: float32, broadcastable to (..., width / 2). Computed in float32,
    returned in x's dtype.
    """
    return reference.rotary(x, cos, sin)
