"""Things that nobody asks for: they hide others, and some look a little like them."""

import cv2
import numpy as np

from training.scenes.art import Art
from training.scenes.stage import Sprite, grey, u8
from training.scenes.textures import cloud
from training.synthetic.values import chance, pick


def clutter(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """Any thing that is not taught, about `side` pixels long."""
    side = max(12, side)
    return pick(rng, (_mug, _pen, _plate, _slab, _key, _bag, _leaf, _ring, _paper))(rng, art, side)


def _blank(high: int, wide: int) -> Sprite:
    return Sprite(np.zeros((high, wide), np.uint8), np.zeros((high, wide), np.uint8))


def _mug(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    wide = int(side * rng.uniform(0.6, 0.9))
    handle = wide // 3
    made = _blank(side, wide + handle)
    tone, rim = float(rng.uniform(30, 240)), max(2, int(side * rng.uniform(0.06, 0.14)))
    middle = (wide, side // 2)
    for shade, picture in ((int(tone * 0.7), made.grey), (255, made.alpha)):
        axes = (handle - 2, side // 4)
        cv2.ellipse(picture, middle, axes, 0, -90, 90, shade, max(2, side // 12), cv2.LINE_AA)
    u = np.linspace(-1, 1, wide)
    made.grey[rim : side - rim // 2, :wide] = grey(
        tone * (0.5 + 0.6 * np.sqrt(1 - (u - 0.2) ** 2 / 1.5))
    )
    made.alpha[rim : side - rim // 2, :wide] = 255
    for y, tint in ((side - rim, int(tone * 0.8)), (rim, int(tone))):
        for picture, value in ((made.grey, tint), (made.alpha, 255)):
            cv2.ellipse(picture, (wide // 2, y), (wide // 2, rim - 1), 0, 0, 360, value, cv2.FILLED)
    cv2.ellipse(made.grey, (wide // 2, rim), (max(1, wide // 2 - 2), max(1, rim - 2)), 0, 0, 360,
                int(tone * 0.35), cv2.FILLED)  # fmt: skip
    return made


def _pen(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    wide = max(4, int(side * rng.uniform(0.05, 0.1)))
    u = np.linspace(-1, 1, wide)
    tone = np.full((side, 1), rng.uniform(20, 235))
    tone[: int(side * rng.uniform(0.1, 0.4))] = rng.uniform(20, 235)
    made = grey(tone * (0.5 + 0.6 * np.sqrt(1 - u * u * 0.9))[None])
    taper = np.clip((side - np.arange(side)) / (0.12 * side), 0.1, 1)[:, None]
    return Sprite(made, (255 * (np.abs(u)[None] <= taper)).astype(np.uint8))


def _plate(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    made = _blank(side, side)
    tone, half = int(rng.uniform(60, 250)), side // 2
    cv2.circle(made.alpha, (half, half), half - 1, 255, cv2.FILLED, cv2.LINE_AA)
    made.grey[:] = tone
    for share, gain in ((0.72, 0.85), (0.66, 0.95)):
        cv2.circle(made.grey, (half, half), int(half * share), int(tone * gain), cv2.FILLED)
    return made


def _slab(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A telephone, a remote control, a calculator: a dark slab with a window or keys."""
    wide = int(side * rng.uniform(0.3, 0.6))
    made = _blank(side, wide)
    made.grey[:] = int(rng.uniform(10, 110))
    made.alpha[:] = 255
    inset = max(1, wide // 10)
    if chance(rng, 0.5):
        made.grey[2 * inset : -2 * inset, inset:-inset] = int(rng.uniform(0, 220))
    else:
        step = max(4, wide // 4)
        for y in range(2 * inset, side - step, step):
            for x in range(inset, wide - step // 2, step):
                made.grey[y : y + step // 2, x : x + step // 2] = 190
    return made


def _key(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    wide = max(8, side // 3)
    made = _blank(side, wide)
    made.grey[:] = int(rng.uniform(60, 210))
    bow, middle = wide // 2, wide // 2
    cv2.circle(made.alpha, (middle, bow), bow - 1, 255, cv2.FILLED, cv2.LINE_AA)
    cv2.circle(made.alpha, (middle, bow // 2 + 1), max(1, bow // 4), 0, cv2.FILLED)
    made.alpha[bow:, middle - max(1, wide // 8) : middle + max(1, wide // 8)] = 255
    for y in range(side * 2 // 3, side, 4):
        made.alpha[y : y + 2, middle : middle + wide // 4] = 255
    return made


def _bag(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A pouch of film or paper, creased."""
    wide = int(side * rng.uniform(0.55, 0.9))
    label = art.label(rng, wide, side)[:side, :wide].astype(np.float32)
    made = grey(label + rng.uniform(8, 25) * cloud(rng, wide, side, 8, 10))
    angles = np.linspace(0, 2 * np.pi, 40)
    power = rng.uniform(0.15, 0.4)
    x = np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** power
    y = np.sign(np.sin(angles)) * np.abs(np.sin(angles)) ** power
    ring = np.stack([(x * 0.49 + 0.5) * wide, (y * 0.49 + 0.5) * side], 1)
    ring += rng.normal(0, side * 0.008, ring.shape)
    alpha = np.zeros((side, wide), np.uint8)
    cv2.fillPoly(alpha, [ring.astype(np.int32).reshape(-1, 1, 2)], 255, cv2.LINE_AA)
    return Sprite(made, alpha)


def _leaf(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    wide = int(side * rng.uniform(0.35, 0.6))
    made = _blank(side, wide)
    tone = int(rng.uniform(40, 190))
    made.grey[:] = tone
    t = np.linspace(0, np.pi, 20)
    right = np.stack([wide / 2 + np.sin(t) * wide * 0.48, t / np.pi * (side - 1)], 1)
    left = np.stack([wide / 2 - np.sin(t) * wide * 0.48, t / np.pi * (side - 1)], 1)[::-1]
    ring = np.concatenate([right, left]).astype(np.int32).reshape(-1, 1, 2)
    cv2.fillPoly(made.alpha, [ring], 255, cv2.LINE_AA)
    cv2.line(made.grey, (wide // 2, 0), (wide // 2, side), int(tone * 1.25), 1, cv2.LINE_AA)
    return made


def _ring(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A rubber band or a wire loop."""
    made = _blank(side, side)
    made.grey[:] = int(rng.uniform(20, 220))
    axes = (side // 2 - 3, max(2, int(side * rng.uniform(0.2, 0.45))))
    thick = max(1, side // 25)
    cv2.ellipse(made.alpha, (side // 2, side // 2), axes, 0, 0, 360, 255, thick, cv2.LINE_AA)
    return made


def _paper(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A slip with some lines on it."""
    wide = int(side * rng.uniform(0.5, 0.8))
    page = np.full((side, wide), int(rng.uniform(180, 255)), np.uint8)
    step = max(4, side // 14)
    for y in range(step, side - step, step):
        end = int(wide * rng.uniform(0.4, 0.9))
        page[y : y + max(1, step // 4), wide // 10 : end] = int(rng.uniform(40, 150))
    return Sprite(u8(page), np.full((side, wide), 255, np.uint8))
