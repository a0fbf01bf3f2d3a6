"""Attention inside short windows of a row of patches."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.window_attention import reference

if backend.TRITON:
    from zamba2_vl.ops.window_attention import kernel


def window_attention(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> Tensor:
    """softmax(scale q·k) v among the patches of each window.

    q, k, v: (batch, patches, heads, width); bounds: (batch, windows + 1) int32, rising: window i of
    a row holds its patches bounds[i] to bounds[i + 1], at most `longest` of them. What lies past
    the last bound comes out as zeros. Returns (batch, patches, heads, width).
    """
    if backend.kernels("window_attention", q, longest):
        mixed: Tensor = kernel.window_attention(q, k, v, bounds, scale, longest)
        return mixed
    return reference.window_attention(q, k, v, bounds, scale, longest)
