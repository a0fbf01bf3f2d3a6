"""Windows cut out, padded to one size and masked, in plain PyTorch."""

import torch
import torch.nn.functional as F
from torch import Tensor


def window_attention(
    q: Tensor, k: Tensor, v: Tensor, bounds: Tensor, scale: float, longest: int
) -> Tensor:
    batch, patches = q.shape[:2]
    slot = torch.arange(longest, device=q.device)
    place = bounds[:, :-1, None] + slot
    held = place < bounds[:, 1:, None]
    row = torch.arange(batch, device=q.device)[:, None, None]
    q, k, v = (t[row, place.clamp(max=patches - 1)].transpose(2, 3) for t in (q, k, v))
    # An empty window looks at one rubbish patch, since a softmax over nothing is not a number.
    seen = (held | (slot == 0))[:, :, None, None]
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale)
    whole = mixed.new_zeros(batch, patches + 1, mixed.shape[2], mixed.shape[4])
    whole[row, torch.where(held, place, patches)] = mixed.transpose(2, 3)
    return whole[:, :patches]
