"""Where a scene gets its things from: drawn afresh, or cut from photos."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from training.scenes.art import Art
from training.scenes.fruit import apple, egg, lemon, orange
from training.scenes.games import RANKS, card, coin, die
from training.scenes.objects import GENERAL, OBJECTS
from training.scenes.packs import book, box, carton, pallet
from training.scenes.parts import ball, nut, screw, washer
from training.scenes.stage import Sprite
from training.scenes.vessels import bottle, can, jar, tin
from training.synthetic.values import chance, pick

Drawing = Callable[[np.random.Generator, Art, int], Sprite]
"""Draws one thing: random numbers, prints, and its height or length in pixels."""

DRAWN: dict[str, Drawing] = {
    "bottle": bottle, "can": can, "box": box, "jar": jar, "carton": carton, "book": book,
    "tin": tin, "screw": screw, "nut": nut, "washer": washer, "ball": ball, "apple": apple,
    "orange": orange, "lemon": lemon, "egg": egg, "pallet": pallet, "coin": coin,
    "playing card": partial(card, rank=None),
    **{rank: partial(card, rank=rank) for rank in RANKS},
    **{f"die showing {face}": partial(die, face=face) for face in range(1, 7)},
}  # fmt: skip

_LEAST = {"bottle": 44, "book": 70, "carton": 36, "screw": 30, "playing card": 44}
"""The least height in pixels at which a thing can still be told; others do with 18."""

_FINEST = 190
"""Things taller than this are drawn so high and enlarged: lenses are soft, and time is short."""

_CUT = 0.6
"""How often a thing is cut from a photo rather than drawn, where there are any of it."""
_GROWN = 2.5
"""Those cut from photos are not enlarged by more than this."""

_FAMILIES = {
    "die": tuple(name for name, whole in GENERAL.items() if whole == "die"),
    # Cards of the other ranks and backs come as often as all the named ones together.
    "playing card": (*RANKS, *["playing card"] * len(RANKS)),
}


class Supply:
    """Things by name: drawn with `art`, or taken from the folder `cutouts` (NAME/*.webp, *.png).

    Raises ValueError for a folder of a name that is not taught.
    """

    def __init__(self, art: Art, cutouts: Path | None = None) -> None:
        self.art = art
        self._cut: dict[str, list[Sprite]] = {}
        for folder in sorted(cutouts.iterdir()) if cutouts else []:
            if folder.name not in OBJECTS:
                raise ValueError(f"{folder}: {folder.name} is not among the objects taught")
            paths = sorted(folder.iterdir())
            self._cut[folder.name] = [_read(path) for path in paths]

    def get(self, rng: np.random.Generator, kind: str, tall: float) -> tuple[str, Sprite]:
        """One of a `kind`, about `tall` px high or long, at least as large as can be told.

        Also its finest name: a die comes as one that shows some face.
        """
        tall = max(float(least(kind)), tall)
        name = pick(rng, _FAMILIES[kind]) if kind in _FAMILIES else kind
        found = pick(rng, self._cut[name]) if self._cut.get(name) else None
        if found and tall < _GROWN * max(found.size) and chance(rng, _CUT):
            share = tall / max(found.size)
            return name, found.sized(*(round(side * share) for side in found.size))
        made = DRAWN[name](rng, self.art, int(min(tall, _FINEST)))
        return name, made.enlarged(tall / _FINEST) if tall > _FINEST else made


def least(kind: str) -> int:
    """The least height in pixels of a drawn `kind`."""
    return _LEAST.get(kind, 18)


def _read(path: Path) -> Sprite:
    layers = np.asarray(Image.open(path).convert("LA"))
    return Sprite(np.ascontiguousarray(layers[..., 0]), np.ascontiguousarray(layers[..., 1]))
