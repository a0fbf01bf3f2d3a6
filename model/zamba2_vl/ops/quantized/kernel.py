"""The products of `ops.product` with weights of four bits, which are unpacked in registers."""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from zamba2_vl.ops.norm import rms_norm
from zamba2_vl.ops.product.kernel import EARLY, as_rows, early_launch, launch, leave, settle
from zamba2_vl.ops.quantized.packing import BLOCK, GROUP, WORDS

_NIBBLES = GROUP // WORDS
_ASM = not triton.knobs.runtime.interpret
# Outputs of a tile of several rows, and how it is computed.
FEW_ROWS = (32, {"num_warps": 2, "num_stages": 3})
# Weights from which on tiles are faster for one row, too.
_LARGE = 25_000_000


@triton.jit
def _words(rows, ok, j, W):
    mask = ok[:, None] & (j < W)[None, :]
    return tl.load(rows + j[None, :], mask, 0, eviction_policy="evict_first")


@triton.jit
def _fraction(w, PLACE: tl.constexpr, ASM: tl.constexpr):
    """1 + nibble / 16: the four bits from PLACE on, moved to the head of a float's fraction."""
    moved = w << (19 - PLACE) if PLACE < 19 else w >> (PLACE - 19)
    if ASM:  # else these are two instructions
        bits = tl.inline_asm_elementwise(
            "lop3.b32 $0, $1, 0x780000, 0x3F800000, 0xEA;", "=r,r", [moved],
            dtype=tl.int32, is_pure=True, pack=1,
        )  # fmt: skip
    else:
        bits = (moved & 0x780000) | 0x3F800000
    return bits.to(tl.float32, bitcast=True)


@triton.jit
def _one(
    x, words, scales, y, scale, bias, gain, residual, N, K, W, eps,
    BN: tl.constexpr, BW: tl.constexpr, NIBBLES: tl.constexpr,
    ASM: tl.constexpr, EARLY: tl.constexpr,
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
                part += _fraction(w, 4 * (g * NIBBLES + c), ASM) * a[None, :]
                total += a
            factor = tl.load(scales + (j // 16 * GROUPS + g)[None, :], inside, 0.0).to(tl.float32)
            sums += (part * 16 - total[None, :] * 24) * factor
        w = following
    out = tl.sum(sums, 1)
    if gain is not None:
        out *= tl.rsqrt(tl.sum(squares, 0) / K + eps)
    leave(out, y, n, n, ok, scale, bias, residual, n)


@triton.jit
def _weights(w):
    """The eight weights of each word, bfloat16."""
    # 128 + nibble is the nibble in the fraction of the bfloat16 number 128. Two words at a time,
    # whose weights of the same place lie in the halves of one register.
    return tl.inline_asm_elementwise(
        """{
        .reg .b32 low, high, t, one, off;
        prmt.b32 low, $8, $9, 0x5410;
        prmt.b32 high, $8, $9, 0x7632;
        mov.b32 one, 0x3F803F80;
        mov.b32 off, 0xC308C308;
        lop3.b32 $0, low, 0x000F000F, 0x43004300, 0xEA;
        shr.u32 t, low, 4;
        lop3.b32 $1, t, 0x000F000F, 0x43004300, 0xEA;
        shr.u32 t, low, 8;
        lop3.b32 $2, t, 0x000F000F, 0x43004300, 0xEA;
        shr.u32 t, low, 12;
        lop3.b32 $3, t, 0x000F000F, 0x43004300, 0xEA;
        lop3.b32 $4, high, 0x000F000F, 0x43004300, 0xEA;
        shr.u32 t, high, 4;
        lop3.b32 $5, t, 0x000F000F, 0x43004300, 0xEA;
        shr.u32 t, high, 8;
        lop3.b32 $6, t, 0x000F000F, 0x43004300, 0xEA;
        shr.u32 t, high, 12;
        lop3.b32 $7, t, 0x000F000F, 0x43004300, 0xEA;
        fma.rn.bf16x2 $0, $0, one, off;
        fma.rn.bf16x2 $1, $1, one, off;
        fma.rn.bf16x2 $2, $2, one, off;
        fma.rn.bf16x2 $3, $3, one, off;
        fma.rn.bf16x2 $4, $4, one, off;
        fma.rn.bf16x2 $5, $5, one, off;
        fma.rn.bf16x2 $6, $6, one, off;
        fma.rn.bf16x2 $7, $7, one, off;
        }""",
        "=&r,=&r,=&r,=&r,=&r,=&r,=&r,=&r,r,r",
        [w],
        dtype=(tl.bfloat16,) * 8,
        is_pure=True,
        pack=2,
    )


@triton.jit
def _few(
    x, words, scales, y, scale, bias, residual, partial, counters, M, N, K, x_row, residual_row,
    SPLITS: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    NIBBLES: tl.constexpr, WHOLE: tl.constexpr, PACKED: tl.constexpr,
):  # fmt: skip
    # Rows and outputs beyond the last are read as the last, and not stored.
    n = tl.minimum(tl.program_id(0) * BN + tl.arange(0, BN), N - 1)
    x += tl.minimum(tl.arange(0, BM), M - 1)[None, :] * x_row
    j = tl.arange(0, 16)
    blocks = tl.cdiv(K, 128)
    GROUPS: tl.constexpr = 8 // NIBBLES
    rows = words + n[:, None].to(tl.int64) * (blocks * 16) + j[None, :]
    factors = scales + n.to(tl.int64) * (blocks * GROUPS)
    sums = tl.zeros((BN, BM), tl.float32)
    share = tl.cdiv(blocks, SPLITS)
    first = tl.program_id(1) * share
    for block in range(first, min(first + share, blocks)):
        w = tl.load(rows + block * 16)
        if PACKED:
            qs = _weights(w)
        for g in tl.static_range(GROUPS):
            part = tl.zeros((BN, BM), tl.float32)
            for c in tl.static_range(NIBBLES):
                k = block * 128 + (g * NIBBLES + c) * 16 + j
                # Weights beyond the last input are zero.
                a = tl.load(x + (k if WHOLE else tl.minimum(k, K - 1))[:, None])
                if PACKED:
                    part = tl.dot(qs[g * NIBBLES + c], a, part)
                else:
                    q = (((w >> 4 * (g * NIBBLES + c)) & 15) - 8).to(a.dtype)
                    part = tl.dot(q, a, part, input_precision="ieee")
            sums += part * tl.load(factors + block * GROUPS + g).to(tl.float32)[:, None]
    settle(sums, y, scale, bias, residual, partial, counters, M, N, residual_row, SPLITS, BM, BN)


def quantized(
    x: Tensor,
    weight: Tensor,
    scale: Tensor,
    bias: Tensor | None,
    gain: Tensor | None,
    eps: float,
    residual: Tensor | None,
) -> Tensor:
    """As `zamba2_vl.ops.quantized`."""
    (n, width), k = weight.shape, x.shape[-1]
    if x.shape[:-1].numel() == 1 and n * k < _LARGE:
        y = x.new_empty(*x.shape[:-1], n)
        step, warps = (256, 2) if width % 256 == 0 else (128, 1)
        _one[(triton.cdiv(n, 2),)](
            as_rows(x), weight, scale, y, None, bias, gain, residual, n, k, width, eps,
            BN=2, BW=step, NIBBLES=_NIBBLES, ASM=_ASM, EARLY=EARLY, num_warps=warps,
            **early_launch(),
        )  # fmt: skip
        return y
    if gain is not None:
        x = rms_norm(x, gain, eps)
    tile, options = FEW_ROWS
    return launch(
        _few, x, (weight, scale), n, None, bias, residual, tile, width // WORDS,
        NIBBLES=_NIBBLES, WHOLE=k % BLOCK == 0, PACKED=_ASM and x.dtype == torch.bfloat16,
        **options,
    )  # fmt: skip
