"""One token's step of the recurrence, in as few passes over the state as PyTorch allows."""

from torch import Tensor


def state_update(
    state: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor
) -> Tensor:
    batch, groups, rank = b.shape
    # Heads of one group share b and c, so their rows can be treated as one taller matrix.
    tall = state.view(batch, groups, -1, rank)
    state.mul_((dt * a).exp_()[..., None, None])
    tall.addcmul_((x * dt[..., None]).view(batch, groups, -1, 1), b.to(state.dtype)[:, :, None])
    y = (tall @ c.to(state.dtype)[..., None]).view(x.shape)
    return y.addcmul_(x, d[:, None]).to(x.dtype)
