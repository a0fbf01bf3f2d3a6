"""A product with a weight matrix as inference needs it: a norm in front, a sum behind."""

import torch
from torch import Tensor

from zamba2_vl.ops.backend import TRITON, kernels
from zamba2_vl.ops.product import reference

if TRITON:
    from zamba2_vl.ops.product import kernel

# Rows up to which the kernel reads the weights faster than PyTorch's product; with weights of eight
# bits the alternative is to write them out first.
MOST_ROWS = 8
MOST_INT8_ROWS = 64


def product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    gain: Tensor | None = None,
    eps: float = 1e-5,
    residual: Tensor | None = None,
    scale: Tensor | None = None,
) -> Tensor:
    """residual + norm(x) weight^T + bias.

    x: (..., inputs), the features of a row side by side; weight: (outputs, inputs) in x's dtype, or
    int8 with `scale` (outputs,), which every output is multiplied with; gain: (inputs,) of an RMS
    norm with `eps`, None for no norm; residual: shaped as the result, (..., outputs).

    On a GPU a Triton kernel computes few rows, without gradients, and sums in float32.
    """
    most = MOST_ROWS if scale is None else MOST_INT8_ROWS
    if (
        x.shape[:-1].numel() <= most
        and kernels("product", x)
        and not (torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad))
    ):
        return kernel.product(x, weight, bias, gain, eps, residual, scale)
    return reference.product(x, weight, bias, gain, eps, residual, scale)
