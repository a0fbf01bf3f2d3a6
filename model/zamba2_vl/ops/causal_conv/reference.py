"""A depthwise causal convolution as a sum of shifted products.

The channels stay last, where the projections before and after it want them; a library convolution
would transpose the sequence twice.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def causal_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    before: Tensor | None = None,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    taps = weight.shape[-1]
    if before is None:
        before = x.new_zeros(x.shape[0], taps - 1, x.shape[2])
    window = torch.cat([before.to(x.dtype), x], dim=1)
    return convolve(window, weight, bias), _last_inputs(window, taps - 1, lengths)


def convolve(window: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """y_t = silu(bias + sum over k of weight[:, k] window_(t + k)), (batch, length, channels).

    window: (batch, taps - 1 + length, channels), the tokens after the inputs that precede them.
    """
    taps = weight.shape[-1]
    length = window.shape[1] - taps + 1
    if length == 1:
        y = (window * weight.mT).sum(1, keepdim=True) + bias
        return F.silu(y).to(window.dtype)
    y = bias + window[:, :length] * weight[:, 0]
    for tap in range(1, taps):
        y = torch.addcmul(y, window[:, tap : tap + length], weight[:, tap])
    return F.silu(y).to(window.dtype)


def _last_inputs(window: Tensor, kept: int, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return window[:, -kept:]
    index = lengths[:, None] + torch.arange(kept, device=window.device)
    return window.gather(1, index[..., None].expand(-1, -1, window.shape[2]))
