"""The convolution by causal_conv1d, where that is installed and chosen."""

from torch import Tensor


def causal_conv(x: Tensor, weight: Tensor, bias: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """As `zamba2_vl.ops.causal_conv`, of valid tokens with others in front of them."""
    from causal_conv1d import causal_conv1d_fn

    y, last = causal_conv1d_fn(
        x.mT,
        weight,
        bias,
        initial_states=before.to(x.dtype).mT,
        return_final_states=True,
        activation="silu",
    )
    return y.mT, last.mT
