"""Looking at the pictures of requests that wait, several together."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from zamba2_vl.engine.laps import Lap
from zamba2_vl.engine.request import Answer
from zamba2_vl.image import PatchGrid
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.vision.windows import WindowLayout


class Pictures:
    """The embeddings of pictures, from when they are made until their prompt is read.

    `together`: patches that the vision tower may see at once; a picture of more is seen alone.
    """

    def __init__(self, model: VisionLanguageModel, together: int) -> None:
        self._model = model
        self._together = together
        self._seen: dict[Answer, Tensor] = {}
        if model.vision_tower.patch_embed.proj.weight.is_cuda:
            model.vision_tower.widen()

    def take(self, answer: Answer, others: Iterable[Answer]) -> Tensor:
        """The embeddings of an answer's pictures, (1, visual tokens, hidden).

        Those of the next ones of `others` are made with them, as far as there is room.
        """
        if answer not in self._seen:
            self._look(self._company(answer, others))
        return self._seen.pop(answer)

    def forget(self, answer: Answer) -> None:
        """The answer does not need its pictures any more."""
        self._seen.pop(answer, None)

    def _company(self, answer: Answer, others: Iterable[Answer]) -> list[Answer]:
        company, room = [answer], self._together - _patches(answer)
        prefixes = {answer.prefix}
        for other in others:
            # Who asks about the same pages will find them read.
            if other.prefix in prefixes or other in self._seen:
                continue
            room -= _patches(other)
            if room < 0:
                break
            company.append(other)
            prefixes.add(other.prefix)
        return company

    def _look(self, answers: Sequence[Answer]) -> None:
        lap = Lap(self._model.vision_tower.patch_embed.proj.weight.device)
        with lap:
            embeddings = iter(
                self._embed([grid for answer in answers for grid in answer.request.images])
            )
            for answer in answers:
                own = [next(embeddings) for _ in answer.request.images]
                self._seen[answer] = torch.cat(own, 1)
        patches = sum(map(_patches, answers))
        for answer in answers:
            answer.clock.vision = lap, _patches(answer) / patches

    def _embed(self, grids: Sequence[PatchGrid]) -> list[Tensor]:
        """The embeddings of each picture, (1, visual tokens, hidden)."""
        embeddings: list[Tensor] = []
        left = list(grids)
        while left:
            sums = accumulate(len(grid.patches) for grid in left)
            count = max(sum(patches <= self._together for patches in sums), 1)
            embeddings += self._see(left[:count])
            del left[:count]
        return embeddings

    def _see(self, grids: Sequence[PatchGrid]) -> tuple[Tensor, ...]:
        """The embeddings of pictures that are seen together."""
        tower = self._model.vision_tower
        device = tower.patch_embed.proj.weight.device
        # Equal pages share their layout, so it must also serve those who train.
        with torch.inference_mode(False):
            layouts = [WindowLayout.for_grid(g.height, g.width, tower.config) for g in grids]
        patches = [
            layout.pack(grid.patches.to(device))[None]
            for layout, grid in zip(layouts, grids, strict=True)
        ]
        seen = self._model.embed_images(patches, [layout.to(device) for layout in layouts])
        return torch.split(seen, [layout.tokens for layout in layouts], dim=1)


def _patches(answer: Answer) -> int:
    return sum(len(grid.patches) for grid in answer.request.images)
