"""Faults of the print itself, for drawn pages and for scans: strokes that are lost, run or double.

Receipts that are read wrong are seldom dim or askew. Their horizontal strokes are missing while the
vertical ones stand, letters are hollow or printed twice, dots of the head are dead. Ink is measured
against the paper around it, so that grey scans keep their paper.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_Fault = Callable[[np.random.Generator, Pixels, float], Pixels]

# Letters smaller than this many pixels an em bear half of the harm.
_SMALL_PX = 17
_COARSER = 4
"""The paper is sought on a picture so many times smaller."""


def wear(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """The page with one fault of its print, now and then two; text has `px` pixels an em."""
    for number in rng.permutation(len(_FAULTS))[: 1 + int(rng.random() < 0.25)]:
        pixels = _FAULTS[int(number)](rng, pixels, px)
    return pixels


def _u8(picture: object) -> Pixels:
    return np.asarray(picture, dtype=np.uint8)


def _paper(pixels: Pixels) -> Pixels:
    """The page without what is printed on it."""
    height, width = pixels.shape
    size = (max(1, width // _COARSER), max(1, height // _COARSER))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    blank = cv2.blur(cv2.dilate(small, np.ones((7, 7), np.uint8)), (7, 7))
    return _u8(cv2.resize(blank, (width, height), interpolation=cv2.INTER_LINEAR))


def _map(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Pixels:
    """A smooth field over the page, of shares in 255ths; one row and column gives an even one."""
    cells = (int(rng.integers(1, 9)), int(rng.integers(1, 5)))
    coarse = (rng.uniform(low, high, cells) * 255).astype(np.uint8)
    return _u8(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def _towards(pixels: Pixels, brighter: Pixels, share: Pixels) -> Pixels:
    """Go `share` / 255 of the way to a brighter picture."""
    way = cv2.multiply(cv2.subtract(brighter, pixels), share, scale=1 / 255)
    return _u8(cv2.add(pixels, way))


def _harm(px: float) -> float:
    return 1.0 if px >= _SMALL_PX else 0.5


def _reach(rng: np.random.Generator, px: float) -> int:
    """Pixels that a stroke loses or gains, and one more."""
    return int(rng.integers(2, max(3, round(px / 9) + 1)))


def _thinned(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """The strokes of one direction are too thin, or nearly gone."""
    reach = _reach(rng, px)
    kernel = np.ones((reach, 1) if rng.random() < 0.6 else (1, reach), np.uint8)
    harm = _harm(px)
    share = _map(rng, pixels.shape, 0.3 * harm, 0.95 * harm)
    return _towards(pixels, _u8(cv2.dilate(pixels, kernel)), share)


def _bled(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """Ink has run, and small openings close."""
    reach = _reach(rng, px)
    shapes = ((reach, reach), (1, reach), (reach, 1))
    kernel = np.ones(shapes[int(rng.integers(3))], np.uint8)
    share = float(rng.uniform(0.3, 0.9)) * _harm(px)
    return _u8(cv2.addWeighted(cv2.erode(pixels, kernel), share, pixels, 1 - share, 0))


def _hollow(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """The middle of the strokes is paler than their edges."""
    core = cv2.dilate(pixels, np.ones((_reach(rng, px),) * 2, np.uint8))
    lost = cv2.subtract(_paper(pixels), core)
    share = _map(rng, pixels.shape, 0.3, 0.85)
    return _u8(cv2.add(pixels, cv2.multiply(lost, share, scale=_harm(px) / 255)))


def _doubled(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """Printed twice, the second time beside the first and paler."""
    most = max(1.0, px / 12)
    move = np.array([[1, 0, rng.uniform(-most, most)], [0, 1, rng.uniform(-most, most) / 2]])
    size = (pixels.shape[1], pixels.shape[0])
    second = cv2.warpAffine(pixels, move, size, borderMode=cv2.BORDER_REPLICATE)
    share = float(rng.uniform(0.25, 0.8)) * _harm(px)
    return _u8(cv2.min(pixels, cv2.addWeighted(second, share, _paper(pixels), 1 - share, 0)))


def _ragged(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """Grains of the ink are missing."""
    height, width = pixels.shape
    grain = float(rng.uniform(1.2, 3.2))
    size = (max(1, int(width / grain)), max(1, int(height / grain)))
    noise = np.frombuffer(rng.bytes(size[0] * size[1]), np.uint8).reshape(size[1], size[0])
    soft = _u8(cv2.GaussianBlur(noise, (3, 3), 0.8))
    # The share of the grains that are lost, and how sharply.
    limit = float(rng.uniform(110, 155))
    ramp = ((np.arange(256) - limit) * rng.uniform(4, 12)).clip(0, 255).astype(np.uint8)
    holes = cv2.resize(cv2.LUT(soft, ramp), (width, height), interpolation=cv2.INTER_LINEAR)
    share = cv2.multiply(_u8(holes), _map(rng, pixels.shape, 0.3, 0.9), scale=_harm(px) / 255)
    return _towards(pixels, _paper(pixels), _u8(share))


def _faded(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """Parts of the print are pale."""
    share = _map(rng, pixels.shape, 0.0, 0.8 if px >= _SMALL_PX else 0.6)
    return _towards(pixels, _paper(pixels), share)


def _scratched(rng: np.random.Generator, pixels: Pixels, px: float) -> Pixels:
    """Dead dots of the head leave pale lines along the paper, a jerk of the paper some across."""
    height, width = pixels.shape
    share = np.zeros_like(pixels)
    for x in rng.integers(0, width, int(rng.integers(1, max(2, int(width / px / 3))))):
        share[:, x : x + 1 + int(rng.random() < 0.3)] = int(rng.integers(90, 230))
    for y in rng.integers(0, height, int(rng.integers(1, max(2, int(height / px))))):
        start, deep = int(rng.integers(-width // 2, width)), 1 + int(rng.random() < 0.5)
        share[y : y + deep, max(start, 0) : start + width] = int(rng.integers(90, 230))
    return _towards(pixels, _paper(pixels), share)


_FAULTS: tuple[_Fault, ...] = (
    _thinned, _bled, _hollow, _doubled, _ragged, _faded, _scratched,
)  # fmt: skip
