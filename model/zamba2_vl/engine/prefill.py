"""Reading a prompt, chunk by chunk."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.request import Answer
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.paged import PagedState
from zamba2_vl.text.state import DecoderState


class Prefill:
    """One prompt on its way into one row of state, which may hold the prompt's prefix already.

    Chunks bound the memory of a long prompt, and let the answers that are already running go on in
    between. What the grammar forces at the start is read with the prompt.
    """

    def __init__(
        self,
        model: Model,
        answer: Answer,
        state: DecoderState | PagedState,
        images: Tensor | None,
        remember: Callable[[], None],
    ) -> None:
        """`images`: the embeddings of all pictures, (1, visual tokens, hidden), None where none is
        left to be read; `remember` is called when the state is that after the prompt's prefix."""
        self.answer = answer
        self._decoder = language_model(model)
        self._state = state
        self._remember = remember
        self._read = int(state.filled)
        ids = [*answer.request.prompt, *answer.unread][self._read :]
        answer.unread.clear()
        words = torch.tensor([ids], device=state.ssm.device)
        if images is not None and isinstance(model, VisionLanguageModel):
            self._embeds = model.place_images(words, images)
        else:
            self._embeds = self._decoder.embed(words)

    @property
    def left(self) -> int:
        """Tokens that are still to be read."""
        return self._embeds.shape[1]

    def advance(self, most: int) -> Tensor | None:
        """Read at most `most` tokens more.

        Returns the logits (1, vocabulary) after the last token, or None while some are left.
        """
        started = time.perf_counter()
        prefix = self.answer.prefix
        count = min(most, self.left)
        until = 0 if prefix is None else len(prefix) - self._read
        if 0 < until <= count:
            count = until
        hidden = self._decoder(self._embeds[:, :count], self._state)
        self._embeds = self._embeds[:, count:]
        self._read += count
        if count == until:
            self._remember()
        logits = None if self.left else self._decoder.logits(hidden[:, -1])
        self.answer.clock.prefill += time.perf_counter() - started
        return logits


def language_model(model: Model) -> Decoder:
    """The decoder of a model with or without a vision tower."""
    return model if isinstance(model, Decoder) else model.language_model
