"""The pages of each row gathered, and PyTorch's attention over them with a mask."""

import torch
from torch import Tensor

from zamba2_vl.ops.attention import attention
from zamba2_vl.ops.paged_attention.known import Known


def paged_attention(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
    positions: Tensor,
    scale: float,
    known: Known | None,
) -> Tensor:
    token = torch.arange(table.shape[1] * keys.shape[1], device=q.device)
    held = token <= positions.amax(1, keepdim=True)
    pages = table.where(held[:, :: keys.shape[1]], 0)
    # What nobody wrote may be anything, and even no weight at all does not make a NaN harmless.
    k, v = (
        cache[pages].flatten(1, 2).where(held[..., None, None], 0).transpose(1, 2).to(q.dtype)
        for cache in (keys, values)
    )
    # Where there is no query it looks at the first token, since a softmax over nothing is a NaN.
    seen = token <= positions.clamp(min=0)[..., None]
    mixed = attention(q.transpose(1, 2), k, v, scale, mask=seen[:, None]).transpose(1, 2)
    return mixed.where((positions >= 0)[..., None, None], 0)
