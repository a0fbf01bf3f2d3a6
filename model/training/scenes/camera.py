"""What lies between a scene and its picture: the place one looks from, light, lens and sensor."""

import cv2
import numpy as np

from training.scenes.stage import Matrix, Pixels, Stage, grey, u8
from training.scenes.textures import cloud, grain
from training.synthetic.values import chance

_FAINT = 16.0
"""A camera raises the contrast of greys that deviate less than this."""


def look(rng: np.random.Generator, stage: Stage, most: float) -> None:
    """Look at the stage from another place: cut by up to `most` a side, slanted and turned."""
    stage.warp(_view(rng, stage.size, most))


def _view(rng: np.random.Generator, size: tuple[int, int], most: float) -> Matrix:
    wide, high = size
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    inset = rng.uniform(0, most, (4, 2)).astype(np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    # Corners that lie inside the stage fill the frame, so that no border comes in sight.
    taken = (corners + inset * inwards) * (wide, high)
    whole = corners * (wide, high)
    found = cv2.getPerspectiveTransform(taken.astype(np.float32), whole.astype(np.float32))
    return np.asarray(found, np.float64)


def photograph(rng: np.random.Generator, pixels: Pixels, finest: float) -> Pixels:
    """The picture as a camera takes it; `finest` is the side in px of the smallest thing in it."""
    if chance(rng, 0.7):
        pixels = _uneven(rng, pixels)
    if chance(rng, 0.2):
        pixels = _glare(rng, pixels)
    pixels = _exposed(pixels)
    if chance(rng, 0.85):
        pixels = _tone(rng, pixels)
    pixels = _blurred(rng, pixels, finest)
    if chance(rng, 0.75):
        pixels = grain(rng, pixels, float(rng.gamma(2, 2)) + 0.5, int(rng.integers(0, 2)))
    if chance(rng, 0.25):
        pixels = _stored(rng, pixels)
    return pixels


def _uneven(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Light from a side, shadows of what is out of sight, dark corners."""
    high, wide = pixels.shape
    small = (wide // 8 + 1, high // 8 + 1)
    waves = cloud(rng, *small, rng.uniform(2, 5), rng.uniform(2, 4))
    gain = 1 + float(rng.uniform(0.02, 0.2)) * waves
    if chance(rng, 0.25):
        dark = np.ones(small[::-1], np.float32)
        ring = (rng.uniform(-0.3, 1.3, (4, 2)) * small).astype(np.int32).reshape(-1, 1, 2)
        cv2.fillPoly(dark, [ring], float(rng.uniform(0.4, 0.85)))
        gain *= cv2.GaussianBlur(dark, (0, 0), float(rng.uniform(0.4, 8)))
    if chance(rng, 0.3):
        x, y = np.linspace(-1, 1, small[0]), np.linspace(-1, 1, small[1])[:, None]
        gain *= (1 - rng.uniform(0.1, 0.5) * (x * x + y * y) / 2).astype(np.float32)
    full = cv2.resize(np.clip(gain * 128, 0, 255).astype(np.uint8), (wide, high))
    return u8(cv2.multiply(pixels, full, scale=1 / 128))


def _glare(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Lamps mirrored in glass or film: soft bright patches and bands."""
    high, wide = pixels.shape
    small = (wide // 8 + 1, high // 8 + 1)
    shine = np.zeros(small[::-1], np.float32)
    for _ in range(int(rng.integers(1, 4))):
        middle = tuple(int(v) for v in rng.uniform(0, 1, 2) * small)
        axes = tuple(int(v) + 1 for v in rng.uniform(0.01, 0.14, 2) * small[0])
        strength = float(rng.uniform(20, 90))
        cv2.ellipse(shine, middle, axes, rng.uniform(0, 180), 0, 360, strength, cv2.FILLED)
    soft = cv2.GaussianBlur(shine, (0, 0), float(rng.uniform(1, 6)))
    full = cv2.resize(np.clip(soft, 0, 255).astype(np.uint8), (wide, high))
    return u8(cv2.add(pixels, full))


def _exposed(pixels: Pixels) -> Pixels:
    """What a camera does by itself to a picture that would come out all of one grey."""
    spread = float(pixels[::8, ::8].std())
    if spread >= _FAINT:
        return pixels
    gain = _FAINT / max(spread, 2.0)
    return u8(cv2.convertScaleAbs(pixels, alpha=gain, beta=(1 - gain) * float(pixels.mean())))


def _tone(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Exposure, contrast and gamma in one table."""
    ramp = np.linspace(0, 1, 256) ** float(np.exp(rng.normal(0, 0.3)))
    low = abs(float(rng.normal(0, 25)))
    top = 255 - float(rng.normal(0, 25))
    return u8(cv2.LUT(pixels, grey(low + (max(top, low + 70) - low) * ramp)))


def _blurred(rng: np.random.Generator, pixels: Pixels, finest: float) -> Pixels:
    """Out of focus, moved, or enlarged from fewer pixels; fine things are harmed less."""
    most = float(np.clip(finest / 16, 0.5, 3))
    roll = rng.random()
    if roll < 0.45:
        return u8(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.35, most))))
    if roll < 0.55:
        long = int(rng.integers(2, 3 + int(2 * most)))
        trace = np.zeros((long, long), np.float32)
        x0, y0, x1, y1 = (int(v) for v in rng.integers(0, long, 4))
        cv2.line(trace, (x0, y0), (x1, y1), 1.0, 1)
        return u8(cv2.filter2D(pixels, -1, trace / trace.sum()))
    if roll < 0.75:
        high, wide = pixels.shape
        share = float(rng.uniform(max(0.4, min(0.9, 10 / finest)), 0.95))
        size = int(wide * share), int(high * share)
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return u8(cv2.resize(small, (wide, high), interpolation=cv2.INTER_CUBIC))
    if roll < 0.85:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        return u8(cv2.addWeighted(pixels, 1.7, soft, -0.7, 0))
    return pixels


def _stored(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
    _, stored = cv2.imencode(".jpg", pixels, quality)
    return u8(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE))
