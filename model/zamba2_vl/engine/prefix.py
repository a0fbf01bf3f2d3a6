"""What several requests may have in common."""

from collections.abc import Sequence
from typing import Self

import torch

from zamba2_vl.image import PatchGrid

# Numbers of a picture that tell it from most others.
_SAMPLE = 64


class Prefix:
    """A prompt up to its last image token: the same for all questions about the same pictures.

    Equal where ids and pixels are; the hash looks at a few pixels alone.
    """

    def __init__(self, ids: Sequence[int], images: Sequence[PatchGrid]) -> None:
        self._ids = tuple(ids)
        self._images = tuple(images)
        self._hash = hash((self._ids, *map(_glance, self._images)))

    @classmethod
    def of(
        cls, prompt: Sequence[int], images: Sequence[PatchGrid], image_token: int | None
    ) -> Self | None:
        """What a prompt may share with others; None without pictures."""
        if image_token is None or not images:
            return None
        last = len(prompt) - [*reversed(prompt)].index(image_token)
        # The last token has to be read in any case: the answer begins with what follows it.
        return cls(prompt[: min(last, len(prompt) - 1)], images)

    def __len__(self) -> int:
        return len(self._ids)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prefix) or (self._hash, self._ids) != (other._hash, other._ids):
            return False
        pairs = zip(self._images, other._images, strict=True)
        return all(torch.equal(ours.patches, theirs.patches) for ours, theirs in pairs)


def _glance(image: PatchGrid) -> tuple[int, int, bytes]:
    values = image.patches.flatten()
    few = values[:: -(-len(values) // _SAMPLE)]
    return image.height, image.width, few.cpu().numpy().tobytes()
