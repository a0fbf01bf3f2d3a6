"""Boxes, cartons, books and pallets: things with flat sides."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.art import Art
from training.scenes.stage import Pixels, Sprite, grey, u8
from training.scenes.textures import cloud, grain
from training.synthetic.values import chance

Floats = NDArray[np.float32]
Corners = Sequence[tuple[float, float]]


def box(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A box: of brown card with tape, or a printed pack as for cereals; one to three sides."""
    wide = max(6, int(high * rng.uniform(0.45, 1.9)))
    front = cardboard(rng, art, wide, high) if chance(rng, 0.5) else _pack(rng, art, wide, high)
    return solid(rng, front, most=0.45)


def cardboard(rng: np.random.Generator, art: Art, wide: int, high: int) -> Pixels:
    """The side (high, wide) of a shipping box: tape, a seam, signs, an address label."""
    tone = float(rng.uniform(90, 200))
    face = grey(tone + 5 * cloud(rng, wide, high, 3, 3))
    if chance(rng, 0.55):
        x, half = int(rng.uniform(0.35, 0.65) * wide), max(1, int(0.06 * wide))
        face[:, x - half : x + half] = grey(tone + rng.uniform(-30, 45) + np.zeros(1))
    if chance(rng, 0.35):
        y, half = int(rng.uniform(0.4, 0.6) * high), max(1, int(0.04 * high))
        face[y - half : y + half] = grey(tone + rng.uniform(-40, 50) + np.zeros(1))
    if chance(rng, 0.5):
        w, h = int(wide * rng.uniform(0.2, 0.5)), int(high * rng.uniform(0.15, 0.4))
        if w >= 6 and h >= 6:
            label = art.label(rng, w, h) if chance(rng, 0.4) else art.tag(rng, w, h)
            x, y = int(rng.uniform(0, 0.95) * (wide - w)), int(rng.uniform(0, 0.95) * (high - h))
            face[y : y + h, x : x + w] = label[:h, :w]
    if chance(rng, 0.5):
        word = art.words.name(rng).upper()
        px = min(high * 0.3, 1.4 * wide / len(word))
        if px > 6:
            at = (wide * rng.uniform(0.4, 0.6), high * rng.uniform(0.2, 0.8), px)
            art.write(rng, face, word, at, int(tone * rng.uniform(0.2, 0.6)))
    if chance(rng, 0.3):
        w, h = max(3, wide // 7), max(2, high // 12)
        cv2.ellipse(face, (wide // 2, high // 3), (w, h), 0, 0, 360, int(tone * 0.3), cv2.FILLED)
    return face


def _pack(rng: np.random.Generator, art: Art, wide: int, high: int) -> Pixels:
    return u8(art.label(rng, wide, high)[:high, :wide])


def solid(rng: np.random.Generator, front: Pixels, most: float) -> Sprite:
    """A block with this front, seen straight or with a side and the top in oblique view."""
    if chance(rng, 0.4):
        return block(rng, front, 0, 0)
    deep = rng.uniform(0.08, most) * min(front.shape)
    across = int(deep * rng.uniform(0, 1)) * (1 if chance(rng, 0.5) else -1)
    return block(rng, front, across, int(deep * rng.uniform(0, 0.8)))


def block(rng: np.random.Generator, front: Pixels, across: int, up: int) -> Sprite:
    """A block whose back lies `across` px to the right (left when negative) and `up` px higher."""
    high, wide = front.shape
    tone = float(front.mean())
    size = (high + up + 1, wide + abs(across) + 1)
    picture, alpha = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    x, y = max(0, -across), up
    edge = x + wide if across > 0 else x
    top = [(x, y), (x + wide, y), (x + wide + across, 0), (x + across, 0)]
    side = [(edge, y), (edge, y + high), (edge + across, high), (edge + across, 0)]
    _fill(picture, alpha, top, min(255.0, tone * rng.uniform(1.0, 1.25)))
    _fill(picture, alpha, side, tone * rng.uniform(0.45, 0.95))
    picture[y : y + high, x : x + wide] = _edged(rng, front)
    alpha[y : y + high, x : x + wide] = 255
    if up > 4 and chance(rng, 0.5):
        middle = x + wide // 2
        cv2.line(picture, (middle, y), (middle + across, 0), int(tone * 0.7), 1, cv2.LINE_AA)
    return Sprite(picture, alpha)


def _edged(rng: np.random.Generator, front: Pixels) -> Pixels:
    """Light falls off over the side, edges are worn pale or dark."""
    high, wide = front.shape
    ramp = np.linspace(rng.uniform(0.75, 1.05), rng.uniform(0.75, 1.05), wide)[None]
    ramp = ramp * np.linspace(1.0, rng.uniform(0.75, 1.0), high)[:, None]
    face = grey(front * ramp)
    cv2.rectangle(face, (0, 0), (wide - 1, high - 1), int(front.mean() * rng.uniform(0.4, 1.1)), 1)
    return face


def _fill(picture: Pixels, alpha: Pixels, corners: Corners, tone: float) -> None:
    ring = [np.round(corners).astype(np.int32).reshape(-1, 1, 2)]
    cv2.fillPoly(picture, ring, int(tone))
    cv2.fillPoly(alpha, ring, 255)


def carton(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A drink carton: a tall block with a gable or a slanted top, mostly with a screw cap."""
    wide = max(5, int(high * rng.uniform(0.28, 0.45)))
    top = int(high * rng.uniform(0.12, 0.24))
    deep = int(wide * rng.uniform(0.0, 0.6))
    left = chance(rng, 0.5)
    size = (high, wide + deep)
    picture, alpha = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    x = deep if left else 0
    front = _pack(rng, art, wide, high - top)
    tone = float(front[: max(1, high // 20)].mean())
    edge, far = (x, 0) if left else (x + wide, wide + deep)
    gable = chance(rng, 0.65)
    if gable:
        inset = deep * 0.2
        fin, ends = max(2, top // 4), (x + inset, x + wide - inset)
        roof = [(ends[0], fin), (ends[1], fin), (x + wide, top), (x, top)]
        _fill(picture, alpha, roof, min(255.0, tone * rng.uniform(0.85, 1.3)))
        _fill(picture, alpha, [(edge, top), (far, top), ((edge + far) / 2, fin)], tone * 0.6)
        upright = [(ends[0], 0), (ends[1], 0), (ends[1], fin), (ends[0], fin)]
        _fill(picture, alpha, upright, min(255.0, tone * rng.uniform(0.7, 1.1)))
    else:
        back = (far, x + wide) if left else (x, far)
        slope = [(x, top), (x + wide, top), (back[1], top * 0.4), (back[0], top * 0.4)]
        _fill(picture, alpha, slope, min(255.0, tone * 1.2))
    behind = top * (1 if gable else 0.4)
    wall = [(edge, top), (edge, high), (far, high - deep * 0.15), (far, behind)]
    _fill(picture, alpha, wall, tone * rng.uniform(0.45, 0.85))
    picture[top:, x : x + wide] = _edged(rng, front)
    alpha[top:, x : x + wide] = 255
    if chance(rng, 0.6):
        radius = max(2, int(wide * rng.uniform(0.12, 0.22)))
        middle = (int(x + wide * rng.uniform(0.35, 0.65)), int(top * rng.uniform(0.5, 0.7)))
        cv2.circle(picture, middle, radius, int(rng.uniform(20, 250)), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(picture, middle, radius, int(rng.uniform(10, 120)), 1, cv2.LINE_AA)
    return Sprite(picture, alpha)


def book(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A book on a shelf, its back towards us: cloth or print, with a title along it."""
    wide = max(8, int(high * rng.uniform(0.08, 0.26)))
    tone = float(rng.uniform(20, 235))
    lying = np.full((wide, high), tone, np.uint8)
    if chance(rng, 0.25):
        lying = _pack(rng, art, high, wide)
    for _ in range(int(rng.integers(0, 4))):
        at, thick = int(rng.uniform(0, 0.95) * high), int(rng.uniform(0.01, 0.08) * high) + 1
        lying[:, at : at + thick] = int(rng.integers(0, 256))
    title = art.words.phrase(rng, 1, 3).title()
    px = min(wide * rng.uniform(0.4, 0.8), 1.5 * high / len(title))
    if px >= 6:
        behind = int(lying[wide // 2, high // 2])
        shade = max(0, behind - 120) if behind > 127 else min(255, behind + 120)
        art.write(rng, lying, title, (high * rng.uniform(0.4, 0.6), wide / 2, px), shade)
    spine = cv2.rotate(lying, cv2.ROTATE_90_CLOCKWISE)
    u = (np.arange(wide) + 0.5) / wide * 2 - 1
    bend = rng.uniform(0.1, 0.6)
    shade_across = 1 - bend * np.abs(u) ** rng.uniform(2, 5) + rng.uniform(-0.15, 0.15) * u
    shaded = grey(spine * shade_across[None])
    return Sprite(grain(rng, shaded, 5.0, 1), np.full((high, wide), 255, np.uint8))


def pallet(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A wooden pallet from its side: boards above and below, blocks or stringers between."""
    wide = int(high * rng.uniform(5.5, 9.0))
    tone = float(rng.uniform(80, 190))
    wood = grey(
        tone + 10 * cloud(rng, wide, high, wide / 10, high) + 6 * cloud(rng, wide, high, 9, 2)
    )
    alpha = np.zeros((high, wide), np.uint8)
    board = max(2, int(high * rng.uniform(0.14, 0.24)))
    alpha[:board] = alpha[-board:] = 255
    hollow = np.full((high, wide), int(tone * 0.15), np.uint8)
    feet = 3 if chance(rng, 0.8) else 5
    foot = int(wide * rng.uniform(0.07, 0.13))
    for place in np.linspace(0, wide - foot, feet).astype(int):
        alpha[:, place : place + foot] = 255
        wood[board : high - board, place : place + foot] = grey(
            wood[board : high - board, place : place + foot] * rng.uniform(0.6, 0.95)
        )
    solid_wood = alpha > 0
    wood[board : board + max(1, high // 12)] //= 2
    return Sprite(np.where(solid_wood, wood, hollow), np.full((high, wide), 255, np.uint8))
