"""One step of all running answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from zamba2_vl.engine.memory import Memory
from zamba2_vl.engine.request import Answer
from zamba2_vl.engine.sampling import continue_with
from zamba2_vl.quantization import weight_count
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.linear import Embedding, Linear, QuantizedLinear
from zamba2_vl.text.paged import PagedState
from zamba2_vl.text.shared_block import SharedBlock
from zamba2_vl.text.state import DecoderState

# Bytes that packed copies may take beside the weights: ten times what the bundled model needs.
_SPARE = 2**28
# Tokens whose products with packed weights are so short that one thread is enough.
_FEW = 4


class StepsAtOnce:
    """Steps that are over when they return."""

    def __init__(self, decoder: Decoder, memory: Memory) -> None:
        self._decoder = decoder
        self._memory = memory

    def step(self, answers: Sequence[Answer]) -> None:
        """Move answers on by a token that they choose and those that their grammars force. Row i
        of the memory is that of answer i."""
        logits = decode(self._decoder, self._memory.first(len(answers)), answers)
        continue_with(logits, answers)

    def read(self, embeds: Tensor) -> Tensor:
        """Let the last row take in a part of a prompt, (1, length, hidden), and return the logits
        (1, vocabulary) after it."""
        return self._decoder.logits(self._decoder(embeds, self._memory.last)[:, -1])

    def settle(self) -> None:
        """Nothing is left to be told."""


def decode(decoder: Decoder, state: DecoderState | PagedState, answers: Sequence[Answer]) -> Tensor:
    """Feed each answer's unread tokens, and return the logits (rows, vocabulary) after the last.

    Row i of `state` is the memory of answer i. Rows read one token each as a rule; where a grammar
    has forced some, they are read in one pass, padded to the longest.
    """
    lengths = [len(answer.unread) for answer in answers]
    longest = max(lengths)
    padded = [answer.unread + [0] * (longest - len(answer.unread)) for answer in answers]
    for answer in answers:
        answer.unread.clear()
    few = len(answers) * longest <= _FEW and decoder.model.embed_tokens.packed is not None
    with _one_thread() if few else nullcontext():
        embeds = decoder.embed(torch.tensor(padded, device=state.ssm.device))
        if min(lengths) == longest:
            return decoder.logits(decoder(embeds, state)[:, -1])
        counts = torch.tensor(lengths)
        hidden = decoder(embeds, state, counts)
        return decoder.logits(hidden[range(len(answers)), counts - 1])


def lay_out(decoder: Decoder) -> None:
    """Arrange the weights in memory so that steps on a CPU read them fast; no float changes.

    A step is as slow as its weights are to read: packed copies have half the bytes. Where there is
    none, PyTorch's product of a matrix with one vector reads a matrix of at least as many outputs
    as inputs up to twice as fast by columns as by rows; products with many vectors do not mind.
    On a GPU projections of one input lie side by side.
    """
    for module in decoder.modules():
        if isinstance(module, SharedBlock) and module.input_layernorm.weight.is_cuda:
            module.stack()
    kinds = Linear | Embedding | QuantizedLinear
    holders = [module for module in decoder.modules() if isinstance(module, kinds)]
    small = sum(map(weight_count, holders)) * torch.half.itemsize <= _SPARE
    for holder in holders:
        if isinstance(holder, QuantizedLinear):
            holder.pack(spare=small)
        elif not (small and holder.pack()):
            _lay_by_columns(holder.weight)


def _lay_by_columns(weight: Tensor) -> None:
    tall = weight.shape[0] >= weight.shape[1]
    if tall and weight.device.type == "cpu" and weight.dtype == torch.float32:
        weight.data = weight.data.t().contiguous().t()


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch's threads wait for each other at every product. Where these are short that gains
    little, and where another process holds one of the cores a step takes ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
