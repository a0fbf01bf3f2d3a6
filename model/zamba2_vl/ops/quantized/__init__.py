"""Products with weights of eight or four bits, half or a quarter of what there is to read."""

import torch
from torch import Tensor

from zamba2_vl.ops.backend import TRITON, kernels
from zamba2_vl.ops.product import MOST_INT8_ROWS, product
from zamba2_vl.ops.quantized import reference

if TRITON:
    from zamba2_vl.ops.quantized import kernel


def quantized(
    x: Tensor,
    weight: Tensor,
    scale: Tensor,
    bias: Tensor | None = None,
    *,
    gain: Tensor | None = None,
    eps: float = 1e-5,
    residual: Tensor | None = None,
) -> Tensor:
    """As `zamba2_vl.ops.product`, with the weights that `reference.quantize` makes: int8 (outputs,
    inputs) and scale (outputs,), or words of four-bit weights, int32 (outputs, 16 blocks), and
    scale (outputs, groups). Not differentiable.

    Few rows are multiplied by the weights as they are; for many, which compute longer than they
    read, the weights are written out in x's dtype first.
    """
    if weight.dtype == torch.int8:
        return product(x, weight, bias, gain=gain, eps=eps, residual=residual, scale=scale)
    if x.shape[:-1].numel() <= MOST_INT8_ROWS and kernels("quantized", x):
        return kernel.quantized(x, weight, scale, bias, gain, eps, residual)
    return reference.quantized(x, weight, scale, bias, gain, eps, residual)
