"""Choosing the next token of every row at once: what the host has to say to it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from zamba2_vl.engine.request import Answer, Weigh
from zamba2_vl.errors import InputError
from zamba2_vl.ops import sampling


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
    rows, vocabulary = logits.shape
    asked = dict(enumerate(answers))
    bits = allowed_bits(asked, rows, vocabulary).to(logits.device) if constrained(answers) else None
    turned = dials(asked, rows).to(logits.device) if drawn(answers) else ()
    ids, logprobs = pick(logits, bits, turned, weighs(answers))
    return ids.tolist(), logprobs.tolist()


def pick(
    logits: Tensor, allowed: Tensor | None, dials: Iterable[Tensor], weighs: Sequence[Weigh | None]
) -> tuple[Tensor, Tensor]:
    """`ops.sampling.choose`, where the first rows are chosen by what their `weighs` give for their
    logits; the log-probabilities are those of the logits themselves."""
    if not any(weighs):
        return sampling.choose(logits, allowed, *dials)
    logits = logits.float()
    rows = [weigh(row) if weigh else row for row, weigh in zip(logits, weighs, strict=False)]
    ids, _ = sampling.choose(torch.cat([torch.stack(rows), logits[len(rows) :]]), allowed, *dials)
    return ids, logits.gather(-1, ids[:, None])[:, 0] - logits.logsumexp(-1)


def weighs(answers: Iterable[Answer]) -> tuple[Weigh | None, ...]:
    """How each of them wants its logits weighed; empty where none does."""
    found = tuple(answer.request.weigh for answer in answers)
    return found if any(found) else ()


def constrained(answers: Iterable[Answer]) -> bool:
    """Whether any of them has a grammar."""
    return any(answer.request.constraint is not None for answer in answers)


def drawn(answers: Iterable[Answer]) -> bool:
    """Whether any of them takes other tokens than the likeliest."""
    return any(answer.request.temperature > 0 for answer in answers)


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
                raise InputError("the grammar allows no token, yet it has not finished")
        except Exception as error:
            answer.fail(error)
            continue
        packed = np.packbits(allowed[:vocabulary], bitorder="little")
        bits[row] = 0
        bits[row].view(np.uint8)[: len(packed)] = packed
    return torch.from_numpy(bits)


def dials(asked: Mapping[int, Answer], rows: int) -> Tensor:
    """Temperature, top_p and a number of each request's own generator, (3, rows); greedy for rows
    that are not asked."""
    values = torch.zeros(3, rows)
    for row, answer in asked.items():
        request = answer.request
        if request.temperature > 0:
            turned = [request.temperature, request.top_p, answer.random.random()]
            values[:, row] = torch.tensor(turned)
    return values
