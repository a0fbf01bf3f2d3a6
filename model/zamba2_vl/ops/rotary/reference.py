"""Rotary position embedding in plain PyTorch."""

import torch
from torch import Tensor


def rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.float().chunk(2, dim=-1)
    turned = (
        torch.addcmul(first * cos, second, sin, value=-1),
        torch.addcmul(second * cos, first, sin),
    )
    return torch.cat(turned, dim=-1).to(x.dtype)


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
    if frequencies is not None:
        angles = positions[..., None, None] * frequencies
        cos, sin = angles.cos(), angles.sin()
        q, k = rotary(q, cos, sin), rotary(k, cos, sin)
    row, token = (positions >= 0).nonzero(as_tuple=True)
    place = positions[row, token]
    page, slot = table[row, place // keys.shape[1]], place % keys.shape[1]
    keys[page, slot] = k[row, token].to(keys.dtype)
    values[page, slot] = v[row, token].to(values.dtype)
    return q
