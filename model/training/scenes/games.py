"""Dice, playing cards and coins."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.art import Art, print_on
from training.scenes.stage import Pixels, Sprite, grey, u8
from training.scenes.textures import cloud
from training.synthetic.values import chance, pick

Floats = NDArray[np.float64]

RANKS = {"ace": "A", "king": "K", "queen": "Q", "jack": "J", "ten": "10", "nine": "9"}
"""The ranks that are told apart by name, and how they are printed."""

_PIPS = {
    1: [(0, 0)], 2: [(-1, -1), (1, 1)], 3: [(-1, -1), (0, 0), (1, 1)],
    4: [(-1, -1), (1, 1), (-1, 1), (1, -1)], 5: [(-1, -1), (1, 1), (-1, 1), (1, -1), (0, 0)],
    6: [(-1, -1), (1, 1), (-1, 1), (1, -1), (-1, 0), (1, 0)],
}  # fmt: skip
_ROWS = {
    2: "1.1", 3: "111", 4: "2.2", 5: "212", 6: "222", 7: "212.2", 8: "21212", 9: "2.212.2",
    10: "212.212",
}  # fmt: skip


def die(rng: np.random.Generator, art: Art, side: int, face: int) -> Sprite:
    """A die that shows `face` above, seen from anywhere above it; `side` px an edge about."""
    side = max(14, side)
    fine = 3 if side < 60 else 2
    cube = _Cube(rng.uniform(0, 0.85), rng.uniform(0, 2 * np.pi), side * fine / 2 * 0.8)
    body, pip = _die_tones(rng)
    others = [number for number in range(1, 7) if number not in (face, 7 - face)]
    beside = [int(number) for number in rng.permutation(others)]
    lamp = rng.uniform(-0.5, 0.5, 2)
    radius = rng.uniform(0.13, 0.21)
    for normal in ((0, 0, 1), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)):
        axes = cube.face(normal)
        out = axes[0]
        if out[2] <= 0.02:
            continue
        value = face if normal[2] else beside[abs(normal[1])]
        shade = 0.5 + 0.5 * float(np.clip(out[2] + out[:2] @ lamp, 0, 1.1))
        cube.fill(axes, _SQUARE, body * shade)
        size = radius * (1.7 if value == 1 and chance(rng, 0.4) else 1)
        for middle in _PIPS[value]:
            cube.fill(axes, 0.5 * np.array(middle) + size * _CIRCLE, pip * shade, solid=False)
    # Worn corners: what a blur takes off the outline is gone.
    worn = cv2.GaussianBlur(cube.alpha, (0, 0), cube.edge * float(rng.uniform(0.06, 0.22)))
    alpha = np.where(worn > 127, cube.alpha, 0).astype(np.uint8)
    whole = len(alpha)
    gloss = cloud(rng, whole, whole, 4, 4) * float(rng.uniform(0, 12))
    picture = Sprite(grey(cube.picture + gloss), alpha)
    return _trimmed(picture.sized(whole // fine, whole // fine))


_TURNS = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURNS), np.sin(_TURNS)], 1)
_SQUARE = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)


class _Cube:
    """A picture of a cube of edge 2, `edge` px a unit, turned about the upright axis and tilted."""

    def __init__(self, tilt: float, turn: float, edge: float) -> None:
        (c, s), (d, t) = (np.cos(turn), np.sin(turn)), (np.cos(tilt), np.sin(tilt))
        self._axes = np.array([[1, 0, 0], [0, d, -t], [0, t, d]]) @ [
            [c, -s, 0],
            [s, c, 0],
            [0, 0, 1],
        ]
        self._half = int(edge * 1.75) + 2
        self.edge = edge
        self.picture, self.alpha = (np.zeros((2 * self._half,) * 2, np.uint8) for _ in range(2))

    def face(self, normal: tuple[int, int, int]) -> Floats:
        """(3, 3): the middle of a face as seen, z towards us, and the two directions along it."""
        out = np.array(normal, float)
        return np.stack([self._axes @ np.roll(out, turn) for turn in range(3)])

    def fill(self, axes: Floats, ring: Floats, tone: float, solid: bool = True) -> None:
        """Fill a polygon (n, 2) on a face; the outline of the cube is of its `solid` faces."""
        seen = (axes[0] + ring @ axes[1:])[:, :2] * (self.edge, -self.edge) + self._half
        corners = [np.round(seen).astype(np.int32).reshape(-1, 1, 2)]
        cv2.fillPoly(self.picture, corners, int(min(255.0, tone)))
        if solid:
            cv2.fillPoly(self.alpha, corners, 255)


def _die_tones(rng: np.random.Generator) -> tuple[float, float]:
    """Body and pips: pale with dark pips or the other way round."""
    if chance(rng, 0.5):
        return float(rng.uniform(170, 250)), float(rng.uniform(5, 90))
    return float(rng.uniform(15, 140)), float(rng.uniform(190, 255))


def _trimmed(sprite: Sprite) -> Sprite:
    x, y, wide, high = cv2.boundingRect(sprite.alpha)
    part = slice(y, y + high), slice(x, x + wide)
    return Sprite(np.ascontiguousarray(sprite.grey[part]), np.ascontiguousarray(sprite.alpha[part]))


def card(rng: np.random.Generator, art: Art, high: int, rank: str | None) -> Sprite:
    """A playing card of a `rank` of RANKS, or with None one of 2 to 8, or its back."""
    high = max(36, high)
    tall = 2 * high
    wide = int(tall * rng.uniform(0.62, 0.72))
    page = np.full((tall, wide), int(rng.uniform(205, 255)), np.uint8)
    mark = RANKS[rank] if rank else str(rng.integers(2, 9))
    tone = int(rng.uniform(0, 50)) if chance(rng, 0.5) else int(rng.uniform(60, 130))
    if rank is None and chance(rng, 0.25):
        _back(rng, page)
    else:
        suit = int(rng.integers(4))
        if mark in "KQJ":
            _court(rng, page, suit, tone)
        else:
            _field(page, mark, suit, tone)
        _corners(rng, art, page, mark, suit, tone)
    alpha = np.zeros_like(page)
    bend = max(2, int(wide * 0.06))
    cv2.rectangle(alpha, (bend, 0), (wide - 1 - bend, tall - 1), 255, cv2.FILLED)
    cv2.rectangle(alpha, (0, bend), (wide - 1, tall - 1 - bend), 255, cv2.FILLED)
    for x in (bend, wide - 1 - bend):
        for y in (bend, tall - 1 - bend):
            cv2.circle(alpha, (x, y), bend, 255, cv2.FILLED)
    if chance(rng, 0.3):
        cv2.rectangle(page, (0, 0), (wide - 1, tall - 1), 150, 2)
    return Sprite(page, alpha).sized(wide // 2, high)


@lru_cache(maxsize=64)
def _pip(suit: int, side: int) -> Pixels:
    """Heart, diamond, spade or club, black on white (side, side)."""
    sheet = np.full((90, 90), 255, np.uint8)
    if suit == 1:
        ring = np.array([[45, 3], [80, 45], [45, 87], [10, 45]], np.int32)
        cv2.fillPoly(sheet, [ring.reshape(-1, 1, 2)], 0)
    elif suit == 3:
        for centre in ((45, 25), (24, 52), (66, 52)):
            cv2.circle(sheet, centre, 20, 0, cv2.FILLED)
    else:
        for x in (26, 64):
            cv2.circle(sheet, (x, 27), 21, 0, cv2.FILLED)
        ring = np.array([[6, 34], [84, 34], [45, 86]], np.int32)
        cv2.fillPoly(sheet, [ring.reshape(-1, 1, 2)], 0)
    if suit == 2:
        sheet = u8(cv2.flip(sheet, 0))
    if suit > 1:
        ring = np.array([[45, 45], [58, 88], [32, 88]], np.int32)
        cv2.fillPoly(sheet, [ring.reshape(-1, 1, 2)], 0)
    return u8(cv2.resize(sheet, (side, side), interpolation=cv2.INTER_AREA))


def _field(page: Pixels, mark: str, suit: int, tone: int) -> None:
    """The pips of a numbered card in their rows; one large one of an ace."""
    high, wide = page.shape
    if mark == "A":
        print_on(page, _pip(suit, max(8, int(wide * 0.32))), (wide / 2, high / 2), tone)
        return
    rows = _ROWS[int(mark)]
    ends = np.linspace(0.17, 0.83, len(rows)) * high
    side = max(5, int(wide * 0.19))
    for y, row in zip(ends, rows, strict=True):
        places = {"1": (0.5,), "2": (0.3, 0.7), ".": ()}[row]
        shape = _pip(suit, side)
        for x in places:
            print_on(page, shape if y < high * 0.55 else shape[::-1], (x * wide, float(y)), tone)


def _court(rng: np.random.Generator, page: Pixels, suit: int, tone: int) -> None:
    """A court card: a frame with a busy figure, the same upside down."""
    high, wide = page.shape
    x0, y0, x1 = int(wide * 0.17), int(high * 0.1), int(wide * 0.83)
    half = np.full((high // 2 - y0, x1 - x0), int(rng.uniform(150, 235)), np.uint8)
    tall, across = half.shape
    for _ in range(int(rng.integers(10, 22))):
        shade, centre = int(rng.integers(0, 256)), rng.uniform(0, 1, 2) * (across, tall)
        if chance(rng, 0.6):
            spread = rng.uniform(-0.35, 0.35, (4, 2)) * (across, tall) + centre
            cv2.fillPoly(half, [spread.astype(np.int32).reshape(-1, 1, 2)], shade)
        else:
            middle = (int(centre[0]), int(centre[1]))
            cv2.circle(half, middle, int(across * rng.uniform(0.04, 0.14)) + 1, shade, 2)
    head = (across // 2, int(tall * 0.3))
    cv2.ellipse(half, head, (across // 8 + 1, tall // 6 + 1), 0, 0, 360, 225, cv2.FILLED)
    cv2.ellipse(half, head, (across // 8 + 1, tall // 6 + 1), 0, 0, 360, 20, 2)
    page[y0 : y0 + tall, x0:x1] = half
    page[y0 + tall : y0 + 2 * tall, x0:x1] = half[::-1, ::-1]
    cv2.rectangle(page, (x0, y0), (x1, y0 + 2 * tall), tone, 2)
    side = max(5, int(wide * 0.15))
    print_on(page, _pip(suit, side), (x0 + side * 0.8, y0 + side * 0.8), tone)
    print_on(page, _pip(suit, side)[::-1], (x1 - side * 0.8, y0 + 2 * tall - side * 0.8), tone)


def _corners(
    rng: np.random.Generator, art: Art, page: Pixels, mark: str, suit: int, tone: int
) -> None:
    high, wide = page.shape
    px = wide * (0.16 if len(mark) > 1 else 0.2)
    state = rng.integers(1 << 30)
    for _ in range(2):
        # The same state twice: both corners in one face.
        art.write(np.random.default_rng(state), page, mark, (wide * 0.09, high * 0.08, px), tone)
        side = max(4, int(wide * 0.11))
        print_on(page, _pip(suit, side), (wide * 0.09, high * 0.155), tone)
        page[:] = page[::-1, ::-1].copy()


def _back(rng: np.random.Generator, page: Pixels) -> None:
    high, wide = page.shape
    inset = int(wide * rng.uniform(0.04, 0.1))
    dark = int(rng.uniform(20, 140))
    part = page[inset : high - inset, inset : wide - inset]
    y, x = np.ogrid[: part.shape[0], : part.shape[1]]
    pitch = float(rng.uniform(0.25, 0.8))
    lines = np.sin((x + y) * pitch) * np.sin((x - y) * pitch) > rng.uniform(-0.4, 0.4)
    part[:] = np.where(lines, dark, pick(rng, (235, 200, dark + 50)))


def coin(rng: np.random.Generator, art: Art, side: int) -> Sprite:
    """A coin lying flat: rim, relief of a head, figures or a wreath, plain or of two metals."""
    side = max(14, side)
    big = max(48, min(2 * side, 160))
    y, x = (np.mgrid[:big, :big] + 0.5) / big * 2 - 1
    far = np.hypot(x, y)
    relief = _relief(rng, art, big)
    rim = rng.uniform(0.86, 0.94)
    raised = relief + 1.5 * (far > rim)
    raised = np.asarray(cv2.GaussianBlur(raised, (0, 0), big / 110))
    slope_y, slope_x = np.gradient(raised * big / 22)
    way = rng.uniform(0, 2 * np.pi)
    tone = float(rng.uniform(55, 215))
    metal = np.full_like(far, tone)
    if chance(rng, 0.3):
        metal[far < rng.uniform(0.62, 0.75)] *= rng.uniform(0.65, 1.4)
    depth = float(rng.uniform(12, 70))
    light = metal + depth * (slope_x * np.cos(way) + slope_y * np.sin(way))
    light += rng.uniform(0, 40) * (x * np.cos(way) + y * np.sin(way))
    light += rng.uniform(0, 14) * cloud(rng, big, big, 6, 6)
    light -= rng.uniform(0, 50) * (relief < 0.2) * (far < rim)
    light *= np.where(far > 0.965, rng.uniform(0.4, 0.9), 1.0)
    alpha = np.clip((1 - far) * big / 2, 0, 1) * 255
    made = Sprite(grey(light), alpha.astype(np.uint8))
    return made.sized(side, side) if side < big else made.enlarged(side / big)


def _relief(rng: np.random.Generator, art: Art, big: int) -> Floats:
    """Heights (big, big) of what stands out from a coin's ground."""
    sheet = np.zeros((big, big), np.uint8)
    middle = big // 2
    way = rng.random()
    if way < 0.45:
        figure = pick(rng, ("1", "2", "5", "10", "20", "50", "25", "100"))
        at = (big * rng.uniform(0.35, 0.6), middle + big * 0.1, 40 if big > 80 else 28)
        art.write(rng, sheet, figure, at, 255)
    elif way < 0.8:
        centre = (middle + int(rng.normal(0, big * 0.04)), int(big * 0.42))
        axes = (int(big * rng.uniform(0.13, 0.2)), int(big * rng.uniform(0.18, 0.26)))
        cv2.ellipse(sheet, centre, axes, rng.uniform(-25, 25), 0, 360, 255, cv2.FILLED)
        nose = (centre[0] + pick(rng, (-1, 1)) * axes[0], centre[1])
        cv2.circle(sheet, nose, max(1, axes[0] // 3), 255, cv2.FILLED)
        cv2.ellipse(sheet, (middle, int(big * 0.82)), (int(big * 0.26), int(big * 0.16)), 0, 0, 360,
                    255, cv2.FILLED)  # fmt: skip
    else:
        for _ in range(int(rng.integers(3, 9))):
            ring = (rng.uniform(0.2, 0.8, (4, 2)) * big).astype(np.int32)
            cv2.polylines(sheet, [ring.reshape(-1, 1, 2)], True, 255, 2)
    for angle in np.arange(0, 2 * np.pi, rng.uniform(0.2, 0.6)):
        at_x, at_y = (int(middle + 0.76 * middle * turn) for turn in (np.cos(angle), np.sin(angle)))
        cv2.circle(sheet, (at_x, at_y), max(1, big // 45), 255, cv2.FILLED)
    return sheet / 255.0
