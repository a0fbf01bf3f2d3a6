"""Matrix products on a CPU that read fewer bytes: weights in float16 or in integers.

Served by PyTorch's own kernels for x86 processors, FBGEMM's where not said otherwise.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

# Half the distance of the smallest float16 numbers.
_TINY = 2.0**-25
_INT4_GROUPS = (32, 64, 128, 256)

Product = Callable[[Tensor], Tensor]

# Rows up to which `int8_product` is faster than writing the weights out.
INT8_ROWS = 64


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


def int8_product(weight: Tensor, scale: Tensor, bias: Tensor | None) -> Product | None:
    """x -> x (weight scale)^T + bias for float32 x (..., inputs), from a second copy of int8
    weights (outputs, inputs) with scales (outputs,); None off the CPUs that FBGEMM serves.

    Each row of x is rounded to eight bits on its own, so that it does not matter what else is
    computed with it.
    """
    if not _is_served(weight):
        return None
    with warnings.catch_warnings():
        # The type of tensor that FBGEMM takes is deprecated; the product itself is not.
        warnings.simplefilter("ignore", UserWarning)
        quantized = torch._make_per_channel_quantized_tensor(
            weight, scale.double(), torch.zeros(len(scale), dtype=torch.long), 0
        )
    packed = torch.ops.quantized.linear_prepack(quantized, bias)

    def product(x: Tensor) -> Tensor:
        rows = torch.split(x.reshape(-1, x.shape[-1]), 1)
        y = torch.cat([torch.ops.quantized.linear_dynamic(row, packed) for row in rows])
        return y.view(*x.shape[:-1], -1)

    return product


def int4_product(weight: Tensor, scale: Tensor, bias: Tensor | None) -> Product | None:
    """x -> x (weight scale)^T + bias for float32 x (..., inputs), from weights (outputs, inputs)
    from -8 to 7 with scales (outputs, groups of consecutive inputs); None where PyTorch has no such
    product. It rounds x to bfloat16."""
    (outputs, inputs), groups = weight.shape, scale.shape[1]
    group = inputs // groups
    whole = outputs % 16 == 0 and inputs % groups == 0
    if not _is_served(weight) or not whole or group not in _INT4_GROUPS:
        return None
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(weight.to(torch.int32) + 8, 1)
    factors = torch.stack([scale.t(), torch.zeros_like(scale.t())], -1).bfloat16().contiguous()

    def product(x: Tensor) -> Tensor:
        rows = x.reshape(-1, inputs).bfloat16()
        y: Tensor = torch.ops.aten._weight_int4pack_mm_for_cpu(rows, packed, group, factors)
        y = y.float().view(*x.shape[:-1], outputs)
        return y if bias is None else y + bias

    return product


def _is_served(weight: Tensor) -> bool:
    return is_served() and weight.device.type == "cpu"
