"""What printers, paper, scanners and phones do to a page."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]


def weather(
    rng: np.random.Generator, pixels: Pixels, glyphs: Points, px: float
) -> tuple[Pixels, Points]:
    """Age a clean page whose text has `px` pixels an em; letters move with the paper."""
    if rng.random() < 0.5:
        pixels, glyphs = _skew(rng, pixels, glyphs)
    if rng.random() < 0.5:
        pixels = cv2.GaussianBlur(pixels, (3, 3), float(rng.uniform(0.3, 0.9)))  # type: ignore[assignment]
    return pixels, glyphs


def _skew(rng: np.random.Generator, pixels: Pixels, glyphs: Points) -> tuple[Pixels, Points]:
    height, width = pixels.shape
    angle = float(rng.normal(0.0, 0.7))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.clip(angle, -2, 2)), 1.0)
    turned = cv2.warpAffine(pixels, turn, (width, height), borderValue=255)
    moved = glyphs.copy()
    moved[:, :2] = glyphs[:, :2] @ turn[:, :2].T + turn[:, 2]
    return turned, moved  # type: ignore[return-value]
