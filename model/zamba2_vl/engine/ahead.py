"""Steps of all running answers, the device one ahead of the host.

The device reads the tokens that it chose itself before the host knows them. While it does, the
host takes them in: the text, the grammars, and what these allow or force next. Then the device is
told to choose again. What a grammar forces is read in one pass, beside the single tokens of others.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from operator import itemgetter

import torch
from torch import Tensor

from zamba2_vl.engine.desk import CHOSEN, LENGTHS, PASSES, Desk
from zamba2_vl.engine.graphs import Graphs
from zamba2_vl.engine.pages import PagedCache
from zamba2_vl.engine.request import Answer
from zamba2_vl.engine.sampling import allowed_bits, constrained, dials, drawn, weighs
from zamba2_vl.text.decoder import Decoder

# Tokens that are read as fast as one: an H200 does some 170 operations for each byte it reads.
_FEW = 192
# Tokens of a prompt over which the device works longer than the host takes to ask for it.
_LONG = 2 * PASSES[-1]


class StepsAhead:
    """The device's steps; `captures` tells whether they become CUDA graphs.

    Row i of the memory is that of answer i. Between two calls of `step`, answers and memory may
    only change after `settle`.
    """

    def __init__(self, decoder: Decoder, memory: PagedCache, captures: bool) -> None:
        self._decoder = decoder
        self._memory = memory
        self._captures = captures
        self._desk: Desk | None = None
        self._graphs = Graphs(captures)
        self._asked: dict[int, Answer] = {}
        self._counts: list[int] = []

    def step(self, answers: Sequence[Answer]) -> None:
        """Have the device read on in each answer and choose its next token; meanwhile take in what
        it chose before."""
        desk = self._ready()
        rows = 1 << (len(answers) - 1).bit_length()
        length = self._feed(desk, answers, rows)
        self._graphs.run(("read", rows, length), partial(desk.read, rows, length))
        self._hear(desk, read=True)
        self._ask(desk, answers, rows)

    def read(self, embeds: Tensor) -> Tensor:
        """Let the last row take in a part of a prompt, (1, length, hidden), and return the logits
        (1, vocabulary) after it."""
        left = embeds.shape[1]
        if left >= _LONG:
            state = replace(self._memory.last, runs=self._memory.last_runs)
            return self._decoder.logits(self._decoder(embeds, state)[:, -1])
        desk = self._ready()
        while left:
            _, length = _pass(min(left, PASSES[-1]))
            count = min(length, left)
            desk.prompt[:, :count] = embeds[:, -left:][:, :count]
            desk.prompt_length.fill_(count)
            self._graphs.run(("prompt", length), partial(desk.read_prompt, length))
            self._memory.last.filled.add_(count)
            left -= count
        return desk.prompt_logits

    def settle(self) -> None:
        """Take in what the device chose last. The answers' `unread` is then all it has to read."""
        if self._desk is not None:
            self._hear(self._desk, read=False)

    def _ready(self) -> Desk:
        """The desk for the memory as it is now: new addresses need new graphs."""
        if self._desk is None or self._desk.generation != self._memory.generation:
            self.settle()
            self._graphs = Graphs(self._captures)
            self._desk = Desk(self._decoder, self._memory)
            self._counts = []
        return self._desk

    def _feed(self, desk: Desk, answers: Sequence[Answer], rows: int) -> int:
        """Send the tokens that are to be read; the length of the pass."""
        parts = [answer.unread[: LENGTHS[-1]] or [CHOSEN] for answer in answers]
        for answer in answers:
            del answer.unread[: LENGTHS[-1]]
        counts = [len(part) for part in parts]
        length = next(length for length in LENGTHS if length >= max(counts))
        words = torch.full((rows, length), CHOSEN)
        for row, part in enumerate(parts):
            words[row, : len(part)] = torch.tensor(part)
        desk.words.send(words.flatten())
        counts += [0] * (rows - len(counts))
        if counts != self._counts:
            desk.lengths.send(torch.tensor(counts, dtype=torch.int32))
            self._counts = counts
        self._memory.first(rows).filled.add_(torch.tensor(counts))
        return length

    def _hear(self, desk: Desk, read: bool) -> None:
        """Take in what was chosen last; `read`: the device has been told to read it already."""
        if not self._asked:
            return
        ids, logprobs = desk.told()
        for row, answer in self._asked.items():
            answer.accept(ids[row], logprobs[row])
            if read:
                del answer.unread[:1]
        self._asked = {}

    def _ask(self, desk: Desk, answers: Sequence[Answer], rows: int) -> None:
        """Have a token chosen for each answer that has read all it has."""
        asked = {
            row: answer
            for row, answer in enumerate(answers)
            if not answer.unread and not answer.finished
        }
        masked = constrained(asked.values())
        if masked:
            desk.allowed.send(allowed_bits(asked, rows, self._decoder.config.vocab_size))
        draws = drawn(asked.values())
        if draws:
            desk.dials.send(dials(asked, rows).flatten())
        if asked:
            wanted = weighs(answers)
            key = ("choose", rows, masked, draws, wanted)
            self._graphs.run(key, partial(desk.choose, rows, masked, draws, wanted))
            desk.tell()
        self._asked = asked


@cache
def _pass(left: int) -> tuple[int, int]:
    """The next pass over a prompt of which at most the longest pass is left: what it and those
    after it cost, in tokens, and its length. It takes all that is left, unless a full one and
    others for the rest cost less than the padding."""
    enough = next(length for length in PASSES if length >= left)
    full = max((length for length in PASSES if length < left), default=0)
    at_once = max(enough, _FEW), enough
    if not full:
        return at_once
    split = max(full, _FEW) + _pass(left - full)[0], full
    return min(at_once, split, key=itemgetter(0))
