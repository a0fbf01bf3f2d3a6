"""Products of a weight matrix with few rows on a GPU, which are as slow as the weights are to read.

One row: each program holds some outputs, its threads share the inputs. Several rows: tiles go
through the tensor cores, and where the outputs alone do not fill the GPU the inputs are split among
programs, the last of which to finish sums up. In front of one row a norm needs no pass of its own:
its scale is one number, which can be applied to the result.
"""

from functools import lru_cache
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from zamba2_vl.ops.norm import rms_norm

# Outputs and inputs of a tile of several rows, and how it is computed.
FEW_ROWS = (32, 128, {"num_warps": 2, "num_stages": 4})
# Programs for each multiprocessor that keep the memory busy.
FULL = 2
MOST_TILES = 8192
# Whether a kernel fetches weights while the one before it ends (programmatic dependent launch). A
# chain of these kernels gained a tenth by it on an H200; among other kernels it is untried.
EARLY = False


@triton.jit
def _weights(rows, ok, start, K, BK: tl.constexpr):
    k = start + tl.arange(0, BK)
    mask = ok[:, None] & (k < K)[None, :]
    return tl.load(rows + k[None, :], mask, 0.0, eviction_policy="evict_first")


@triton.jit
def leave(out, y, places, n, ok, scale, bias, residual, behind):
    """Finish float32 outputs of columns n and store them; `behind`: their places in residual."""
    if scale is not None:
        out *= tl.load(scale + n, ok, 0.0).to(tl.float32)
    if bias is not None:
        out += tl.load(bias + n, ok, 0.0).to(tl.float32)
    if residual is not None:
        out += tl.load(residual + behind, ok, 0.0).to(tl.float32)
    tl.store(y + places, out.to(y.dtype.element_ty), ok)


@triton.jit
def _one(
    x, weight, y, scale, bias, gain, residual, N, K, eps,
    BN: tl.constexpr, BK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(0) * BN + tl.arange(0, BN)
    ok = n < N
    rows = weight + n[:, None].to(tl.int64) * K
    sums, squares = tl.zeros((BN, BK), tl.float32), tl.zeros((BK,), tl.float32)
    w = _weights(rows, ok, 0, K, BK)
    if EARLY:
        gdc_wait()
        gdc_launch_dependents()
    for start in range(0, K, BK):
        following = _weights(rows, ok, start + BK, K, BK)
        k = start + tl.arange(0, BK)
        a = tl.load(x + k, k < K, 0.0).to(tl.float32)
        if gain is not None:
            squares += a * a
            a *= tl.load(gain + k, k < K, 0.0).to(tl.float32)
        sums += w.to(tl.float32) * a[None, :]
        w = following
    out = tl.sum(sums, 1)
    if gain is not None:
        out *= tl.rsqrt(tl.sum(squares, 0) / K + eps)
    leave(out, y, n, n, ok, scale, bias, residual, n)


@triton.jit
def settle(
    sums, y, scale, bias, residual, partial, counters, M, N, residual_row,
    SPLITS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Sum (BN, BM) up over the splits, in their order, and store it: the last program does."""
    tile, split = tl.program_id(0), tl.program_id(1)
    m, i = tl.arange(0, BM), tl.arange(0, BN)
    n = tile * BN + i
    last = True
    if SPLITS > 1:
        inner = i[:, None] * BM + m[None, :]
        partial += tile * SPLITS * BN * BM
        tl.store(partial + split * BN * BM + inner, sums)
        tl.debug_barrier()
        last = tl.atomic_add(counters + tile, 1, sem="acq_rel") == SPLITS - 1
        if last:
            sums = tl.zeros((BN, BM), tl.float32)
            for s in range(SPLITS):
                sums += tl.load(partial + s * BN * BM + inner, cache_modifier=".cg")
            tl.store(counters + tile, 0)
    if last:
        ok = (n < N)[:, None] & (m < M)[None, :]
        column = n[:, None] + tl.zeros((BN, BM), tl.int32)
        places = m[None, :] * N + column
        behind = m[None, :] * residual_row + column
        leave(sums, y, places, column, ok, scale, bias, residual, behind)


@triton.jit
def _few(
    x, weight, y, scale, bias, residual, partial, counters, M, N, K, x_row, residual_row,
    SPLITS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    n, m = tl.program_id(0) * BN + tl.arange(0, BN), tl.arange(0, BM)
    rows = weight + n[:, None].to(tl.int64) * K
    sums = tl.zeros((BN, BM), tl.float32)
    share = tl.cdiv(tl.cdiv(K, BK), SPLITS) * BK
    first = tl.program_id(1) * share
    for start in range(first, min(first + share, K), BK):
        w = _weights(rows, n < N, start, K, BK)
        k = start + tl.arange(0, BK)
        inside = (k < K)[:, None] & (m < M)[None, :]
        a = tl.load(x + m[None, :] * x_row + k[:, None], inside, 0.0)
        sums = tl.dot(w.to(a.dtype), a, sums, input_precision="ieee")
    settle(sums, y, scale, bias, residual, partial, counters, M, N, residual_row, SPLITS, BM, BN)


def product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    gain: Tensor | None,
    eps: float,
    residual: Tensor | None,
    scale: Tensor | None,
) -> Tensor:
    """As `zamba2_vl.ops.product`."""
    n, k = weight.shape
    if x.shape[:-1].numel() == 1:
        y, tile = x.new_empty(*x.shape[:-1], n), 4 if weight.dtype == torch.int8 else 2
        width, warps = (1024, 4) if k % 1024 == 0 else (512, 2)
        _one[(triton.cdiv(n, tile),)](
            as_rows(x), weight, y, scale, bias, gain, residual, n, k, eps,
            BN=tile, BK=width, EARLY=EARLY, num_warps=warps, **early_launch(),
        )  # fmt: skip
        return y
    if gain is not None:
        x = rms_norm(x, gain, eps)
    tile, width, options = FEW_ROWS
    steps = triton.cdiv(k, width)
    return launch(_few, x, (weight,), n, scale, bias, residual, tile, steps, BK=width, **options)


def early_launch() -> dict[str, bool]:
    """Options of a launch that need not wait for the kernel before; only Hopper and later know."""
    return {"launch_pdl": True} if EARLY else {}


def as_rows(x: Tensor) -> Tensor:
    """(rows, features), without a copy where the features of a row lie side by side."""
    rows = x.reshape(-1, x.shape[-1])
    return rows if rows.stride(1) == 1 else rows.contiguous()


def launch(
    kernel: Any,
    x: Tensor,
    weights: tuple[Tensor, ...],
    n: int,
    scale: Tensor | None,
    bias: Tensor | None,
    residual: Tensor | None,
    tile: int,
    steps: int,
    **options: Any,
) -> Tensor:
    """The result of a kernel that ends in `settle`: n outputs, `tile` of them a program; the inputs
    may be cut into as many as `steps` parts."""
    rows, y = as_rows(x), x.new_empty(*x.shape[:-1], n)
    behind = None if residual is None else as_rows(residual)
    (m, k), tiles, height = (
        rows.shape,
        triton.cdiv(n, tile),
        max(8, triton.next_power_of_2(len(rows))),
    )
    splits = _splits(tiles, steps, x.device)
    partial = torch.empty(tiles * splits * tile * height if splits > 1 else 0, device=x.device)
    kernel[(tiles, splits)](
        rows, *weights, y, scale, bias, behind, partial, _counters(x.device),
        m, n, k, rows.stride(0), 0 if behind is None else behind.stride(0),
        SPLITS=splits, BM=height, BN=tile, **options,
    )  # fmt: skip
    return y


def _splits(tiles: int, steps: int, device: torch.device) -> int:
    """Into how many parts the inputs are cut so that the GPU has enough programs."""
    splits = 1
    while splits * 2 <= steps and splits * tiles < FULL * _processors(device):
        splits *= 2
    return splits


@lru_cache
def _processors(device: torch.device) -> int:
    if device.type != "cuda":  # Triton's interpreter
        return 4
    return torch.cuda.get_device_properties(device).multi_processor_count


@lru_cache
def _counters(device: torch.device) -> Tensor:
    """Zeros, as every launch leaves them; so products of one device must follow each other."""
    return torch.zeros(MOST_TILES, dtype=torch.int32, device=device)
