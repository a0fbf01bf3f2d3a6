"""Reading a prompt, chunk by chunk."""

from collections.abc import Callable

import torch
from torch import Tensor

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.laps import Lap
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
        self._model = model
        self._device = language_model(model).model.embed_tokens.weight.device
        self._images = images
        self._ids = [*answer.request.prompt, *answer.unread]
        self._known = known
        answer.unread.clear()

    @property
    def left(self) -> int:
        """Tokens that are still to be read."""
        return len(self._ids) - self._known

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
        lap = Lap(self._device)
        with lap:
            logits = read(self._embed(self._ids[self._known : self._known + count]))
        self.answer.clock.prefill.append(lap)
        self._known += count
        return logits

    def _embed(self, part: list[int]) -> Tensor:
        """The embeddings of the next tokens, (1, length, hidden)."""
        ids = torch.tensor([part], device=self._device)
        model, images = self._model, self._images
        if images is None or not isinstance(model, VisionLanguageModel):
            return language_model(model).embed(ids)
        placed = sum(token == model.config.image_token_index for token in part)
        self._images = images[:, placed:] if placed < images.shape[1] else None
        return model.place_images(ids, images)


def language_model(model: Model) -> Decoder:
    """The decoder of a model with or without a vision tower."""
    return model if isinstance(model, Decoder) else model.language_model
