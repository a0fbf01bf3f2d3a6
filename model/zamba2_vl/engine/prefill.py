"""Reading a prompt, chunk by chunk."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.request import Answer
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import Decoder


class Prefill:
    """One prompt on its way into the memory, which may hold its prefix already.

    Chunks bound the memory of a long prompt, and let the answers that are already running go on in
    between. What the grammar forces at the start is read with the prompt.
    """

    def __init__(self, model: Model, answer: Answer, known: int, images: Tensor | None) -> None:
        """`known`: tokens that are in the memory; `images`: the embeddings of the others' pictures,
        (1, visual tokens, hidden), None where they have none."""
        self.answer = answer
        self._known = known
        words = [*answer.request.prompt, *answer.unread][known:]
        answer.unread.clear()
        decoder = language_model(model)
        ids = torch.tensor([words], device=decoder.model.embed_tokens.weight.device)
        if images is not None and isinstance(model, VisionLanguageModel):
            self._embeds = model.place_images(ids, images)
        else:
            self._embeds = decoder.embed(ids)

    @property
    def left(self) -> int:
        """Tokens that are still to be read."""
        return self._embeds.shape[1]

    @property
    def at_prefix(self) -> bool:
        """Whether the prefix that others may share has been read, and no more."""
        return self.answer.prefix is not None and len(self.answer.prefix) == self._known

    def part(self, chunk: int) -> int:
        """Tokens to be read next, at most a chunk of them and none past the prefix on the way to
        it."""
        prefix = self.answer.prefix
        if prefix is not None and self._known < len(prefix):
            return min(chunk, len(prefix) - self._known)
        return min(chunk, self.left)

    def advance(self, count: int, read: Callable[[Tensor], Tensor]) -> Tensor:
        """Let `read` take in so many tokens more; its logits (1, vocabulary) after them."""
        started = time.perf_counter()
        logits = read(self._embeds[:, :count])
        self._embeds = self._embeds[:, count:]
        self._known += count
        self.answer.clock.prefill += time.perf_counter() - started
        return logits


def language_model(model: Model) -> Decoder:
    """The decoder of a model with or without a vision tower."""
    return model if isinstance(model, Decoder) else model.language_model
