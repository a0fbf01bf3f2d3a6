"""Mamba2's short convolution over the last few tokens, with its SiLU."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.causal_conv import library, reference

if backend.TRITON:
    from zamba2_vl.ops.causal_conv import kernel


def causal_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    before: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """y_t = silu(bias + sum over k of weight[:, k] x_(t - taps + 1 + k)).

    x: (batch, length, channels); weight: (channels, taps); bias: (channels,); before:
    (batch, taps - 1, channels), the inputs that precede x, None for zeros at the start of a
    sequence; lengths: (batch,) valid tokens of each row, None if all are.

    Returns y, shaped and typed like x, and what the token after each row's last valid one will find
    as `before`. Where no gradient is asked for, the kernel computes, or causal_conv1d where that
    was chosen and all tokens are valid.
    """
    if not backend.differentiated(x):
        match backend.chosen("causal_conv", x):
            case "triton":
                return kernel.causal_conv(x, weight, bias, before, lengths)
            case "causal_conv1d" if before is not None and lengths is None:
                return library.causal_conv(x, weight, bias, before)
    return reference.causal_conv(x, weight, bias, before, lengths)
