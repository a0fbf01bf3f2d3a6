"""The choice of tokens in plain PyTorch, by sorting the vocabulary."""

import torch
from torch import Tensor

_TINY = torch.finfo(torch.float32).tiny


def choose(
    logits: Tensor,
    allowed: Tensor | None,
    temperature: Tensor | None,
    top_p: Tensor | None,
    uniform: Tensor | None,
) -> tuple[Tensor, Tensor]:
    logits = logits.float()
    limited = logits
    if allowed is not None:
        token = torch.arange(logits.shape[1], device=logits.device)
        bits = allowed[:, token // 32] >> (token % 32).int()
        limited = logits.masked_fill(bits & 1 == 0, -torch.inf)
    ids = limited.argmax(-1)
    if temperature is not None and top_p is not None and uniform is not None:
        drawn = draw(limited, temperature[:, None], top_p[:, None], uniform[:, None])
        ids = torch.where(temperature > 0, drawn, ids)
    return ids, logits.gather(-1, ids[:, None])[:, 0] - logits.logsumexp(-1)


def draw(logits: Tensor, temperature: Tensor, top_p: Tensor, uniform: Tensor) -> Tensor:
    """One token a row of float32 logits (rows, vocabulary), (rows,); the others are (rows, 1)."""
    # The largest is moved to 0 first: a tiny temperature must not carry it off to infinity.
    scaled = (logits - logits.amax(-1, keepdim=True)) / temperature.clamp(min=_TINY)
    likelihood, order = scaled.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = likelihood.cumsum(-1) - likelihood
    kept = likelihood.masked_fill(before >= top_p, 0).cumsum(-1)
    place = torch.searchsorted(kept, uniform * kept[:, -1:], right=True)
    # A number that rounding brings up to the whole sum would fall off the last kept token.
    last = (kept < kept[:, -1:]).sum(-1, keepdim=True)
    return order.gather(-1, place.minimum(last))[:, 0]
