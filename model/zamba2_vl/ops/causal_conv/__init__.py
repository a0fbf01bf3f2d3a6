"""Mamba2's short convolution over the last few tokens, with its SiLU."""

from torch import Tensor

from zamba2_vl.ops.causal_conv import reference


def causal_conv(window: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """y_t = silu(bias + sum over k of weight[:, k] window_(t + k)).

    window: (batch, taps - 1 + length, channels), the tokens after the inputs that precede them,
    which are zeros at the start of a sequence; weight: (channels, taps); bias: (channels,).
    Returns y (batch, length, channels) in the window's dtype.
    """
    return reference.causal_conv(window, weight, bias)
