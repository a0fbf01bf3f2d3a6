"""Grounds and surfaces: wood, cloth, carpet, stone, card, all smooth noise of several scales."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.stage import Pixels, grey, u8
from training.synthetic.values import chance, pick

Floats = NDArray[np.float32]
_BANK_SIDE = 1024


def cloud(rng: np.random.Generator, wide: int, high: int, across: float, down: float) -> Floats:
    """Smooth noise (high, wide) of mean 0 and deviation about 1, in cells of that many a side."""
    cells = max(2, round(down)), max(2, round(across))
    coarse = rng.normal(0, 1, cells).astype(np.float32)
    size = (wide, high)
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.float32)


@lru_cache(maxsize=4)
def _bank(softness: int) -> NDArray[np.int16]:
    """A fixed square of noise of deviation 24; drawing it afresh would be slow."""
    noise = np.random.default_rng(softness).normal(0, 1, (_BANK_SIDE, _BANK_SIDE))
    if softness:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), softness * 0.7))
    return np.asarray(np.clip(noise / noise.std() * 24, -127, 127), np.int16)


def grain(rng: np.random.Generator, pixels: Pixels, strength: float, softness: int = 0) -> Pixels:
    """`pixels` with noise of deviation `strength`, of `softness` 0 (each pixel its own) to 3."""
    high, wide = pixels.shape
    bank = _bank(softness)
    y, x = (int(rng.integers(0, max(1, _BANK_SIDE - side))) for side in (high, wide))
    if high > _BANK_SIDE or wide > _BANK_SIDE:
        bank = np.tile(bank, (high // _BANK_SIDE + 1, wide // _BANK_SIDE + 1))
        bank = np.roll(bank, int(rng.integers(0, bank.size)))
    tiled = bank[y : y + high, x : x + wide]
    noise = tiled * np.int16(round(strength / 24 * 64)) >> 6
    return u8(cv2.add(pixels, noise, dtype=cv2.CV_8U))


def surface(rng: np.random.Generator, wide: int, high: int, light: float | None = None) -> Pixels:
    """Any ground of a table or floor (high, wide), around the grey `light` (any when None)."""
    light = float(rng.uniform(30, 245)) if light is None else light
    kind = pick(rng, (_plain, _plain, _wood, _cloth, _carpet, _stone, _planks, _tiles, _print))
    # Patterns are drawn at half size: the finest grain comes with the camera.
    small = kind(rng, -(-wide // 2), -(-high // 2), light)
    return u8(cv2.resize(small, (wide, high), interpolation=cv2.INTER_LINEAR))


def _plain(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    return grey(light + float(rng.uniform(0, 10)) * cloud(rng, wide, high, 4, 3))


def _wood(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    bend = cloud(rng, wide, high, 3, 4) * float(rng.uniform(2, 14))
    y = np.arange(high, dtype=np.float32)[:, None] + bend
    rings = np.sin(y * float(rng.uniform(0.08, 0.5))) * float(rng.uniform(2, 10))
    fibre = cloud(rng, wide, high, wide / 40, high / 1.5) * float(rng.uniform(2, 10))
    board = light + rings + fibre
    return grey(board if chance(rng, 0.6) else board + 12 * cloud(rng, wide, high, 3, 3))


def _planks(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    board = _wood(rng, wide, high, light).astype(np.float32)
    step = int(rng.uniform(0.08, 0.3) * high) + 4
    for y in range(int(rng.integers(0, step)), high, step):
        board[y : y + step] += float(rng.normal(0, 10))
        board[y : y + 1 + step // 40] -= float(rng.uniform(15, 60))
    pixels = grey(board)
    return u8(np.ascontiguousarray(pixels)) if chance(rng, 0.5) else _upright(pixels)


def _upright(pixels: Pixels) -> Pixels:
    turned = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
    return u8(cv2.resize(turned, pixels.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _cloth(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    folds = cloud(rng, wide, high, rng.uniform(2, 9), rng.uniform(2, 9)) * float(rng.uniform(4, 28))
    y, x = np.ogrid[:high, :wide]
    pitch, depth = float(rng.uniform(1.2, 3)), float(rng.uniform(0, 6))
    weave = np.sin(x * pitch).astype(np.float32) * np.sin(y * pitch).astype(np.float32)
    return grey(light + folds + depth * weave)


def _carpet(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    flat = grey(light + 6 * cloud(rng, wide, high, 6, 6))
    return grain(rng, flat, float(rng.uniform(10, 40)), int(rng.integers(0, 3)))


def _stone(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    slab = light + 12 * cloud(rng, wide, high, 8, 6) + 6 * cloud(rng, wide, high, 40, 30)
    speckled = grain(rng, grey(slab), float(rng.uniform(4, 20)), 1)
    for _ in range(int(rng.integers(0, 5))):
        path = np.cumsum(rng.normal(0, 25, (20, 2)), 0) + rng.uniform(0, 1, 2) * (wide, high)
        vein = [path.astype(np.int32).reshape(-1, 1, 2)]
        cv2.polylines(speckled, vein, False, int(rng.integers(40, 230)), 1, cv2.LINE_AA)
    return speckled


def _tiles(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    floor = light + 8 * cloud(rng, wide, high, 20, 20)
    step, joint = int(rng.uniform(30, 160)), float(rng.uniform(-50, 40))
    y0, x0, thick = (int(v) for v in (*rng.integers(0, step, 2), rng.integers(1, 4)))
    for y in range(y0, high, step):
        floor[y : y + thick] += joint
    for x in range(x0, wide, step):
        floor[:, x : x + thick] += joint
    return grey(floor)


def _print(rng: np.random.Generator, wide: int, high: int, light: float) -> Pixels:
    """Stripes, checks, dots or flowers on cloth or paper: what a careless counter would count."""
    step = int(rng.uniform(8, 60))
    cell = np.full((step, step), light, np.float32)
    other = light + float(rng.uniform(15, 90)) * (1 if light < 130 else -1)
    way, middle = int(rng.integers(4)), (step // 2, step // 2)
    if way == 0:
        cell[: step // 2] = other
    elif way == 1:
        cell[: step // 2] = (other + light) / 2
        cell[:, : step // 2] += (other - light) / 2
    elif way == 2:
        cv2.circle(cell, middle, int(step * rng.uniform(0.12, 0.45)), other, cv2.FILLED)
    else:
        for angle in range(0, 360, 60):
            axes = (max(1, step // 3), max(1, step // 10))
            cv2.ellipse(cell, middle, axes, angle, 0, 360, other, cv2.FILLED)
    sheet = np.tile(cell, (high // step + 1, wide // step + 1))[:high, :wide]
    return grey(sheet + 6 * cloud(rng, wide, high, 5, 5))
