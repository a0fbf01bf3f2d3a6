"""The chunked state-space-duality scan as batched matrix products.

Within a chunk of Q tokens the recurrence is written out as a masked Q x Q product, like attention;
between chunks only the state is carried. Source: Dao and Gu, "Transformers are SSMs" (2024),
section 6.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def ssd_scan(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    d: Tensor,
    chunk_size: int,
    state: Tensor | None,
    lengths: Tensor | None,
    bias: Tensor | None,
    floor: float,
) -> tuple[Tensor, Tensor]:
    batch, length, heads, width = x.shape
    dt = steps(dt, bias, floor)
    if lengths is not None:
        dt = dt * (torch.arange(length, device=x.device) < lengths[:, None])[..., None]
    groups, rank = b.shape[2:]
    size = min(chunk_size, length)
    chunks = -(-length // size)
    # Padding has dt = 0: it decays nothing and adds nothing, so the final state is right.
    pad = chunks * size - length

    def chunked(t: Tensor) -> Tensor:
        """(batch, length, n, ...) -> (batch, chunks, n, size, ...)"""
        t = F.pad(t, (0, 0) * (t.dim() - 2) + (0, pad)) if pad else t
        return t.view(batch, chunks, size, *t.shape[2:]).transpose(2, 3)

    xs, bs, cs, step = chunked(x), chunked(b), chunked(c), chunked(dt)
    decay = (step * a[:, None]).cumsum(-1)

    # Weight of token j in the output of token i of the same chunk: decay from j to i times dt_j.
    weights = fading(decay) * step[..., None, :]
    scores = (cs @ bs.mT)[:, :, :, None]
    mixed = torch.unflatten(weights, 2, (groups, -1)) * scores
    inside = mixed.flatten(2, 3).to(x.dtype) @ xs

    # What each chunk adds to the state by its own end.
    left = ((decay[..., -1:] - decay).exp() * step)[..., None]
    faded = torch.unflatten((xs * left).to(x.dtype), 2, (groups, -1))
    added = (faded.mT @ bs[:, :, :, None]).flatten(2, 3).float()

    if state is None:
        state = added.new_zeros(batch, heads, width, rank)
    sources = torch.cat([state.float()[:, None], added], dim=1).transpose(1, 2)
    states = carry(sources, F.pad(decay[..., -1].cumsum(1).transpose(1, 2), (1, 0)))
    starts = states[:, :, :-1].transpose(1, 2)

    grouped = torch.unflatten(starts.to(x.dtype), 2, (groups, -1))
    entering = cs[:, :, :, None] @ grouped.mT
    outside = entering.flatten(2, 3) * decay.exp()[..., None]

    y = (inside + outside).transpose(2, 3).flatten(1, 2)[:, :length]
    return (y + x * d[:, None]).to(x.dtype), states[:, :, -1]


def steps(dt: Tensor, bias: Tensor | None, floor: float) -> Tensor:
    """The widths of steps, float32; as they are without a bias."""
    return dt if bias is None else F.softplus(dt.float() + bias.float()).clamp(min=floor)


def carry(sources: Tensor, elapsed: Tensor) -> Tensor:
    """The state before each chunk and after the last: all that came before, faded since.

    sources: (batch, heads, chunks + 1, width, rank), the first state and each chunk's addition;
    elapsed: (batch, heads, chunks + 1), the logarithm of the decay up to the end of each. One small
    product instead of a loop over chunks. Returns a tensor shaped like sources.
    """
    return torch.unflatten(fading(elapsed) @ sources.flatten(3), -1, sources.shape[3:])


def fading(elapsed: Tensor) -> Tensor:
    """exp(elapsed_i - elapsed_j) where j comes no later than i, else 0: (..., i, j)."""
    length = elapsed.shape[-1]
    later = torch.ones(length, length, dtype=torch.bool, device=elapsed.device).triu(1)
    return (elapsed[..., :, None] - elapsed[..., None, :]).masked_fill(later, -torch.inf).exp()
