"""What a decoding step of one Mamba2 layer computes with."""

from typing import NamedTuple

from torch import Tensor


class Weights(NamedTuple):
    """The parameters between a layer's two projections.

    conv: (channels, taps) and conv_bias: (channels,) of the convolution of x, B and C; dt_bias,
    a_log, d: (heads,); floor: the least step width; groups: of heads, which share B and C, and of
    features, which the norm is taken over; norm: (inner,), None where it is left to what follows;
    eps: the norm's.
    """

    conv: Tensor
    conv_bias: Tensor
    dt_bias: Tensor
    a_log: Tensor
    d: Tensor
    floor: float
    groups: int
    norm: Tensor | None
    eps: float
