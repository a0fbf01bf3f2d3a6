"""Choosing the next token of every row at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from zamba2_vl.engine.request import Answer
from zamba2_vl.errors import InputError

_TINY = torch.finfo(torch.float32).tiny


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
        chosen[drawn] = _draw(open_to_choice[drawn], [answers[i] for i in drawn])
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
                raise InputError("the grammar allows no token, yet it has not finished")
        except Exception as error:
            answer.fail(error)
            continue
        known = min(len(allowed), logits.shape[-1])
        masked[row, :known].masked_fill_(~allowed[:known], -torch.inf)
        masked[row, known:] = -torch.inf
    return masked


def _draw(logits: Tensor, answers: Sequence[Answer]) -> Tensor:
    """One token a row from softmax(logits / temperature), its unlikely tail beyond top_p cut off.

    The likeliest token always stays. Drawn by inverting the cumulative distribution at one uniform
    number.
    """
    device = logits.device
    requests = [answer.request for answer in answers]
    temperature = torch.tensor([r.temperature for r in requests], device=device)[:, None]
    top_p = torch.tensor([r.top_p for r in requests], device=device)[:, None]
    uniform = torch.tensor([a.random.random() for a in answers], device=device)[:, None]
    # The largest is moved to 0 first: a tiny temperature must not carry it off to infinity.
    scaled = (logits - logits.amax(-1, keepdim=True)) / temperature.clamp(min=_TINY)
    likelihood, order = scaled.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = likelihood.cumsum(-1) - likelihood
    kept = likelihood.masked_fill(before >= top_p, 0).cumsum(-1)
    place = torch.searchsorted(kept, uniform * kept[:, -1:], right=True)
    # A number that rounding brings up to the whole sum would fall off the last kept token.
    last = (kept < kept[:, -1:]).sum(-1, keepdim=True)
    drawn: Tensor = order.gather(-1, place.minimum(last))[:, 0]
    return drawn
