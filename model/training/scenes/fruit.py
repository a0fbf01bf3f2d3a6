"""Apples, oranges, lemons and eggs: rounded things that are told apart by form and skin."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.art import Art
from training.scenes.parts import fuzz, lit_round, rotation, sphere
from training.scenes.stage import Sprite
from training.scenes.textures import cloud
from training.synthetic.values import chance

Floats = NDArray[np.float64]


def apple(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """An apple: streaked, with a hollow at the stem, seen from any side."""
    side = max(14, side)
    x, y, z, _ = sphere(side)
    turn = rotation(rng)
    px, py, pz = (turn[i, 0] * x + turn[i, 1] * y + turn[i, 2] * z for i in range(3))
    around = np.arctan2(py, px)
    tone = rng.uniform(60, 190)
    streaks = np.sin(around * 23 + 4 * np.sin(around * 3) + 5 * pz) * np.sin(around * 9 + 2)
    skin = tone + max(0.0, rng.uniform(-8, 16)) * streaks
    skin += rng.uniform(0, 45) * px
    skin += 7 * cloud(rng, side, side, side / 4, side / 4) + 8 * cloud(rng, side, side, 5, 5)
    hollow = np.exp(-(((1 - pz) / 0.06) ** 2))
    skin = skin * (1 - 0.75 * hollow) + rng.uniform(0, 60) * np.exp(-(((1 - pz) / 0.25) ** 2))
    skin *= 1 - 0.5 * np.exp(-(((1 + pz) / 0.02) ** 2))
    bulge = 1 - 0.07 * (1 + np.cos(2 * (np.arctan2(y, x) - rng.uniform(0, 3)))) / 2
    far = np.hypot(x, y) / bulge
    alpha = np.clip((1 - far) * side / 2 + 0.5, 0, 1) * (np.hypot(x, y) < 0.995)
    made = lit_round(rng, skin, (x, y, z), alpha, rng.uniform(0.2, 0.8))
    if turn[2, 2] > 0.1 and chance(rng, 0.75):
        _stem(rng, made, turn[2], side)
    return made


def _stem(rng: np.random.Generator, sprite: Sprite, axis: Floats, side: int) -> None:
    start = (axis[:2] * 0.92 + 1) * side / 2
    end = start + rng.uniform(-0.12, 0.12, 2) * side + axis[:2] * side * 0.16
    ends = [tuple(int(v) for v in point) for point in (start, end)]
    thick = max(1, side // 22)
    cv2.line(sprite.grey, ends[0], ends[1], int(rng.uniform(15, 70)), thick, cv2.LINE_AA)
    cv2.line(sprite.alpha, ends[0], ends[1], 255, thick, cv2.LINE_AA)


def orange(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """An orange: evenly round, pored skin, a small star where the stem was."""
    side = max(14, side)
    x, y, z, alpha = sphere(side)
    turn = rotation(rng)
    px, py, pz = (turn[i, 0] * x + turn[i, 1] * y + turn[i, 2] * z for i in range(3))
    skin = rng.uniform(110, 195) + 4 * cloud(rng, side, side, 4, 4)
    star = np.exp(-(((1 - pz) / 0.012) ** 2))
    skin = skin * (1 - 0.6 * star) - 18 * np.exp(-(((1 - pz) / 0.09) ** 2)) * (
        np.abs(np.sin(2.5 * np.arctan2(py, px)))
    )
    made = lit_round(rng, skin, (x, y, z), alpha, rng.uniform(0.1, 0.45))
    return fuzz(rng, made, min(9.0, 2 + side / 12))


def lemon(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A lemon: oval, with a nipple at one end or both."""
    side = max(16, side)
    along = np.linspace(-1, 1, side)
    plump = rng.uniform(0.6, 0.72)
    end = rng.uniform(0.78, 0.86)
    belly = plump * np.sqrt(np.clip(1 - (along / end) ** 2, 0, 1))
    nipple = 0.17 * np.sqrt(np.clip(1 - ((np.abs(along) - 0.7) / 0.3) ** 2, 0, 1))
    radius = np.maximum(belly, nipple * ((along > 0) | chance(rng, 0.6)))
    return _spindle(rng, radius, rng.uniform(150, 225), side, rough=5.0)


def egg(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """An egg: smooth, blunt at one end."""
    side = max(14, side)
    along = np.linspace(-1, 1, side)
    radius = rng.uniform(0.7, 0.8) * np.sqrt(np.clip(1 - along**2, 0, 1))
    radius *= 1 + rng.uniform(0.08, 0.18) * along
    return _spindle(rng, radius, rng.uniform(110, 250), side, rough=1.5)


def _spindle(
    rng: np.random.Generator, radius: Floats, tone: float, side: int, rough: float
) -> Sprite:
    """A body of revolution about the upright axis; `radius` (side,) as shares of half the side."""
    x = ((np.arange(side) + 0.5) / side * 2 - 1)[None]
    reach = np.maximum(radius, 1e-3)[:, None]
    u = np.clip(x / reach, -1, 1)
    slope = np.clip(-np.gradient(radius, 2 / side), -2, 2)[:, None]
    z = np.sqrt(1 - u * u)
    norm = np.sqrt(1 + slope**2)
    alpha = np.clip((reach - np.abs(x)) * side / 2 + 0.5, 0, 1) * (radius > 1e-3)[:, None]
    skin = tone + 4 * cloud(rng, side, side, 5, 5).astype(np.float64)
    made = lit_round(rng, skin, (u / norm, -slope / norm, z / norm), alpha, rng.uniform(0.05, 0.4))
    return fuzz(rng, made, rough)
