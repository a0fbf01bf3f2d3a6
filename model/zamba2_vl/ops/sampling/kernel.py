"""The choice of tokens on a GPU: one program a row, which it reads once.

Nothing is sorted. How much likelihood lies above a value falls as the value grows, so the value at
which the tail is cut, and the one of the token that is drawn, are found by halving the range of
float32 numbers until one is left. Among tokens of exactly that value the order is that of their
ids, as after a stable sort.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

# A program holds its whole row in registers.
_WARPS = 32


@triton.jit
def _above(likelihood, value):
    return tl.sum(tl.where(likelihood > value, likelihood, 0.0), 0)


@triton.jit
def _edge(likelihood, mass, REACHED: tl.constexpr):
    """The smallest number, of a token's likelihood or 0, with less than `mass` above it; with
    REACHED, with no more than that."""
    low, high = tl.full((), 0, tl.int32), tl.full((), 1.0, tl.float32).to(tl.int32, bitcast=True)
    while low < high:
        # Of floats that are not negative, the bits have the order of the numbers.
        middle = (low + high) // 2
        above = _above(likelihood, middle.to(tl.float32, bitcast=True))
        short = above <= mass if REACHED else above < mass
        high = tl.where(short, middle, high)
        low = tl.where(short, low, middle + 1)
    return low.to(tl.float32, bitcast=True)


@triton.jit
def _draw(logits, top, temperature, top_p, uniform):
    """The token at `uniform` of the distribution whose tail is cut at top_p."""
    grown = tl.exp((logits - top) / tl.maximum(temperature, 1.1754943508222875e-38))
    likelihood = grown / tl.sum(grown, 0)
    cut = _edge(likelihood, top_p, False)
    above = _above(likelihood, cut)
    # Of the tokens at the cut those stay that have less than top_p before them.
    equal = tl.sum((likelihood == cut).to(tl.int32), 0)
    stay = tl.ceil((top_p - above) / tl.where(cut > 0, cut, 1.0))
    stay = tl.where(cut > 0, tl.minimum(tl.maximum(stay, 1.0), equal.to(tl.float32)), 0.0)
    mass = uniform * (above + stay * cut)
    value = tl.maximum(_edge(likelihood, mass, True), cut)
    here = likelihood == value
    last = tl.where(value > cut, tl.sum(here.to(tl.int32), 0).to(tl.float32), stay) - 1
    place = tl.floor((mass - _above(likelihood, value)) / tl.where(value > 0, value, 1.0))
    place = tl.maximum(tl.minimum(place, last), 0.0).to(tl.int32)
    rank = tl.cumsum(here.to(tl.int32), 0) - 1
    return tl.argmax((here & (rank == place)).to(tl.int32), 0)


@triton.jit
def _choose(
    logits, allowed, temperature, top_p, uniform, ids, logprobs,
    vocabulary, logits_row, allowed_row,
    LIMITED: tl.constexpr, DRAWN: tl.constexpr, V: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0)
    token = tl.arange(0, V)
    inside = token < vocabulary
    logits += row.to(tl.int64) * logits_row
    values = tl.load(logits + token, inside, -float("inf")).to(tl.float32)
    top = tl.max(values, 0)
    whole = top + tl.log(tl.sum(tl.exp(values - top), 0))
    if LIMITED:
        words = tl.load(allowed + row * allowed_row + token // 32, inside, 0)
        values = tl.where((words >> (token % 32)) & 1 == 1, values, -float("inf"))
        top = tl.max(values, 0)
    chosen = tl.argmax(values, 0)
    if DRAWN:
        heat = tl.load(temperature + row)
        if heat > 0:
            chosen = _draw(values, top, heat, tl.load(top_p + row), tl.load(uniform + row))
    tl.store(ids + row, chosen.to(tl.int64))
    tl.store(logprobs + row, tl.load(logits + chosen).to(tl.float32) - whole)


def choose(
    logits: Tensor,
    allowed: Tensor | None,
    temperature: Tensor | None,
    top_p: Tensor | None,
    uniform: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """As `zamba2_vl.ops.sampling.choose`; the last dimensions contiguous."""
    rows, vocabulary = logits.shape
    ids = torch.empty(rows, dtype=torch.int64, device=logits.device)
    logprobs = torch.empty(rows, device=logits.device)
    _choose[(rows,)](
        logits, allowed, temperature, top_p, uniform, ids, logprobs,
        vocabulary, logits.stride(0), 0 if allowed is None else allowed.stride(0),
        LIMITED=allowed is not None, DRAWN=temperature is not None,
        V=triton.next_power_of_2(vocabulary), num_warps=_WARPS,
    )  # fmt: skip
    return ids, logprobs
