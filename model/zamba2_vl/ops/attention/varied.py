"""Attention over rows of different lengths."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

# Without cuDNN, which plans 70 ms for each new length to save a millisecond or two.
_UNPLANNED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def flash(q: Tensor, k: Tensor, v: Tensor, lengths: Tensor) -> Tensor:
    """All rows in one run of tokens; a row's padding is a sequence of its own."""
    # Here, since it brings the compiler along: a second of every start for what only training uses.
    from torch.nn.attention.varlen import varlen_attn

    batch, size = q.shape[:2]
    starts = torch.arange(batch, device=q.device) * size
    edges = torch.stack([starts, starts + lengths], 1).flatten()
    edges = F.pad(edges, (0, 1), value=batch * size).int()
    q, k, v = (t.flatten(0, 1) for t in (q, k, v))
    mixed = varlen_attn(q, k, v, edges, edges, size, size)
    assert isinstance(mixed, Tensor)
    return torch.unflatten(mixed, 0, (batch, size))


def masked(q: Tensor, k: Tensor, v: Tensor, lengths: Tensor) -> Tensor:
    """The same with a mask; padding sees the row."""
    seen = torch.arange(k.shape[1], device=k.device) < lengths[:, None]
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None, None])
    return mixed.transpose(1, 2)


def one_by_one(q: Tensor, k: Tensor, v: Tensor, pages: Sequence[int]) -> Tensor:
    """Each page by itself, whatever the precision."""
    parts = (torch.split(t.transpose(1, 2), list(pages), dim=2) for t in (q, k, v))
    with sdpa_kernel(_UNPLANNED):
        mixed = [F.scaled_dot_product_attention(*page) for page in zip(*parts, strict=True)]
    return torch.cat(mixed, 2).transpose(1, 2)
