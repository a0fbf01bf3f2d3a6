"""One step of all running answers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

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


def lay_out(decoder: Decoder) -> None:
    """Arrange the weights in memory so that steps on a CPU read them fast; no value changes.

    A step is as slow as its weights are to read. PyTorch's product of a matrix with one vector
    reads a matrix of at least as many outputs as inputs up to twice as fast by columns as by rows;
    products with many vectors do not mind.
    """
    for module in decoder.modules():
        if not isinstance(module, nn.Linear | nn.Embedding):
            continue
        weight = module.weight
        by_columns = weight.shape[0] >= weight.shape[1]
        if by_columns and weight.device.type == "cpu" and weight.dtype == torch.float32:
            weight.data = weight.data.t().contiguous().t()
