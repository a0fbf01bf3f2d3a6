"""Matrix products that read half the bytes: weights held in float16, arithmetic in float32.

Served by FBGEMM, PyTorch's own library for x86 processors.
"""

import torch
from torch import Tensor

# Half the distance of the smallest float16 numbers.
_TINY = 2.0**-25


def is_served() -> bool:
    """Whether PyTorch has FBGEMM on this machine."""
    return torch.backends.quantized.engine in ("x86", "fbgemm")


def pack(weight: Tensor, bias: Tensor | None = None) -> torch.ScriptObject | None:
    """A second copy of float32 weights (outputs, inputs), arranged for `product`.

    None where nothing would be gained or something lost: off the CPUs that FBGEMM serves, or where
    float16 cannot hold each weight to within 2^-25. It holds what was stored in bfloat16.
    """
    if not is_served() or weight.device.type != "cpu" or weight.dtype != torch.float32:
        return None
    if not ((weight.half().float() - weight).abs() <= _TINY).all():
        return None
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack_fp16(weight, bias)
    return packed


def product(x: Tensor, packed: torch.ScriptObject) -> Tensor:
    """x weight^T + bias for float32 x (..., inputs): (..., outputs). Not differentiable."""
    y: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, packed)
    return y
