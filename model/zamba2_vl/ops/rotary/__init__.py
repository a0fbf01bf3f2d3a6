"""Rotary position embedding: pairs of features turned by an angle that grows with the position."""

import torch
from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.rotary import reference

if backend.TRITON:
    from zamba2_vl.ops.rotary import kernel


def frequencies(width: int, theta: float, device: torch.device) -> Tensor:
    """Angle per position of each of width / 2 pairs, float32: theta^(-2i / width)."""
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    return 1.0 / theta**exponents


def rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn feature i together with feature i + width / 2.

    x: (..., width); cos, sin: float32, broadcastable to (..., width / 2). Computed in float32,
    returned in x's dtype. The kernel turns (batch, tokens, heads, width), all heads of a token by
    the same angles, where no gradient is asked for.
    """
    fits = x.dim() == 4 and cos.shape[-2] == 1
    if fits and backend.kernels("rotary", x) and not backend.differentiated(x):
        turned: Tensor = kernel.rotary(x, cos, sin)
        return turned
    return reference.rotary(x, cos, sin)


def rotary_write(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    positions: Tensor,
    frequencies: Tensor | None,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
) -> Tensor:
    """Turn queries and keys, and write keys and values to their places in a paged cache.

    q: (batch, length, heads, width); k, v: (batch, length, key heads, width), features contiguous;
    positions: (batch, length) int32, -1 where there is no token: nothing is written for it;
    frequencies: (width / 2,) float32, or None, which turns nothing; keys, values: (pages, page
    tokens, key heads, width), written in place; table: (batch, pages of a row) int32: token p of a
    row lies in page table[row, p // page tokens], and entries that no token needs are not read.
    Returns the turned queries. Asks the host for nothing on a GPU.
    """
    compute = kernel if backend.kernels("rotary", q) else reference
    turned: Tensor = compute.rotary_write(q, k, v, positions, frequencies, keys, values, table)
    return turned
