"""The plain twin of a product with few rows."""

import torch.nn.functional as F
from torch import Tensor

from zamba2_vl.ops.norm import rms_norm


def product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    gain: Tensor | None,
    eps: float,
    residual: Tensor | None,
    scale: Tensor | None,
) -> Tensor:
    """As `zamba2_vl.ops.product`."""
    if gain is not None:
        x = rms_norm(x, gain, eps)
    if scale is None:
        y = F.linear(x, weight, bias)
    else:
        y = F.linear(x, weight.to(x.dtype)) * scale.to(x.dtype)
        y = y if bias is None else y + bias
    return y if residual is None else residual + y
