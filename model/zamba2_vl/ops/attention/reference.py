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
    grouped = (q * scale).view(k.shape[0] * k.shape[1], -1, k.shape[3])
    scores = torch.bmm(grouped, k.flatten(0, 1).mT)
    if mask is not None:
        seen = scores.view(*q.shape[:3], -1)
        seen = seen.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else seen + mask
        scores = seen.view_as(scores)
    return torch.bmm(scores.softmax(-1), v.flatten(0, 1)).view(q.shape)
