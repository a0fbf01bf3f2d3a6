"""Looking at the pictures of requests that wait, those of one shape together."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

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
        started = time.perf_counter()
        grids = [grid for answer in answers for grid in answer.request.images]
        embeddings = iter(self._embed(grids))
        for answer in answers:
            self._seen[answer] = torch.cat([next(embeddings) for _ in answer.request.images], 1)
        each = (time.perf_counter() - started) / sum(map(_patches, answers))
        for answer in answers:
            answer.clock.vision = each * _patches(answer)

    def _embed(self, grids: Sequence[PatchGrid]) -> list[Tensor]:
        """The embeddings of each picture, (1, visual tokens, hidden)."""
        alike = defaultdict[tuple[int, int], list[int]](list)
        for index, grid in enumerate(grids):
            alike[grid.height, grid.width].append(index)
        embeddings: dict[int, Tensor] = {}
        for (height, width), members in alike.items():
            # Equal pages share their layout, so it must also serve those who train.
            with torch.inference_mode(False):
                layout = WindowLayout.for_grid(height, width, self._model.vision_tower.config)
            step = max(self._together // (height * width), 1)
            for start in range(0, len(members), step):
                some = members[start : start + step]
                seen = self._see([grids[index] for index in some], layout)
                embeddings.update(zip(some, seen[:, None].unbind(), strict=True))
        return [embeddings[index] for index in range(len(grids))]

    def _see(self, grids: Sequence[PatchGrid], layout: WindowLayout) -> Tensor:
        """The embeddings of pictures of one layout, (pictures, visual tokens, hidden)."""
        device = self._model.vision_tower.patch_embed.proj.weight.device
        patches = torch.stack([layout.pack(grid.patches.to(device)) for grid in grids])
        return self._model.embed_images([patches], [layout.to(device)])


def _patches(answer: Answer) -> int:
    return sum(len(grid.patches) for grid in answer.request.images)
