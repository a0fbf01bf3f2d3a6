"""What a decoding step of one Mamba2 layer computes with."""

from typing import NamedTuple

from torch import Tensor


class Weights(NamedTuple):
    """The parameters between a layer's two projections.

    conv: (channels, taps) and conv_bias: (channels,) of the convolution of x, B and C; dt_bias,
    a_log, d: (heads,); floor: the least step width; norm: (inner,), for a norm over `groups` groups
    of features, which are also those of B and C; eps: the norm's.
    """

    conv: Tensor
    conv_bias: Tensor
    dt_bias: Tensor
    a_log: Tensor
    d: Tensor
    floor: float
    norm: Tensor
    groups: int
    eps: float
