"""How a stored page is shown: at the model's size, and with another crop, tilt and light."""

import cv2
import numpy as np
import numpy.typing as npt

from docextract.framing import fit_size

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Glyphs = npt.NDArray[np.int32]


def plain(grey: Grey, letters: Points, budget: int) -> tuple[Grey, Glyphs]:
    """The page as the app shows it: resized to `budget` visual tokens and nothing else."""
    size = fit_size(grey.shape[1], grey.shape[0], budget)
    return _warped(grey, letters, np.zeros(4), 0.0, size)


def moved(
    rng: np.random.Generator, grey: Grey, letters: Points, budget: int
) -> tuple[Grey, Glyphs]:
    """The page with another crop, aspect and tilt, in at most `budget` tokens."""
    border = rng.uniform(-0.004, 0.04, 4) * (rng.random(4) < 0.7)
    stretch = np.exp(rng.normal(0, 0.05))
    shape = (
        grey.shape[1] * stretch * (1 + border[:2].sum()),
        grey.shape[0] * (1 + border[2:].sum()),
    )
    size = fit_size(*shape, int(budget * rng.uniform(0.7, 1.0)))
    return _warped(grey, letters, border, float(rng.normal(0, 0.7)), size)


def varied(
    rng: np.random.Generator, grey: Grey, letters: Points, budget: int
) -> tuple[Grey, Glyphs]:
    """The page with another crop, aspect, tilt, light and sharpness."""
    pixels, glyphs = moved(rng, grey, letters, budget)
    return lit(pixels, rng), glyphs


def _warped(
    grey: Grey, letters: Points, border: Points, degrees: float, size: tuple[int, int]
) -> tuple[Grey, Glyphs]:
    """Crop (fractions left, right, top, bottom added), turn and resize in one step."""
    height, width = grey.shape
    left, top = border[0] * width, border[2] * height
    across = size[0] / (width * (1 + border[0] + border[1]))
    down = size[1] / (height * (1 + border[2] + border[3]))
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
    place = np.array([[across, 0, left * across], [0, down, top * down], [0, 0, 1]])
    matrix = turn @ place
    if degrees == 0 and not border.any():
        shrinks = across < 1 and down < 1
        pixels = cv2.resize(
            grey, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )
    else:
        if max(across, down) < 0.7:  # every pixel counts, not one in two
            pixels = cv2.resize(grey, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)
            share = np.diag([width / pixels.shape[1], height / pixels.shape[0], 1.0])
            grey, matrix_of_pixels = np.asarray(pixels, np.uint8), matrix @ share
        else:
            matrix_of_pixels = matrix
        pixels = cv2.warpAffine(
            grey, matrix_of_pixels, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    middles = letters[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    glyphs = np.column_stack([middles, letters[:, 2]]).round().astype(np.int32)
    return np.asarray(pixels, np.uint8), glyphs


def lit(pixels: Grey, rng: np.random.Generator) -> Grey:
    """Other light, contrast, sharpness and grain."""
    kind = rng.random()
    if kind < 0.2:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (3, 3), rng.uniform(0.3, 0.9)), np.uint8)
    elif kind < 0.35:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        pixels = np.asarray(cv2.addWeighted(pixels, 1.6, soft, -0.6, 0), np.uint8)
    levels = np.arange(256, dtype=np.float32) / 255
    levels = levels ** np.exp(rng.normal(0, 0.25)) * rng.uniform(0.7, 1.1) + rng.uniform(-0.12, 0.1)
    pixels = np.asarray(cv2.LUT(pixels, (levels.clip(0, 1) * 255).astype(np.uint8)), np.uint8)
    if rng.random() < 0.4:
        grain = np.empty(pixels.shape, np.int16)
        cv2.randn(grain, np.zeros(1), np.array([rng.uniform(1, 9)]))
        pixels = np.asarray(cv2.add(pixels, grain, dtype=cv2.CV_8U), np.uint8)
    return pixels
