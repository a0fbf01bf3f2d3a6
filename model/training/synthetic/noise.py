"""What printers, paper, scanners and phones do to a page.

All steps work on uint8 grey with OpenCV and cost a few milliseconds a page together. A step that
moves paper moves the letters' places with it.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.wear import wear

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

_GRAIN_SIDE = 1024
# Below this many pixels an em, letters lose their shape to any further harm.
_FRAGILE_PX = 12
# Letters of this size can stand further away from a camera.
_ROOMY_PX = 18
# Ink that is printed paler than this grey is not made to fade as well.
_PALE = 80
# A row of pixels that holds anything darker than this is not blank.
_INKED = 150


def weather(
    rng: np.random.Generator, pixels: Pixels, glyphs: Points, px: float
) -> tuple[Pixels, Points]:
    """Age a clean page whose text has `px` pixels an em; letters move with the paper."""
    sturdy = px >= _FRAGILE_PX

    def roll(odds: float) -> bool:
        return bool(rng.random() < odds)

    if roll(0.12):
        return pixels, glyphs
    dark = int(pixels.min()) < _PALE
    faded = dark and roll(0.32)
    if faded:
        pixels = _uneven_ink(rng, pixels)
    if dark and not faded and sturdy and roll(0.16):
        pixels = _dots(rng, pixels, px)
    elif dark and not faded and sturdy and roll(0.3):
        pixels = wear(rng, pixels, px)
        faded = True
    if roll(0.16):
        _pen(rng, pixels)
    if roll(0.08):
        _stamp(rng, pixels)
    if roll(0.5):
        pixels, glyphs = _skew(rng, pixels, glyphs)
    elif roll(0.16):
        pixels, glyphs = _bend(rng, pixels, glyphs)
    elif px >= _ROOMY_PX and roll(0.15):
        pixels, glyphs = _photo(rng, pixels, glyphs)
    if sturdy and roll(0.14):
        pixels = _weight(rng, pixels)
    if dark and not faded and sturdy and roll(0.3):
        pixels = _coarse(rng, pixels, px)
    elif roll(0.4):
        strength = float(rng.uniform(0.3, 1.0 if sturdy else 0.5))
        pixels = _u8(cv2.GaussianBlur(pixels, (3, 3), strength))
    if roll(0.65):
        pixels = _contrast(rng, pixels)
    if roll(0.22):
        pixels = _light(rng, pixels)
    if roll(0.1):
        _folds(rng, pixels)
    if roll(0.12):
        _scan_edge(rng, pixels)
    if roll(0.06):
        _torn(rng, pixels)
    if roll(0.05):
        _holes(rng, pixels)
    if roll(0.05):
        pixels = _shadow(rng, pixels)
    if roll(0.4):
        pixels = _grain(rng, pixels)
    if roll(0.3):
        _specks(rng, pixels)
    if roll(0.16):
        pixels = _jpeg(rng, pixels)
    elif dark and sturdy and not faded and roll(0.09):
        limit = float(np.median(pixels)) * float(rng.uniform(0.6, 0.8))
        pixels = _u8(cv2.threshold(pixels, limit, 255, cv2.THRESH_BINARY)[1])
    return pixels, glyphs


def _u8(picture: object) -> Pixels:
    return np.asarray(picture, dtype=np.uint8)


def _soft_map(
    rng: np.random.Generator, shape: tuple[int, ...], cells: tuple[int, int], low: int, high: int
) -> Pixels:
    """A smooth random field over the page with values from `low` to `high`."""
    coarse = rng.integers(low, high + 1, size=cells).astype(np.uint8)
    return _u8(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def _thin(pixels: Pixels, gain: Pixels) -> Pixels:
    """Keep `gain` / 255 of the ink."""
    return _u8(cv2.bitwise_not(cv2.multiply(cv2.bitwise_not(pixels), gain, scale=1 / 255)))


def _uneven_ink(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """A thermal head's faults: fading patches, pale bands, dead dots that leave white lines."""
    height, width = pixels.shape
    low = int(rng.integers(90, 200))
    cells = (int(rng.integers(2, 24)), int(rng.integers(2, 8)))
    gain = _soft_map(rng, pixels.shape, cells, low, 255)
    if rng.random() < 0.35:
        for x in rng.integers(0, width, int(rng.integers(1, 6))):
            gain[:, x : x + int(rng.integers(1, 3))] //= 3
    if rng.random() < 0.35:
        for y in rng.integers(0, height, int(rng.integers(3, 40))):
            gain[y : y + 1] //= 2
    return _thin(pixels, gain)


def _dots(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """Letters made of pins: the ink is cut by a grid about ten pins an em."""
    pitch = max(2, round(px / float(rng.uniform(8, 11))))
    pin = np.full((pitch, pitch), 255, np.uint8)
    pin[0, :] = pin[:, 0] = int(rng.integers(30, 130))
    height, width = pixels.shape
    grid = np.tile(pin, (height // pitch + 1, width // pitch + 1))[:height, :width]
    return _thin(pixels, np.ascontiguousarray(grid))


def _pen(rng: np.random.Generator, pixels: Pixels) -> None:
    """Strokes of a pen: ticks, rings, underlines, scrawl."""
    height, width = pixels.shape
    for _ in range(int(rng.integers(1, 4))):
        at = rng.uniform(0, 1, 2) * (width, height)
        if rng.random() < 0.35:
            axes = rng.uniform(0.03, 0.12, 2) * width
            angles = np.linspace(0.2, 6.0, 40)
            path = at + np.stack([np.cos(angles) * axes[0], np.sin(angles) * axes[1]], 1)
        else:
            steps = rng.normal(0, width * 0.02, size=(int(rng.integers(3, 16)), 2))
            path = at + np.cumsum(steps + (width * 0.008, 0), axis=0)
        stroke = path.astype(np.int32).reshape(-1, 1, 2)
        grey, thick = int(rng.integers(20, 170)), int(rng.integers(1, 3))
        cv2.polylines(pixels, [stroke], False, grey, thick, cv2.LINE_AA)


def _stamp(rng: np.random.Generator, pixels: Pixels) -> None:
    """The pale outline of a rubber stamp, without words so that it hides no lesson."""
    height, width = pixels.shape
    x, y = (int(v) for v in rng.uniform(0.15, 0.85, 2) * (width, height))
    a, b = int(width * rng.uniform(0.06, 0.16)), int(width * rng.uniform(0.03, 0.12))
    angle, grey = float(rng.uniform(-35, 35)), int(rng.integers(120, 210))
    mark = np.full_like(pixels, 255)
    if rng.random() < 0.5:
        cv2.ellipse(mark, (x, y), (a, b), angle, 0, 360, grey, 3, cv2.LINE_AA)
        cv2.ellipse(mark, (x, y), (a * 3 // 4, b * 3 // 4), angle, 0, 360, grey, 1, cv2.LINE_AA)
    else:
        corners = cv2.boxPoints(((x, y), (2 * a, 2 * b), angle)).astype(np.int32)
        cv2.polylines(mark, [corners.reshape(-1, 1, 2)], True, grey, 3, cv2.LINE_AA)
    np.minimum(pixels, mark, out=pixels)


def _skew(rng: np.random.Generator, pixels: Pixels, glyphs: Points) -> tuple[Pixels, Points]:
    """The paper lies turned by up to two degrees, a little sheared."""
    height, width = pixels.shape
    angle = float(np.clip(rng.normal(0.0, 0.7), -2, 2))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, float(rng.uniform(0.98, 1.0)))
    turn[0, 1] += float(rng.normal(0.0, 0.004))
    turned = cv2.warpAffine(
        pixels, turn, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=255.0
    )
    moved = glyphs.copy()
    moved[:, :2] = glyphs[:, :2] @ turn[:, :2].T + turn[:, 2]
    return _u8(turned), moved


def _bend(rng: np.random.Generator, pixels: Pixels, glyphs: Points) -> tuple[Pixels, Points]:
    """The paper is curled: its lines run in a shallow wave."""
    height, width = pixels.shape
    depth = float(rng.uniform(2, 7)) * (1 if rng.random() < 0.5 else -1)
    phase, waves = float(rng.uniform(0, 6.3)), float(rng.uniform(0.3, 1.2))

    def lift(x: Points) -> Points:
        return np.asarray(depth * np.sin(phase + waves * 2 * np.pi * x / width))

    xs = np.arange(width, dtype=np.float32)
    sources = np.arange(height, dtype=np.float32)[:, None] + lift(xs.astype(np.float64))[None, :]
    columns = np.broadcast_to(xs, (height, width))
    bent = cv2.remap(
        pixels,
        np.ascontiguousarray(columns),
        sources.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255.0,
    )
    moved = glyphs.copy()
    moved[:, 1] -= lift(glyphs[:, 0])
    return _u8(bent), moved


def _photo(rng: np.random.Generator, pixels: Pixels, glyphs: Points) -> tuple[Pixels, Points]:
    """The paper lies on a table, seen a little from the side."""
    height, width = pixels.shape
    size = np.array([width, height], np.float32)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * size
    centre = size / 2
    inset = rng.uniform(0.01, 0.09, (4, 2)).astype(np.float32)
    seen = corners + np.sign(centre - corners) * inset * size
    turn = cv2.getPerspectiveTransform(corners, seen)
    dark = int(rng.integers(0, 190))
    table = _soft_map(rng, pixels.shape, (int(rng.integers(2, 60)), int(rng.integers(2, 30))),
                      dark, dark + int(rng.integers(5, 60)))  # fmt: skip
    shown = cv2.warpPerspective(
        pixels, turn, (width, height), dst=table, borderMode=cv2.BORDER_TRANSPARENT
    )
    moved = glyphs.copy()
    if len(glyphs):
        moved[:, :2] = cv2.perspectiveTransform(glyphs[None, :, :2], turn)[0]
    return _u8(shown), moved


def _weight(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Ink that bleeds, or strokes that come out too thin."""
    kernel = np.ones((2, 2) if rng.random() < 0.5 else (1, 2), np.uint8)
    changed = cv2.erode(pixels, kernel) if rng.random() < 0.7 else cv2.dilate(pixels, kernel)
    share = float(rng.uniform(0.4, 1.0)) if rng.random() < 0.7 else 0.5
    return _u8(cv2.addWeighted(changed, share, pixels, 1 - share, 0))


def _coarse(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """A scan of low resolution, enlarged again; an em keeps ten pixels at least."""
    height, width = pixels.shape
    share = max(float(rng.uniform(0.4, 0.85)), min(1.0, 10 / px))
    size = (max(1, int(width * share)), max(1, int(height * share)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.35:
        # Black and white at that resolution: ragged strokes, as faxes and cheap scanners give.
        limit = float(np.median(small)) * float(rng.uniform(0.6, 0.8))
        small = cv2.threshold(small, limit, 255, cv2.THRESH_BINARY)[1]
    how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
    return _u8(cv2.resize(small, (width, height), interpolation=how))


def _contrast(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Grey paper, pale ink, another gamma: one table for all pixels."""
    paper = 255 - abs(float(rng.normal(0, 20)))
    ink = abs(float(rng.normal(0, 35)))
    paper, ink = max(paper, 150), min(ink, 110)
    ramp = np.linspace(0, 1, 256) ** float(rng.uniform(0.6, 1.6))
    return _u8(cv2.LUT(pixels, (ink + (paper - ink) * ramp).astype(np.uint8)))


def _light(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Uneven light, or the shadow of a hand."""
    cells = (int(rng.integers(2, 6)), int(rng.integers(2, 5)))
    gain = _soft_map(rng, pixels.shape, cells, int(rng.integers(150, 240)), 255)
    return _u8(cv2.multiply(pixels, gain, scale=1 / 255))


def _folds(rng: np.random.Generator, pixels: Pixels) -> None:
    """Creases: a dark line with a bright one beside it, across or along."""
    height, width = pixels.shape
    for _ in range(int(rng.integers(1, 4))):
        depth, band = int(rng.integers(15, 60)), int(rng.integers(1, 4))
        if rng.random() < 0.6:
            at = int(rng.integers(0, height))
            strip, beside = pixels[at : at + band], pixels[at + band : at + 2 * band]
        else:
            at = int(rng.integers(0, width))
            strip, beside = pixels[:, at : at + band], pixels[:, at + band : at + 2 * band]
        strip[...] = np.maximum(strip, depth) - depth
        beside[...] = np.minimum(beside, 255 - depth) + depth


def _scan_edge(rng: np.random.Generator, pixels: Pixels) -> None:
    """The dark lid of a scanner along edges or in a corner, outside the text's margin."""
    height, width = pixels.shape
    dark = int(rng.integers(0, 90))
    most = max(3, width // 60)
    for _ in range(int(rng.integers(1, 4))):
        side, thick = int(rng.integers(0, 5)), int(rng.integers(2, most + 1))
        if side == 0:
            pixels[:thick] = dark
        elif side == 1:
            pixels[-thick:] = dark
        elif side == 2:
            pixels[:, :thick] = dark
        elif side == 3:
            pixels[:, -thick:] = dark
        else:
            run = 3 * most
            x, y = _corner(rng, width, height)
            towards = (run if x == 0 else -run, run if y == 0 else -run)
            corner = np.array([[x, y], [x + towards[0], y], [x, y + towards[1]]], np.int32)
            cv2.fillPoly(pixels, [corner.reshape(-1, 1, 2)], dark)


def _torn(rng: np.random.Generator, pixels: Pixels) -> None:
    """A ragged upper edge of the paper before a dark ground, within the upper margin."""
    height, width = pixels.shape
    inked = np.flatnonzero(pixels[: height // 10].min(axis=1) < _INKED)
    depth = min(height, width, 60 * int(inked[0]) if len(inked) else height) / 60
    xs = np.linspace(0, width, int(rng.integers(8, 60)))
    ys = rng.uniform(0, depth, len(xs))
    edge = np.stack([xs, ys], 1)
    ground = np.concatenate([edge, [(width, -1.0), (0.0, -1.0)]]).astype(np.int32)
    cv2.fillPoly(pixels, [ground.reshape(-1, 1, 2)], int(rng.integers(0, 70)))


def _holes(rng: np.random.Generator, pixels: Pixels) -> None:
    """Holes of a punch near the left edge, or a staple's, pale with a dark rim."""
    height, width = pixels.shape
    side = max(3, width // int(rng.integers(50, 90)))
    x, y = int(rng.uniform(0.01, 0.04) * width), int(rng.uniform(0.1, 0.8) * height)
    for centre in ((x, y), (x, y + int(rng.uniform(0.08, 0.3) * height))):
        cv2.circle(pixels, centre, side, int(rng.integers(60, 180)), cv2.FILLED, cv2.LINE_AA)
        inner = (centre[0] + 1, centre[1] + 1)
        cv2.circle(pixels, inner, side - 1, int(rng.integers(200, 256)), cv2.FILLED, cv2.LINE_AA)


def _shadow(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """The soft shadow of whoever holds the camera: one side of a slanted line is darker."""
    height, width = pixels.shape
    coarse = np.full((64, 64), 255, np.uint8)
    points = rng.uniform(0, 64, (4, 2))
    points[0], points[1] = (0, rng.uniform(0, 64)), (64, rng.uniform(0, 64))
    points[2], points[3] = (64, 64), (0, 64)
    cv2.fillPoly(coarse, [points.astype(np.int32).reshape(-1, 1, 2)], int(rng.integers(120, 215)))
    soft = cv2.GaussianBlur(coarse, (0, 0), float(rng.uniform(1, 6)))
    mask = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return _u8(cv2.multiply(pixels, mask, scale=1 / 255))


def _corner(rng: np.random.Generator, width: int, height: int) -> tuple[int, int]:
    """One of the four corners of a page."""
    return (0, width - 1)[int(rng.integers(2))], (0, height - 1)[int(rng.integers(2))]


@lru_cache(maxsize=1)
def _grain_bank() -> NDArray[np.float32]:
    """One fixed square of noise; pages take windows of it, since drawing fresh noise is slow."""
    return np.random.default_rng(0).normal(0, 1, (_GRAIN_SIDE, _GRAIN_SIDE)).astype(np.float32)


@lru_cache(maxsize=8)
def _grain_of(strength: int, soft: bool) -> NDArray[np.int16]:
    bank = _grain_bank()
    if soft:
        bank = np.asarray(cv2.GaussianBlur(bank, (3, 3), 0.8) * 2.2, np.float32)
    return (bank * strength).astype(np.int16)


def _grain(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """The noise of a sensor."""
    height, width = pixels.shape
    grain = _grain_of(int(rng.choice((2, 4, 7, 12))), bool(rng.random() < 0.5))
    grain = np.roll(grain, int(rng.integers(0, _GRAIN_SIDE)), axis=1)
    repeats = (height // _GRAIN_SIDE + 1, width // _GRAIN_SIDE + 1)
    sheet = np.tile(grain, repeats)[:height, :width]
    return _u8(cv2.add(pixels, np.ascontiguousarray(sheet), dtype=cv2.CV_8U))


def _specks(rng: np.random.Generator, pixels: Pixels) -> None:
    """Dust: dark and bright points of one to three pixels."""
    height, width = pixels.shape
    most = max(2, height * width // 5000)
    for shade in (int(rng.integers(0, 120)), 255):
        count = int(rng.integers(0, most))
        xs, ys = rng.integers(0, width - 1, count), rng.integers(0, height - 1, count)
        pixels[ys, xs] = shade
        large = count // 4
        pixels[ys[:large], xs[:large] + 1] = shade
        pixels[ys[:large] + 1, xs[:large]] = shade


def _jpeg(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Stored as a JPEG of middling quality once."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(22, 85))]
    _, stored = cv2.imencode(".jpg", pixels, quality)
    return _u8(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE))
