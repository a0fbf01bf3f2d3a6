"""One token through a Mamba2 layer, between its two projections."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.state_update import reference
from zamba2_vl.ops.state_update.weights import Weights

if backend.TRITON:
    from zamba2_vl.ops.state_update import kernel


def state_update(
    projected: Tensor,
    conv: Tensor,
    ssm: Tensor,
    weights: Weights,
    lengths: Tensor | None = None,
) -> Tensor:
    """Convolution, one step of the recurrence of `ssd_scan`, gate and norm.

    projected: (batch, inner + channels + heads), a token's gate, inputs of the convolution (x, B
    and C) and raw step widths; conv: (batch, taps - 1, channels), the inputs before it; ssm:
    (batch, heads, width, rank) float32, inner = heads x width; lengths: (batch,), 0 for a row that
    must not move, None if all do. Both states are changed in place.

    Returns (batch, inner), typed like `projected`.
    """
    if backend.kernels("state_update", projected, *ssm.shape[2:]) and not backend.differentiated(
        projected
    ):
        return kernel.state_update(projected, conv, ssm, weights, lengths)
    return reference.state_update(projected, conv, ssm, weights, lengths)
