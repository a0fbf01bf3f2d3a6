"""A depthwise causal convolution as a sum of shifted products.

The channels stay last, where the projections before and after it want them; a library convolution
would transpose the sequence twice.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def causal_conv(window: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    taps = weight.shape[-1]
    length = window.shape[1] - taps + 1
    if length == 1:
        y = (window * weight.mT).sum(1, keepdim=True) + bias
        return F.silu(y).to(window.dtype)
    y = bias + window[:, :length] * weight[:, 0]
    for tap in range(1, taps):
        y = torch.addcmul(y, window[:, tap : tap + length], weight[:, tap])
    return F.silu(y).to(window.dtype)
