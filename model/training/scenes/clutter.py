"""Things that nobody asks for: they hide others, and some look a little like them."""

import cv2
import numpy as np

from training.scenes.art import Art
from training.scenes.stage import Pixels, Sprite, grey, u8
from training.scenes.textures import cloud
from training.synthetic.values import chance, pick


def clutter(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """Any thing that is not taught, about `side` pixels long."""
    side = max(12, side)
    return pick(rng, (_mug, _pen, _plate, _slab, _key, _bag, _leaf, _ring, _paper))(rng, art, side)


def strange(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """What lies about where people play: mostly flat things with print and pictures on them."""
    if chance(rng, 0.3):
        return clutter(rng, art, side)
    return pick(rng, (cover, cover, _sheet, _pad))(rng, art, max(40, side))


def cover(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A book, a magazine, a game in its box: a title, and often a picture."""
    wide = int(side * rng.uniform(0.6, 1.0))
    page = art.label(rng, wide, side)
    if chance(rng, 0.75):
        tall, across = (int(length * rng.uniform(0.3, 0.95)) for length in (side, wide))
        top, left = int(rng.integers(0, side - tall + 1)), int(rng.integers(0, wide - across + 1))
        page[top : top + tall, left : left + across] = _picture(rng, across, tall)
    if chance(rng, 0.4):
        cv2.rectangle(
            page, (0, 0), (wide - 1, side - 1), int(rng.integers(0, 256)), max(1, side // 40)
        )
    return Sprite(page, np.full((side, wide), 255, np.uint8))


def _picture(rng: np.random.Generator, wide: int, high: int) -> Pixels:
    """A photo or a drawing of nothing in particular."""
    waves = cloud(rng, wide, high, float(rng.uniform(2, 9)), float(rng.uniform(2, 9)))
    made = grey(rng.uniform(30, 220) + rng.uniform(10, 60) * waves)
    for _ in range(int(rng.integers(2, 14))):
        shade, middle = int(rng.integers(0, 256)), rng.uniform(0, 1, 2) * (wide, high)
        if chance(rng, 0.5):
            ring = rng.uniform(-0.3, 0.3, (int(rng.integers(3, 7)), 2)) * (wide, high) + middle
            cv2.fillPoly(made, [ring.astype(np.int32).reshape(-1, 1, 2)], shade, cv2.LINE_AA)
        else:
            axes = [int(length) + 1 for length in rng.uniform(0.02, 0.25, 2) * (wide, high)]
            place, thick = (int(middle[0]), int(middle[1])), pick(rng, (cv2.FILLED, 2))
            turn = rng.uniform(0, 180)
            cv2.ellipse(made, place, axes, turn, 0, 360, shade, thick, cv2.LINE_AA)
    return made


def _sheet(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A page full of words or of figures in columns."""
    wide = int(side * rng.uniform(0.65, 0.85))
    paper, ink = int(rng.uniform(165, 255)), int(rng.uniform(20, 130))
    step = int(rng.integers(5, 11))
    lines = np.arange(int(rng.uniform(0.03, 0.2) * side), side - step, step)
    letters = rng.random((len(lines), wide)) < 0.6
    gaps = np.repeat(rng.random((len(lines), wide // 8 + 1)) < 0.2, 8, axis=1)[:, :wide]
    if chance(rng, 0.5):
        gaps |= np.arange(wide) // int(rng.integers(24, 60)) % 2 == 0
    letters &= ~gaps
    letters[:, : wide // 12] = letters[:, -(wide // 12) :] = False
    page = np.full((side, wide), paper, np.uint8)
    for down in range(max(1, step // 3)):
        page[lines + down] = np.where(letters, ink, paper)
    return Sprite(page, np.full((side, wide), 255, np.uint8))


def _pad(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A game's controller, a headphone, a toy: a dark body with knobs."""
    wide = int(side * rng.uniform(0.5, 0.8))
    made = _blank(side, wide)
    tone = int(rng.uniform(10, 90))
    made.grey[:] = tone
    for y in (0.25, 0.75):
        lobe = (wide // 2, int(y * side)), (wide // 2 - 1, int(side * rng.uniform(0.2, 0.3)))
        cv2.ellipse(made.alpha, *lobe, 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    made.alpha[side // 4 : 3 * side // 4, int(wide * 0.15) : int(wide * 0.8)] = 255
    for _ in range(int(rng.integers(3, 12))):
        at = (int(rng.uniform(0.2, 0.8) * wide), int(rng.uniform(0.1, 0.9) * side))
        shade, thick = int(np.clip(tone + rng.normal(0, 70), 0, 255)), pick(rng, (cv2.FILLED, 2))
        cv2.circle(made.grey, at, max(2, int(side * rng.uniform(0.02, 0.09))), shade, thick)
    return made


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
