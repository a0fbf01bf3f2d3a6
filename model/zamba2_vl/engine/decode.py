"""One step of all running answers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from zamba2_vl.engine.request import Answer
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.state import DecoderState


def decode(decoder: Decoder, state: DecoderState, answers: Sequence[Answer]) -> Tensor:
    """Feed each answer's unread tokens, and return the logits (rows, vocabulary) after the last.

    Row i of `state` is the memory of answer i. Rows read one token each as a rule; where a grammar
    has forced some, they are read in one pass, padded to the longest.
    """
    lengths = [len(answer.unread) for answer in answers]
    longest = max(lengths)
    padded = [answer.unread + [0] * (longest - len(answer.unread)) for answer in answers]
    for answer in answers:
        answer.unread.clear()
    embeds = decoder.embed(torch.tensor(padded, device=state.ssm.device))
    if min(lengths) == longest:
        return decoder.logits(decoder(embeds, state)[:, -1])
    counts = torch.tensor(lengths)
    hidden = decoder(embeds, state, counts)
    return decoder.logits(hidden[range(len(answers)), counts - 1])
