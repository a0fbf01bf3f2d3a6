"""Which function draws which object."""

from collections.abc import Callable

import numpy as np

from training.scenes.art import Art
from training.scenes.fruit import apple, egg, lemon, orange
from training.scenes.packs import book, box, carton, pallet
from training.scenes.parts import ball, nut, screw, washer
from training.scenes.stage import Sprite
from training.scenes.vessels import bottle, can, jar, tin

Drawing = Callable[[np.random.Generator, Art, int], Sprite]
"""Draws one thing: random numbers, prints, and its height or length in pixels."""

DRAWN: dict[str, Drawing] = {
    "bottle": bottle, "can": can, "box": box, "jar": jar, "carton": carton, "book": book,
    "tin": tin, "screw": screw, "nut": nut, "washer": washer, "ball": ball, "apple": apple,
    "orange": orange, "lemon": lemon, "egg": egg, "pallet": pallet,
}  # fmt: skip

NARROW = {"bottle": 44, "book": 70, "carton": 36, "screw": 30}
"""The least height in pixels at which a thing can still be told; others do with 18."""

_FINEST = 190
"""Things taller than this are drawn so high and enlarged: lenses are soft, and time is short."""


def draw(rng: np.random.Generator, art: Art, kind: str, tall: float) -> Sprite:
    """One of a `kind`, about `tall` px high or long, at least as large as can be told."""
    tall = max(float(least(kind)), tall)
    made = DRAWN[kind](rng, art, int(min(tall, _FINEST)))
    return made.enlarged(tall / _FINEST) if tall > _FINEST else made


def least(kind: str) -> int:
    """The least height in pixels of a drawn `kind`."""
    return NARROW.get(kind, 18)
