"""Choosing the next token of every row at once."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from zamba2_vl.engine.request import Answer
from zamba2_vl.errors import InputError

_STUCK = "the grammar allows no token, yet it has not finished"
_TINY = torch.finfo(torch.float32).tiny


def continue_with(logits: Tensor, answers: Sequence[Answer]) -> None:
    """Let each answer go on with a token chosen from its row of logits (rows, vocabulary)."""
    for answer, token_id, logprob in zip(answers, *choose(logits, answers), strict=True):
        answer.accept(token_id, logprob)


def choose(logits: Tensor, answers: Sequence[Answer]) -> tuple[list[int], list[float]]:
    """Pick a token for each row of logits (rows, vocabulary), as each answer's request wants it.

    Returns token ids and the model's own log-probability of each. A row that samples takes one
    number a token from its request's own generator, so neither the device nor the neighbours in a
    batch change what a seed gives.
    """
    logits = logits.float()
    open_to_choice = _under_grammar(logits, answers)
    chosen = open_to_choice.argmax(-1)
    drawn = [i for i, answer in enumerate(answers) if answer.request.temperature > 0]
    if drawn:
        asked = {row: answers[i] for row, i in enumerate(drawn)}
        turned = dials(asked, len(drawn)).to(logits.device)
        chosen[drawn] = _draw(open_to_choice[drawn], *turned.unbind(1))
    own = logits.gather(-1, chosen[:, None])[:, 0] - logits.logsumexp(-1)
    return chosen.tolist(), own.tolist()


def _under_grammar(logits: Tensor, answers: Sequence[Answer]) -> Tensor:
    """A copy of the logits with -inf where a row's grammar allows no token; `logits` if none has
    a grammar. An answer whose grammar fails ends, and its row means nothing."""
    masked = logits
    for row, answer in enumerate(answers):
        constraint = answer.request.constraint
        if constraint is None:
            continue
        if masked is logits:
            masked = logits.clone()
        try:
            allowed = torch.as_tensor(constraint.allowed(), device=logits.device)
            if not allowed.any():
                raise InputError(_STUCK)
        except Exception as error:
            answer.fail(error)
            continue
        known = min(len(allowed), logits.shape[-1])
        masked[row, :known].masked_fill_(~allowed[:known], -torch.inf)
        masked[row, known:] = -torch.inf
    return masked


def pick(
    logits: Tensor, allowed: Tensor | None, dials: Sequence[Tensor] | None
) -> tuple[Tensor, Tensor]:
    """Choose on the device, without asking it anything.

    logits: (rows, vocabulary); allowed: `allowed_bits` or None; dials: temperature, top_p and a
    uniform number, (rows,) each, or None where all are greedy. Returns ids and the model's own
    log-probabilities, (rows,) each.
    """
    logits = logits.float()
    open_to_choice = logits
    if allowed is not None:
        ids = torch.arange(logits.shape[-1], device=logits.device)
        bits = allowed[:, ids // 32] >> (ids % 32)
        open_to_choice = logits.masked_fill(bits & 1 == 0, -torch.inf)
    chosen = open_to_choice.argmax(-1)
    if dials is not None:
        chosen = torch.where(dials[0] > 0, _draw(open_to_choice, *dials), chosen)
    own = logits.gather(-1, chosen[:, None])[:, 0] - logits.logsumexp(-1)
    return chosen, own


def allowed_bits(asked: Mapping[int, Answer], rows: int, vocabulary: int) -> Tensor:
    """What grammars allow, (rows, vocabulary / 32 rounded up) int32: bit t % 32 of word t // 32
    for token t, all set where there is no grammar. An answer whose grammar fails ends."""
    bits = np.full((rows, -(-vocabulary // 32)), -1, np.int32)
    for row, answer in asked.items():
        constraint = answer.request.constraint
        if constraint is None:
            continue
        try:
            allowed = np.asarray(constraint.allowed())
            if not allowed.any():
                raise InputError(_STUCK)
        except Exception as error:
            answer.fail(error)
            continue
        packed = np.packbits(allowed[:vocabulary], bitorder="little")
        bits[row] = 0
        bits[row].view(np.uint8)[: len(packed)] = packed
    return torch.from_numpy(bits)


def dials(asked: Mapping[int, Answer], rows: int) -> Tensor:
    """Temperature, top_p and a number of each request's own generator, (rows, 3); greedy for rows
    that are not asked."""
    values = torch.zeros(rows, 3)
    for row, answer in asked.items():
        request = answer.request
        if request.temperature > 0:
            values[row] = torch.tensor([request.temperature, request.top_p, answer.random.random()])
    return values


def _draw(logits: Tensor, temperature: Tensor, top_p: Tensor, uniform: Tensor) -> Tensor:
    """One token a row from softmax(logits / temperature), its unlikely tail beyond top_p cut off.

    The likeliest token always stays. Drawn by inverting the cumulative distribution at one uniform
    number.
    """
    # The largest is moved to 0 first: a tiny temperature must not carry it off to infinity.
    scaled = (logits - logits.amax(-1, keepdim=True)) / temperature[:, None].clamp(min=_TINY)
    likelihood, order = scaled.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = likelihood.cumsum(-1) - likelihood
    kept = likelihood.masked_fill(before >= top_p[:, None], 0).cumsum(-1)
    place = torch.searchsorted(kept, uniform[:, None] * kept[:, -1:], right=True)
    # A number that rounding brings up to the whole sum would fall off the last kept token.
    last = (kept < kept[:, -1:]).sum(-1, keepdim=True)
    drawn: Tensor = order.gather(-1, place.minimum(last))[:, 0]
    return drawn
