"""The plain root-mean-square norm; PyTorch's own kernel serves every device."""

import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.RMSNorm):
    """nn.RMSNorm whose weight follows the input's dtype, which the fused kernels ask for under
    autocast."""

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)
