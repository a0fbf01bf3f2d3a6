"""The choice of the next token of each row, under a grammar and without asking the host."""

from torch import Tensor

from zamba2_vl.ops import backend
from zamba2_vl.ops.sampling import reference

if backend.TRITON:
    from zamba2_vl.ops.sampling import kernel

# Tokens that one program of the kernel can hold in its registers.
_LONGEST = 2**16


def choose(
    logits: Tensor,
    allowed: Tensor | None = None,
    temperature: Tensor | None = None,
    top_p: Tensor | None = None,
    uniform: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Pick a token for each row of logits (rows, vocabulary).

    allowed: (rows, at least vocabulary / 32) int32, bit t % 32 of word t // 32 set where token t
    may come, or None where all may; a row without any means nothing. temperature, top_p, uniform:
    (rows,) float32, contiguous; temperature 0 takes the likeliest token (of equals the first),
    above it a token is drawn from softmax(logits / temperature), its unlikely tail beyond top_p cut
    off, by inverting the cumulative distribution, likeliest tokens first, at `uniform` in [0, 1).
    Without a temperature all rows take the likeliest.

    Returns token ids, (rows,) int64, and the model's own log-probability of each, (rows,) float32,
    before mask and temperature. Asks the host for nothing on a GPU.
    """
    fits = logits.shape[1] <= _LONGEST
    compute = kernel if fits and backend.kernels("sampling", logits) else reference
    ids, logprobs = compute.choose(logits, allowed, temperature, top_p, uniform)
    return ids, logprobs
