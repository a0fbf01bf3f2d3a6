"""Finds the outlines of dice, cards and coins in photos, to cut them out.

Whatever is not found clearly is left: a few hundred good pieces do.
"""

import cv2
import numpy as np
import numpy.typing as npt

from training.real.store import Grey
from training.scenes.stage import Sprite

Colour = npt.NDArray[np.uint8]
Circles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.uint8]

_LONG_SIDE = 1000  # of photos in which circles are looked for
_RADII = (18, 65)
_ROUND = (0.9, 0.8, 0.7, 0.6, 0.5)
"""How perfect circles must be, strictest first."""
_FAINT = 18  # levels of colour between a thing and the ground
_CARD_SHAPE = (1.2, 1.65)  # long side to short side, seen at a slant too


def coins(photo: Colour, count: int) -> Circles | None:
    """The circles of `count` coins, (n, 3) x, y, radius in pixels; None where not so many are
    found however strict one is.

    photo: (H, W, 3).
    """
    scale = _LONG_SIDE / max(photo.shape[:2])
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    soft = cv2.bilateralFilter(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), 9, 60, 9)
    for perfect in _ROUND:
        found = cv2.HoughCircles(
            soft, cv2.HOUGH_GRADIENT_ALT, 1.5, 20,
            param1=250, param2=perfect, minRadius=_RADII[0], maxRadius=_RADII[1],
        )  # fmt: skip
        if found is not None:
            circles = _apart(np.asarray(found[0, :, :3], np.float64))
            if len(circles) == count:
                return np.asarray(circles / scale, np.float64)
    return None


def _apart(circles: Circles) -> Circles:
    """Circles of about one size, the outermost of those that lie in each other."""
    usual = np.median(circles[:, 2])
    kept: list[npt.NDArray[np.float64]] = []
    for circle in circles[np.argsort(-circles[:, 2])]:
        if not 0.6 * usual < circle[2] < 1.6 * usual:
            continue
        if all(np.hypot(*(circle - other)[:2]) > 0.75 * other[2] for other in kept):
            kept.append(circle)
    return np.array(kept)


def coin(grey: Grey, circle: npt.NDArray[np.float64]) -> Sprite | None:
    """A coin cut out of its photo; None where it reaches out of it."""
    x, y, radius = circle
    reach = int(np.ceil(radius)) + 1
    left, top = round(x) - reach, round(y) - reach
    square = grey[max(0, top) : top + 2 * reach + 1, max(0, left) : left + 2 * reach + 1]
    if square.shape != (2 * reach + 1, 2 * reach + 1):
        return None
    rows, columns = np.indices(square.shape)
    inside = radius - np.hypot(columns + left - x, rows + top - y)
    return Sprite(square.copy(), ((inside + 0.5).clip(0, 1) * 255).astype(np.uint8))


def die(photo: Colour, box: npt.NDArray[np.float64]) -> Sprite | None:
    """A die that stands out from an even ground, cut out by its convex outline."""
    x0, y0, x1, y1 = box.round().astype(int)
    part = photo[max(0, y0 - 2) : y1 + 2, max(0, x0 - 2) : x1 + 2]
    rim = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]).astype(np.float32)
    away = np.linalg.norm(part.astype(np.float32) - np.median(rim, axis=0), axis=2)
    levels = away.clip(0, 255).astype(np.uint8)
    limit, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    outline = _outline((levels > max(_FAINT, 0.7 * limit)).astype(np.uint8))
    area = cv2.contourArea(outline)
    if not 0.5 < area / ((x1 - x0) * (y1 - y0)) < 0.95:
        return None
    # Seen from above a die is a square; with a shadow, or half of it, it is not.
    wide, high = sorted(cv2.minAreaRect(outline)[1])
    if wide < 0.78 * high or area < 0.85 * wide * high:
        return None
    return _cut(part, outline)


def card(photo: Colour, box: npt.NDArray[np.float64]) -> Sprite | None:
    """A card that lies alone on its ground, cut out by its four sides."""
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = box.round().astype(int)
    if x0 < 4 or y0 < 4 or x1 > width - 4 or y1 > height - 4:
        return None
    margin = max(x1 - x0, y1 - y0) // 6
    left, top = max(0, x0 - margin), max(0, y0 - margin)
    part = photo[top : y1 + margin, left : x1 + margin]
    mask = np.zeros(part.shape[:2], np.uint8)
    rectangle = (x0 - left, y0 - top, x1 - x0, y1 - y0)
    cv2.setRNGSeed(0)
    cv2.grabCut(
        part, mask, rectangle, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT
    )
    outline = _outline(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))
    area = cv2.contourArea(outline)
    short, long = sorted(cv2.minAreaRect(outline)[1])
    across, down = cv2.boundingRect(outline)[2:]
    fills = min(across / (x1 - x0), down / (y1 - y0)) > 0.93
    if not fills or area < 0.93 * short * long:
        return None
    if not _CARD_SHAPE[0] < long / short < _CARD_SHAPE[1]:
        return None
    return _cut(part, outline)


def _outline(mask: Mask) -> npt.NDArray[np.int32]:
    """The convex hull of the largest island."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return np.zeros((1, 1, 2), np.int32)
    return np.asarray(cv2.convexHull(max(outlines, key=cv2.contourArea)), np.int32)


def _cut(part: Colour, outline: npt.NDArray[np.int32]) -> Sprite:
    """What an outline holds, a little inside of it, with soft edges."""
    alpha = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(alpha, outline, 255)
    alpha = np.asarray(cv2.erode(alpha, np.ones((3, 3), np.uint8)), np.uint8)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0.6), np.uint8)
    x, y, wide, high = cv2.boundingRect(outline)
    here = slice(y, y + high), slice(x, x + wide)
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)
    return Sprite(grey[here].copy(), alpha[here].copy())
