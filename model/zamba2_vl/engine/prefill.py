"""Reading a prompt, chunk by chunk."""

import time

import torch
from torch import Tensor

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.request import Answer
from zamba2_vl.image import PatchGrid
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.state import DecoderState
from zamba2_vl.vision.windows import WindowLayout


class Prefill:
    """One prompt on its way into one row of state.

    Chunks bound the memory of a long prompt, and let the answers that are already running go on in
    between. What the grammar forces at the start is read with the prompt.
    """

    def __init__(self, model: Model, answer: Answer, state: DecoderState) -> None:
        self.answer = answer
        self._model = model
        self._state = state
        self._embeds: Tensor | None = None
        self._read = 0

    def advance(self, chunk: int) -> Tensor | None:
        """Read at most `chunk` tokens more.

        Returns the logits (1, vocabulary) after the last token, or None while some are left.
        """
        decoder = language_model(self._model)
        if self._embeds is None:
            self._embeds = self._embed()
        started = time.perf_counter()
        part = self._embeds[:, self._read : self._read + chunk]
        hidden = decoder(part, self._state)
        self._read += part.shape[1]
        done = self._read == self._embeds.shape[1]
        logits = decoder.logits(hidden[:, -1]) if done else None
        self.answer.clock.prefill += time.perf_counter() - started
        return logits

    def _embed(self) -> Tensor:
        started = time.perf_counter()
        answer = self.answer
        model = self._model
        ids = torch.tensor(
            [[*answer.request.prompt, *answer.unread]], device=self._state.ssm.device
        )
        answer.unread.clear()
        if answer.request.images and isinstance(model, VisionLanguageModel):
            images = torch.cat([_see(model, grid, ids.device) for grid in answer.request.images], 1)
            embeds = model.place_images(ids, images)
        else:
            embeds = language_model(model).embed(ids)
        answer.clock.vision = time.perf_counter() - started
        return embeds


def language_model(model: Model) -> Decoder:
    """The decoder of a model with or without a vision tower."""
    return model if isinstance(model, Decoder) else model.language_model


def _see(model: VisionLanguageModel, grid: PatchGrid, device: torch.device) -> Tensor:
    """The embeddings of one picture, (1, visual tokens, hidden)."""
    # Equal pages share their layout, so it must also serve those who train.
    with torch.inference_mode(False):
        layout = WindowLayout.for_grid(grid.height, grid.width, model.vision_tower.config)
    patches = layout.pack(grid.patches.to(device))[None]
    return model.embed_images([patches], [layout.to(device)])
