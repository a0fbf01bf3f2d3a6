"""Takes one photo after the other for training, each time with another face."""

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from docextract.framing import fit_size
from training.counted.edit import Pieces, Strange, edited
from training.counted.store import CUTOUTS, CountedPhoto, load, scene_of
from training.real.show import lit
from training.real.store import Grey, Points
from training.scenes.stage import VISIBLE, Matrix, Scene, Sprite
from training.synthetic.values import chance, pick

_ODDS = {"die": 0.33, "playing card": 0.52, "coin": 0.15}
_TURNED_FREELY = 0.2
_MIRRORED = ("die", "coin")
"""Kinds that look as well in a mirror; the digits of cards do not."""


class Album:
    """The training photos of a prepared folder, to be drawn from without end."""

    def __init__(self, folder: Path, strange: Strange | None = None) -> None:
        """`strange` draws what may lie about in a photo, so many pixels long."""
        self._strange = strange
        self._photos: dict[str, list[CountedPhoto]] = defaultdict(list)
        for photo in load(folder, "train"):
            self._photos[photo.kind].append(photo)
        self._kinds = sorted(self._photos)
        odds = np.array([_ODDS[kind] for kind in self._kinds])
        self._odds = odds / odds.sum()
        self._pieces = pieces(folder / CUTOUTS)

    def __bool__(self) -> bool:
        """Whether there is any photo."""
        return bool(self._kinds)

    def scene(self, rng: np.random.Generator, budget: int) -> tuple[Scene, str]:
        """The next photo in at most `budget` visual tokens, and its kind."""
        photo = pick(rng, self._photos[self._kinds[int(rng.choice(len(self._odds), p=self._odds))]])
        return varied(rng, photo, self._pieces, budget, self._strange), photo.kind


def pieces(folder: Path) -> Pieces:
    """The cut-outs of a folder, by name."""
    found: dict[str, list[Sprite]] = defaultdict(list)
    for path in sorted(folder.glob("*/*.webp")):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if image is None or image.shape[2] != 4:
            raise ValueError(f"{path} is no cut-out")
        found[path.parent.name].append(
            Sprite(np.asarray(image[..., 0], np.uint8), np.asarray(image[..., 3], np.uint8))
        )
    return found


def varied(
    rng: np.random.Generator,
    photo: CountedPhoto,
    pieces: Pieces,
    budget: int,
    strange: Strange | None = None,
) -> Scene:
    """The photo with other things in it, from another side, in other light."""
    pixels, things, boxes = edited(rng, photo, pieces, strange)
    height, width = pixels.shape
    # The part that is shown: a quarter of the area and more, at times the table around it too.
    share = np.sqrt(rng.uniform(0.25, 1.0)) if chance(rng, 0.5) else rng.uniform(0.95, 1.15)
    part = share * np.array([width, height]) * np.exp(rng.normal(0, 0.06, 2))
    middle = np.array([width, height]) / 2
    middle = middle + rng.uniform(-0.5, 0.5, 2) * np.abs(np.array([width, height]) - part)
    quarter = int(rng.integers(4)) if chance(rng, 0.5) else 0
    shape = part[::-1] if quarter % 2 else part
    size = fit_size(shape[0], shape[1], max(16, int(budget * rng.uniform(0.7, 1.0))))
    matrix = _look(rng, middle, part, quarter, size, photo.kind in _MIRRORED and chance(rng, 0.5))
    shown = _through(rng, pixels, matrix, size)
    seen = [_in_sight(box, matrix, size) for box in boxes]
    kept = [index for index, place in enumerate(seen) if place is not None]
    places = np.array([seen[index] for index in kept], np.float64).reshape(-1, 3)
    shown = _worn(rng, lit(shown, rng))
    return scene_of(shown, [things[index] for index in kept], places[:, :2], places[:, 2])


def _look(
    rng: np.random.Generator,
    middle: Points,
    part: Points,
    quarter: int,
    size: tuple[int, int],
    mirrored: bool,
) -> Matrix:
    """The homography (3, 3) that shows a part of a photo in `size`, turned, tilted, mirrored."""
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * part
    angle = rng.uniform(-180, 180) if chance(rng, _TURNED_FREELY) else rng.normal(0, 4)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    corners = corners @ np.array([(cos, sin), (-sin, cos)])
    if chance(rng, 0.5):
        corners = corners * (1 + rng.uniform(-0.1, 0.1, (4, 1)))
    corners = np.roll(corners + middle, quarter, axis=0)
    if mirrored:
        corners = corners[[1, 0, 3, 2]]
    wide, high = size
    frame = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), frame), np.float64)


def _through(rng: np.random.Generator, pixels: Grey, matrix: Matrix, size: tuple[int, int]) -> Grey:
    """The photo through a homography; every pixel counts where it shrinks."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2] / matrix[2, 2]))))
    if scale < 0.7:
        small = np.asarray(
            cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        back = [pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0], 1.0]
        pixels, matrix = small, matrix @ np.diag(back)
    border = cv2.BORDER_REPLICATE if chance(rng, 0.5) else cv2.BORDER_CONSTANT
    around = int(rng.integers(0, 256))
    shown = cv2.warpPerspective(pixels, matrix, size, borderMode=border, borderValue=around)
    return np.asarray(shown, np.uint8)


def _in_sight(
    box: Points, matrix: Matrix, size: tuple[int, int]
) -> tuple[float, float, float] | None:
    """Middle and mean side of what is seen of a thing, in pixels; None where it does not count."""
    x0, y0, x1, y1 = box
    ring = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]])
    there = cv2.perspectiveTransform(ring, matrix)[0].astype(np.float32)
    wide, high = size
    frame = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
    area, seen = cv2.intersectConvexConvex(there, frame)
    if seen is None or area < VISIBLE * abs(cv2.contourArea(there)):
        return None
    sums = cv2.moments(seen)
    x, y = sums["m10"] / sums["m00"], sums["m01"] / sums["m00"]
    return x, y, float(np.sqrt(area))


def _worn(rng: np.random.Generator, pixels: Grey) -> Grey:
    """Uneven light, a blur or the marks of JPEG."""
    height, width = pixels.shape
    if chance(rng, 0.4):
        coarse = rng.uniform(0.55, 1.15, (int(rng.integers(1, 4)) + 1, int(rng.integers(1, 4)) + 1))
        light = cv2.resize(coarse.astype(np.float32), (width, height))
        pixels = np.asarray(cv2.multiply(pixels, light, dtype=cv2.CV_8U), np.uint8)
    if chance(rng, 0.2):
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.6, 2.0)), np.uint8)
    if chance(rng, 0.25):
        level = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))]
        packed = cv2.imencode(".jpg", pixels, level)[1]
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
    return pixels
