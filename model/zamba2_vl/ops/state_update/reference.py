"""One token's step of the recurrence, written out."""

import torch
from torch import Tensor


def state_update(
    state: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor
) -> Tensor:
    heads = x.shape[1]
    groups = b.shape[1]
    grouped = (groups, heads // groups)
    added = torch.unflatten(x * dt[..., None], 1, grouped)[..., None] * b[:, :, None, None, :]
    state.mul_((dt * a).exp()[..., None, None]).add_(added.flatten(1, 2))
    y = torch.unflatten(state, 1, grouped) @ c.to(state.dtype)[:, :, None, :, None]
    return torch.addcmul(y.flatten(1, 2).squeeze(-1), x, d[:, None]).to(x.dtype)
