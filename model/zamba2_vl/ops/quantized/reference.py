"""The plain twin of a product with quantised weights: they are written out, then multiplied."""

import torch.nn.functional as F
from torch import Tensor

from zamba2_vl.ops.norm import rms_norm
from zamba2_vl.ops.quantized.packing import dequantize


def quantized(
    x: Tensor,
    weight: Tensor,
    scale: Tensor,
    bias: Tensor | None,
    gain: Tensor | None,
    eps: float,
    residual: Tensor | None,
) -> Tensor:
    """As `zamba2_vl.ops.quantized`."""
    if gain is not None:
        x = rms_norm(x, gain, eps)
    y = F.linear(x, dequantize(weight, scale, x.shape[-1], x.dtype), bias)
    return y if residual is None else residual + y
