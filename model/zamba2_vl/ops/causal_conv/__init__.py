"""Mamba2's short convolution over the last few tokens, with its SiLU."""

from torch import Tensor

from zamba2_vl.ops.causal_conv import reference


def causal_conv(x: Tensor, before: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """silu(bias + sum over k of weight[:, k] x_(t - taps + 1 + k)).

    x: (batch, length, channels); before: (batch, taps - 1, channels), the inputs that precede x,
    zeros at the start of a sequence; weight: (channels, taps); bias: (channels,). Returns y, shaped
    and typed like x.
    """
    return reference.causal_conv(x, before, weight, bias)
