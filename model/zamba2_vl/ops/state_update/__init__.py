"""Mamba2's step for one token, for decoding."""

from torch import Tensor

from zamba2_vl.ops.state_update import reference


def state_update(
    state: Tensor, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor
) -> Tensor:
    """One step of the recurrence of `ssd_scan`; `state` is changed in place.

    state: (batch, heads, width, rank) float32; x: (batch, heads, width); dt: (batch, heads)
    float32, 0 for a row that must not move; a, d: (heads,); b, c: (batch, groups, rank).
    Returns y, shaped and typed like x.
    """
    return reference.state_update(state, x, dt, a, b, c, d)
