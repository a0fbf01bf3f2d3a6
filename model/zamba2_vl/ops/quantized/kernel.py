"""The products of `ops.product` with weights of four bits, which are unpacked in registers."""

import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from zamba2_vl.ops.product.kernel import as_rows, launch, leave, settle, splitting
from zamba2_vl.ops.quantized.reference import GROUP, WORDS

_NIBBLES = GROUP // WORDS
ONE_ROW = (4, 128, 4)
FEW_ROWS = (64, {"num_warps": 4, "num_stages": 5})


@triton.jit
def _words(rows, ok, j, W):
    mask = ok[:, None] & (j < W)[None, :]
    return tl.load(rows + j[None, :], mask, 0, eviction_policy="evict_first")


@triton.jit
def _fraction(w, PLACE: tl.constexpr):
    """1 + nibble / 16: the four bits from PLACE on, moved to the head of a float's fraction."""
    moved = w << (19 - PLACE) if PLACE < 19 else w >> (PLACE - 19)
    return ((moved & 0x780000) | 0x3F800000).to(tl.float32, bitcast=True)


@triton.jit
def _one(
    x, words, scales, y, scale, bias, gain, residual, N, K, W, eps,
    BN: tl.constexpr, BW: tl.constexpr, NIBBLES: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    n = tl.program_id(0) * BN + tl.arange(0, BN)
    ok = n < N
    GROUPS: tl.constexpr = 8 // NIBBLES
    rows = words + n[:, None].to(tl.int64) * W
    scales += n[:, None].to(tl.int64) * (W // 16 * GROUPS)
    sums, squares = tl.zeros((BN, BW), tl.float32), tl.zeros((BW,), tl.float32)
    w = _words(rows, ok, tl.arange(0, BW), W)
    if EARLY:
        gdc_wait()
        gdc_launch_dependents()
    for start in range(0, W, BW):
        j = start + tl.arange(0, BW)
        following = _words(rows, ok, j + BW, W)
        inside = ok[:, None] & (j < W)[None, :]
        for g in tl.static_range(GROUPS):
            part, total = tl.zeros((BN, BW), tl.float32), tl.zeros((BW,), tl.float32)
            for c in tl.static_range(NIBBLES):
                k = j // 16 * 128 + (g * NIBBLES + c) * 16 + j % 16
                a = tl.load(x + k, k < K, 0.0).to(tl.float32)
                if gain is not None:
                    squares += a * a
                    a *= tl.load(gain + k, k < K, 0.0).to(tl.float32)
                part += _fraction(w, 4 * (g * NIBBLES + c)) * a[None, :]
                total += a
            factor = tl.load(scales + (j // 16 * GROUPS + g)[None, :], inside, 0.0).to(tl.float32)
            sums += (part * 16 - total[None, :] * 24) * factor
        w = following
    out = tl.sum(sums, 1)
    if gain is not None:
        out *= tl.rsqrt(tl.sum(squares, 0) / K + eps)
    leave(out, y, n, n, ok, scale, bias, residual, n)


@triton.jit
def _few(
    x, words, scales, y, scale, bias, gain, residual, partial, counters,
    M, N, K, eps, x_row, residual_row,
    SPLITS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    NIBBLES: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    n, m = tl.program_id(0) * BN + tl.arange(0, BN), tl.arange(0, BM)
    blocks = tl.cdiv(K, 128)
    GROUPS: tl.constexpr = 8 // NIBBLES
    rows = words + n[:, None].to(tl.int64) * (blocks * 16) + tl.arange(0, 16)[None, :]
    scales += n.to(tl.int64) * (blocks * GROUPS)
    sums, squares = tl.zeros((BN, BM), tl.float32), tl.zeros((BM,), tl.float32)
    share = tl.cdiv(blocks, SPLITS)
    first = tl.program_id(1) * share
    if EARLY:
        gdc_wait()
        gdc_launch_dependents()
    for block in range(first, min(first + share, blocks)):
        w = tl.load(rows + block * 16, (n < N)[:, None], 0, eviction_policy="evict_first")
        for g in tl.static_range(GROUPS):
            part = tl.zeros((BN, BM), tl.float32)
            for c in tl.static_range(NIBBLES):
                k = block * 128 + (g * NIBBLES + c) * 16 + tl.arange(0, 16)
                inside = (k < K)[:, None] & (m < M)[None, :]
                a = tl.load(x + m[None, :] * x_row + k[:, None], inside, 0.0)
                if gain is not None:
                    wide = a.to(tl.float32)
                    squares += tl.sum(wide * wide, 0)
                    a = (wide * tl.load(gain + k, k < K, 0.0).to(tl.float32)[:, None]).to(a.dtype)
                q = (((w >> 4 * (g * NIBBLES + c)) & 15) - 8).to(a.dtype)
                part = tl.dot(q, a, part, input_precision="ieee")
            factor = tl.load(scales + block * GROUPS + g, n < N, 0.0).to(tl.float32)
            sums += part * factor[:, None]
    settle(
        sums, squares, y, scale, bias, gain, residual, partial, counters,
        M, N, K, eps, residual_row, SPLITS, BM, BN,
    )  # fmt: skip


def product(
    x: Tensor,
    words: Tensor,
    scales: Tensor,
    bias: Tensor | None,
    gain: Tensor | None,
    eps: float,
    residual: Tensor | None,
) -> Tensor:
    """As `zamba2_vl.ops.quantized.product`."""
    n, width = words.shape
    rows, y = as_rows(x), x.new_empty(*x.shape[:-1], n)
    behind = None if residual is None else as_rows(residual)
    if len(rows) == 1:
        tile, step, warps = ONE_ROW
        _one[(triton.cdiv(n, tile),)](
            rows, words, scales, y, None, bias, gain, behind, n, rows.shape[1], width, eps,
            BN=tile, BW=step, NIBBLES=_NIBBLES, EARLY=False, num_warps=warps,
        )  # fmt: skip
        return y
    tile, options = FEW_ROWS
    launch(
        _few, rows, (words, scales), y, None, bias, gain, eps, behind,
        SPLITS=splitting(n, tile, width // WORDS, x.device), BN=tile,
        NIBBLES=_NIBBLES, EARLY=False, **options,
    )  # fmt: skip
    return y
