"""What host and device hand each other during captured steps, at addresses that never change."""

from collections.abc import Sequence

import torch
from torch import Tensor

from zamba2_vl.engine.pages import PagedCache
from zamba2_vl.engine.request import Weigh
from zamba2_vl.engine.sampling import pick
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.paged import PagedState

LENGTHS = (1, 8, 32)
"""Tokens of a row that one pass may read: a single one as a rule, some that a grammar forces."""

PASSES = (32, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048)
"""Tokens of a prompt that a captured pass may read."""

CHOSEN = -1
"""Stands for the token that the device itself chose last."""


class Letter:
    """Values that the host sends. It may go on writing while the device still fetches the last."""

    def __init__(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> None:
        self.received = torch.zeros(shape, dtype=dtype, device=device)
        cuda = device.type == "cuda"
        self._drafts = [torch.zeros(shape, dtype=dtype, pin_memory=cuda) for _ in range(2)]
        self._fetched = [_event() for _ in self._drafts] if cuda else []
        self._turn = 0

    def send(self, values: Tensor) -> None:
        """Have the first rows hold `values`."""
        self._turn = 1 - self._turn
        if self._fetched:
            self._fetched[self._turn].synchronize()
        draft = self._drafts[self._turn][: len(values)]
        draft.copy_(values)
        self.received[: len(values)].copy_(draft, non_blocking=True)
        if self._fetched:
            self._fetched[self._turn].record()


class Desk:
    """The buffers for as many rows as a memory has, and the pieces of work between them."""

    def __init__(self, decoder: Decoder, memory: PagedCache) -> None:
        self.generation = memory.generation
        self._memory = memory
        self._decoder = decoder
        state = memory.state
        rows, vocabulary = len(state.filled), decoder.config.vocab_size
        device, dtype = state.ssm.device, state.conv.dtype
        # Tokens to read, row after row without gaps, whatever their number; -1 for padding too.
        self.words = Letter([rows * max(LENGTHS)], torch.int64, device)
        self.lengths = Letter([rows], torch.int32, device)
        self.allowed = Letter([rows, -(-vocabulary // 32)], torch.int32, device)
        # Temperatures, then as many top_p, then uniform numbers: the kernel wants each contiguous.
        self.dials = Letter([3 * rows], torch.float32, device)
        shape = (1, max(PASSES), decoder.config.hidden_size)
        self.prompt = torch.zeros(shape, dtype=dtype, device=device)
        self.prompt_length = torch.zeros(1, dtype=torch.int32, device=device)
        self.prompt_logits = torch.zeros(1, vocabulary, dtype=dtype, device=device)
        self._logits = torch.zeros(rows, vocabulary, dtype=dtype, device=device)
        self._ids = torch.zeros(rows, dtype=torch.int64, device=device)
        self._logprobs = torch.zeros(rows, device=device)
        cuda = device.type == "cuda"
        self._told_ids = torch.zeros(rows, dtype=torch.int64, pin_memory=cuda)
        self._told_logprobs = torch.zeros(rows, pin_memory=cuda)
        self._told = _event() if cuda else None

    def read(self, rows: int, length: int) -> None:
        """Let the model read the words of the first rows, up to the logits after each last one."""
        state, lengths = self._memory.first(rows), self.lengths.received[:rows]
        words = self.words.received[: rows * length].view(rows, length)
        ids = torch.where(words == CHOSEN, self._ids[:rows, None], words)
        self._logits[:rows] = self._read(self._decoder.embed(ids), state, lengths)

    def read_prompt(self, length: int) -> None:
        """Let the model read `prompt_length` of at most `length` embeddings of `prompt` into the
        last row, up to `prompt_logits`."""
        state = self._memory.last
        self.prompt_logits.copy_(self._read(self.prompt[:, :length], state, self.prompt_length))

    def choose(self, rows: int, masked: bool, drawn: bool, weighs: Sequence[Weigh | None]) -> None:
        """Choose a token for each of the first rows."""
        allowed = self.allowed.received[:rows] if masked else None
        dials = self.dials.received[: 3 * rows].view(3, rows) if drawn else ()
        ids, logprobs = pick(self._logits[:rows], allowed, dials, weighs)
        self._ids[:rows] = ids
        self._logprobs[:rows] = logprobs

    def tell(self) -> None:
        """Begin to tell the host what was chosen."""
        self._told_ids.copy_(self._ids, non_blocking=True)
        self._told_logprobs.copy_(self._logprobs, non_blocking=True)
        if self._told is not None:
            self._told.record()

    def told(self) -> tuple[list[int], list[float]]:
        """What was chosen for each row, and its log-probability, once it is known."""
        if self._told is not None:
            self._told.synchronize()
        return self._told_ids.tolist(), self._told_logprobs.tolist()

    def _read(self, embeds: Tensor, state: PagedState, lengths: Tensor) -> Tensor:
        """Logits (rows, vocabulary) after the last of each row's tokens."""
        hidden = self._decoder.model(embeds, state, state.open_span(embeds.shape[1], lengths))
        last = (lengths - 1).clamp(min=0).long()[:, None, None]
        ends = hidden.gather(1, last.expand(-1, -1, hidden.shape[2]))[:, 0]
        state.places.add_(lengths)
        return self._decoder.logits(ends)


def _event() -> torch.cuda.Event:
    return torch.cuda.Event()  # type: ignore[no-untyped-call]
