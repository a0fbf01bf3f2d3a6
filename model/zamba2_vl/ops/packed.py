"""Matrix products on a CPU that read fewer bytes: weights in float16 or in integers of eight bits.

Served by FBGEMM, PyTorch's own library for x86 processors.
"""

import warnings

import torch
from torch import Tensor

# Half the distance of the smallest float16 numbers.
_TINY = 2.0**-25
# Rows that `product_int8` gains time on.
INT8_ROWS = 4


def is_served() -> bool:
    """Whether PyTorch has FBGEMM on this machine."""
    return torch.backends.quantized.engine in ("x86", "fbgemm")


def pack(
    weight: Tensor, bias: Tensor | None = None, exact: bool = True
) -> torch.ScriptObject | None:
    """A second copy of float32 weights (outputs, inputs), arranged for `product`.

    None where nothing would be gained or something lost: off the CPUs that FBGEMM serves, or where
    float16 cannot hold each weight to within 2^-25 and `exact` is asked for. It holds what was
    stored in bfloat16.
    """
    if not _is_served(weight) or weight.dtype != torch.float32:
        return None
    if exact and not ((weight.half().float() - weight).abs() <= _TINY).all():
        return None
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack_fp16(weight, bias)
    return packed


def product(x: Tensor, packed: torch.ScriptObject) -> Tensor:
    """x weight^T + bias for float32 x (..., inputs): (..., outputs). Not differentiable."""
    y: Tensor = torch.ops.quantized.linear_dynamic_fp16(x, packed)
    return y


def pack_int8(weight: Tensor, scale: Tensor, bias: Tensor | None) -> torch.ScriptObject | None:
    """A second copy of int8 weights (outputs, inputs) with scales (outputs,), for `product_int8`;
    None off the CPUs that FBGEMM serves."""
    if not _is_served(weight):
        return None
    with warnings.catch_warnings():
        # The type of tensor that FBGEMM takes is deprecated; the product itself is not.
        warnings.simplefilter("ignore", UserWarning)
        quantized = torch._make_per_channel_quantized_tensor(
            weight, scale.double(), torch.zeros(len(scale), dtype=torch.long), 0
        )
    packed: torch.ScriptObject = torch.ops.quantized.linear_prepack(quantized, bias)
    return packed


def product_int8(x: Tensor, packed: torch.ScriptObject) -> Tensor:
    """x weight^T + bias for float32 x (..., inputs), each row of which is rounded to eight bits on
    its own, so that it does not matter what else is computed with it: (..., outputs)."""
    rows = torch.split(x.reshape(-1, x.shape[-1]), 1)
    y = torch.cat([torch.ops.quantized.linear_dynamic(row, packed) for row in rows])
    return y.view(*x.shape[:-1], -1)


def _is_served(weight: Tensor) -> bool:
    return is_served() and weight.device.type == "cpu"
