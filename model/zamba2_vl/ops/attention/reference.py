"""Attention through PyTorch's own fused kernels, or, for one query on a CPU, two products."""

import torch
import torch.nn.functional as F
from torch import Tensor


def attention(
    q: Tensor, k: Tensor, v: Tensor, scale: float, causal: bool, mask: Tensor | None
) -> Tensor:
    if q.shape[2] == 1 and q.device.type == "cpu":
        return _one_query(q, k, v, scale, mask)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    )


def _one_query(q: Tensor, k: Tensor, v: Tensor, scale: float, mask: Tensor | None) -> Tensor:
    """Reads keys and values at the speed of memory, which the fused CPU kernel does not reach."""
    shared = (k.shape[1], q.shape[1] // k.shape[1])
    scores = torch.unflatten(q * scale, 1, shared).squeeze(3) @ k.mT
    if mask is not None:
        seen = torch.broadcast_to(mask, (*q.shape[:3], k.shape[2]))
        seen = torch.unflatten(seen, 1, shared).squeeze(3)
        scores = (
            scores.masked_fill(~seen, -torch.inf) if seen.dtype == torch.bool else scores + seen
        )
    return (scores.softmax(-1) @ v).flatten(1, 2)[:, :, None]
