"""Screws, nuts, washers and balls, as they lie in bins and on tables."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.art import Art
from training.scenes.stage import Sprite, grey
from training.scenes.textures import grain
from training.synthetic.values import chance

Floats = NDArray[np.float64]


def screw(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A screw or bolt lying: head with or without a slot, thread, point; `side` pixels long."""
    long = max(14, side)
    shank = max(3.2, long * rng.uniform(0.07, 0.16))
    head = max(shank * rng.uniform(1.5, 2.4), shank + 2)
    head_end = rng.uniform(0.06, 0.2)
    wide = int(2 * head / 2) + 5
    t = (np.arange(long) + 0.5) / long
    radius = np.full(long, shank / 2)
    threaded = t > (rng.uniform(0.15, 0.6) if chance(rng, 0.5) else head_end)
    if chance(rng, 0.6):
        radius *= np.clip((1 - t) / rng.uniform(0.05, 0.25), 0.05, 1)
    in_head = t < head_end
    way = rng.random()
    if way < 0.4:
        radius[in_head] = np.linspace(head / 2, shank / 2, int(in_head.sum()))
    elif way < 0.7:
        radius[in_head] = head / 2
    else:
        dome = np.sqrt(np.clip(1 - (1 - t[in_head] / head_end) ** 2, 0.05, 1))
        radius[in_head] = head / 2 * dome
    x = np.arange(wide) + 0.5 - wide / 2
    u = np.clip(x[None] / radius[:, None], -1, 1)
    tone = rng.uniform(50, 215)
    light = tone * (0.45 + 0.65 * np.sqrt(1 - u * u)) + rng.uniform(20, 110) * np.exp(
        -(((u - rng.uniform(-0.5, 0.5)) / 0.2) ** 2)
    )
    pitch = max(2.2, shank * rng.uniform(0.35, 0.6))
    rows = np.arange(long)[:, None] + 0.35 * x[None]
    groove = 1 + rng.uniform(0.2, 0.45) * np.sin(rows * 2 * np.pi / pitch)
    light = np.where(threaded[:, None] & ~in_head[:, None], light * groove, light)
    alpha = np.clip(radius[:, None] - np.abs(x)[None] + 0.5, 0, 1)
    return Sprite(grey(light), (alpha * 255).astype(np.uint8))


def nut(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A hexagonal nut seen from above, or slantwise with a side of some height."""
    side = max(14, side)
    ring = _ring(rng, side, 6, rng.uniform(0.42, 0.62))
    return _slanted(rng, ring, rng.uniform(0.15, 0.45))


def washer(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A flat round ring."""
    side = max(14, side)
    ring = _ring(rng, side, 48, rng.uniform(0.35, 0.62))
    return _slanted(rng, ring, rng.uniform(0.0, 0.07))


def _ring(rng: np.random.Generator, side: int, corners: int, hole: float) -> Sprite:
    big = 3 * side if side < 60 else 2 * side
    tone = float(rng.uniform(60, 220))
    y, x = np.mgrid[:big, :big] / big - 0.5
    lean = rng.uniform(-60, 60, 2)
    face = (tone + lean[0] * x + lean[1] * y).astype(np.float32)
    far = np.hypot(x, y) * 2
    face += rng.uniform(0, 35) * ((far > 0.8) | (far < hole * 1.15))
    face += rng.uniform(0, 20) * np.sin(np.arctan2(y, x) * 2 + rng.uniform(0, 6))
    alpha = np.zeros((big, big), np.uint8)
    angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 1)
    around = np.stack([np.cos(angles), np.sin(angles)], 1) * big * 0.48 + big / 2
    cv2.fillPoly(alpha, [around.astype(np.int32).reshape(-1, 1, 2)], 255)
    centre = (big // 2, big // 2)
    inner = int(big * 0.48 * hole)
    # Seen through the hole is dark ground more often than not; it belongs to the thing.
    well = np.where(far < hole * 0.96, tone * 0.25, face)
    if chance(rng, 0.5):
        cv2.circle(alpha, centre, inner, 0, cv2.FILLED)
    return Sprite(grey(well), alpha).sized(side, side)


def _slanted(rng: np.random.Generator, ring: Sprite, thick: float) -> Sprite:
    """Press the ring flat as when seen from the side, and give it an outer wall."""
    side = ring.size[0]
    squash = float(rng.uniform(0.5, 1.0))
    high = max(6, int(side * squash))
    flat = ring.sized(side, high)
    wall = int(thick * side * np.sqrt(1 - squash**2) + 0.5)
    if wall < 1:
        return flat
    picture = np.zeros((high + wall, side), np.uint8)
    alpha = np.zeros((high + wall, side), np.uint8)
    # The hole is not open towards the wall behind it: fill each column between its ends.
    solid = flat.alpha > 127
    inside = np.logical_or.accumulate(solid) & np.logical_or.accumulate(solid[::-1])[::-1]
    outer = np.maximum(flat.alpha, 255 * inside.astype(np.uint8))
    bands = flat.grey.mean(0, keepdims=True) * rng.uniform(0.35, 0.75)
    facets = 1 + 0.25 * np.sign(np.sin(np.linspace(0, 9, side) + rng.uniform(0, 6)))[None]
    for down in range(wall, 0, -1):
        place = alpha[down : down + high]
        np.maximum(place, outer, out=place)
    picture[:] = grey(bands * facets)
    top = outer[:, :, None] > 127
    picture[:high] = np.where(top[..., 0], flat.grey, picture[:high])
    alpha[:high] = np.maximum(alpha[:high], outer)
    return Sprite(picture, alpha)


def ball(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A ball: plain, glossy, dimpled, felted with a seam, striped or of patches."""
    side = max(14, side)
    x, y, z, alpha = sphere(side)
    tone = float(rng.uniform(30, 240))
    skin = np.full((side, side), tone)
    way = rng.random()
    turn = rotation(rng)
    px, py, pz = (turn[i, 0] * x + turn[i, 1] * y + turn[i, 2] * z for i in range(3))
    gloss = rng.uniform(0.1, 1.0)
    if way < 0.15:
        skin += (np.abs(pz) < rng.uniform(0.1, 0.4)) * rng.uniform(-120, 120)
    elif way < 0.3:
        seam = np.abs(pz - 0.45 * np.cos(2 * np.arctan2(py, px))) < 0.09
        skin += seam * rng.uniform(-90, 90)
        gloss = 0.05
    elif way < 0.42:
        dimple = np.sin(px * 14) * np.sin(py * 14) * np.sin(pz * 14 + 1)
        skin *= 1 + 0.5 * dimple
    elif way < 0.55:
        patches = (np.sin(px * 5) * np.sin(py * 5) * np.sin(pz * 5)) > 0.22
        skin = np.where(patches, 255 - tone, tone)
    elif way < 0.65:
        swirl = np.sin(4 * px + 3 * np.sin(3 * py) + 2 * pz)
        skin += swirl * rng.uniform(20, 80)
    return lit_round(rng, skin, (x, y, z), alpha, gloss)


def sphere(side: int) -> tuple[Floats, Floats, Floats, Floats]:
    """x, y, z of a unit sphere's front, z towards us, and alpha 0..1; each (side, side)."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side * 2 - 1
    x, y = x * (1 + 1 / side), y * (1 + 1 / side)
    far = np.hypot(x, y)
    alpha = np.clip((1 - far) * side / 2 + 0.5, 0, 1)
    scale = np.where(far > 1, 1 / np.maximum(far, 1e-6), 1.0)
    x, y = x * scale, y * scale
    return x, y, np.sqrt(np.clip(1 - x * x - y * y, 0, 1)), alpha


def rotation(rng: np.random.Generator) -> Floats:
    """A turn in space (3, 3), all as likely."""
    q, _ = np.linalg.qr(rng.normal(0, 1, (3, 3)))
    return np.asarray(q)


def lit_round(
    rng: np.random.Generator,
    skin: Floats,
    normal: tuple[Floats, Floats, Floats],
    alpha: Floats,
    gloss: float,
) -> Sprite:
    """Light a rounded thing (greys `skin`, unit normals) from above and give it a highlight."""
    x, y, z = normal
    from_x, from_y = rng.uniform(-0.6, 0.6), rng.uniform(-0.8, 0.1)
    from_z = np.sqrt(max(0.1, 1 - from_x**2 - from_y**2))
    facing = x * from_x + y * from_y + z * from_z
    ambient = rng.uniform(0.25, 0.65)
    light = skin * (ambient + (1.1 - ambient) * np.clip(facing, 0, 1))
    light += gloss * 190 * np.clip(facing, 0, 1) ** rng.uniform(18, 90)
    return Sprite(grey(light), (alpha * 255).astype(np.uint8))


def fuzz(rng: np.random.Generator, sprite: Sprite, strength: float) -> Sprite:
    """Roughen a sprite's surface."""
    return Sprite(grain(rng, sprite.grey, strength, 1), sprite.alpha)
