"""Other things in a photo: some wiped out, some put in, so that no photo has one true count.

A few hundred photos shown thousands of times would otherwise be learned by heart.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from training.counted.store import Boxes, CountedPhoto
from training.real.store import Grey, Points
from training.scenes.objects import names
from training.scenes.stage import Sprite
from training.synthetic.values import chance, pick

Pieces = Mapping[str, list[Sprite]]
"""Cut-outs by name."""

Strange = Callable[[np.random.Generator, int], Sprite]
"""Draws something that is not counted, so many pixels long."""

_COVERED = 0.3
"""Share of a thing that another may hide; the boxes overlap more than the things do."""
_MOST = {"die": 14, "coin": 25, "playing card": 4}
_TRIES = 10


def edited(
    rng: np.random.Generator,
    photo: CountedPhoto,
    pieces: Pieces,
    strange: Strange | None = None,
) -> tuple[Grey, list[str], Boxes]:
    """The photo with others in it: pixels, names and boxes of what is seen of them."""
    pixels, boxes = photo.grey(), photo.boxes
    kept = np.ones(len(boxes), bool)
    if chance(rng, 0.55):
        gone = rng.random(len(boxes)) < (1.0 if chance(rng, 0.12) else rng.uniform(0, 0.7))
        for index in np.flatnonzero(gone):
            kept[index] = not _wiped(rng, pixels, boxes, int(index))
    things = [thing for thing, keep in zip(photo.things, kept, strict=True) if keep]
    usual = float(np.median(np.ptp(boxes.reshape(-1, 2, 2), axis=1)))
    boxes = boxes[kept]
    if chance(rng, 0.65):
        own = [name for name in sorted(pieces) if names(name)[-1] == photo.kind]
        mixed = sorted(pieces) if chance(rng, 0.2) else own
        for _ in range(int(rng.integers(1, _MOST[photo.kind] + 1)) if mixed else 0):
            name = pick(rng, mixed)
            box = _pasted(rng, pixels, boxes, pick(rng, pieces[name]), usual)
            if box is not None:
                things, boxes = [*things, name], np.vstack([boxes, box])
    if strange and chance(rng, 0.5):
        for _ in range(int(rng.integers(1, 4))):
            _put_beside(rng, pixels, boxes, strange(rng, int(usual * rng.uniform(0.5, 2.2))))
    if strange and photo.kind == "playing card" and chance(rng, 0.35):
        for index in np.flatnonzero(rng.random(len(boxes)) < 0.5):
            _hide(rng, pixels, boxes, int(index), strange(rng, int(usual * rng.uniform(1.1, 2.2))))
    return pixels, things, boxes


def _put_beside(rng: np.random.Generator, pixels: Grey, boxes: Boxes, piece: Sprite) -> None:
    """Put something down, by chance reaching out of the picture, where it hides nothing."""
    sprite = piece.turned(float(rng.uniform(0, 360)))
    wide, high = sprite.size
    for _ in range(_TRIES):
        left = int(rng.integers(-wide // 2, max(1, pixels.shape[1] - wide // 2)))
        top = int(rng.integers(-high // 2, max(1, pixels.shape[0] - high // 2)))
        if (_overlap(np.array([left, top, left + wide, top + high]), boxes) < 0.05).all():
            _put_across(rng, pixels, sprite, left, top)
            return


def _hide(rng: np.random.Generator, pixels: Grey, boxes: Boxes, index: int, piece: Sprite) -> None:
    """Lay something over one side of a thing, if it hides no other; its box shrinks."""
    box = boxes[index].copy()
    sides = np.ptp(box.reshape(2, 2), axis=0)
    axis = int(rng.integers(2))
    across = 1 - axis
    scale = max(1.0, 1.1 * sides[across] / piece.size[across])
    sprite = piece.sized(*(int(scale * side) for side in piece.size))
    size, hidden = np.array(sprite.size), rng.uniform(0.2, 0.6) * sides[axis]
    corner = box[:2] - rng.uniform(0, 1) * (size - sides)
    if chance(rng, 0.5):
        box[axis] += hidden
        corner[axis] = box[axis] - size[axis]
    else:
        box[axis + 2] -= hidden
        corner[axis] = box[axis + 2]
    others = np.delete(boxes, index, axis=0)
    if (_overlap(np.concatenate([corner, corner + size]), others) < 0.05).all():
        _put_across(rng, pixels, sprite, round(corner[0]), round(corner[1]))
        boxes[index] = box


def _put_across(
    rng: np.random.Generator, pixels: Grey, sprite: Sprite, left: int, top: int
) -> None:
    """Put a sprite with its corner there; what reaches out of the picture is lost."""
    wide, high = sprite.size
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(pixels.shape[1], left + wide), min(pixels.shape[0], top + high)
    if x0 < x1 and y0 < y1:
        part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        _put(rng, pixels[y0:y1, x0:x1], Sprite(sprite.grey[part], sprite.alpha[part]))


def _wiped(rng: np.random.Generator, pixels: Grey, boxes: Boxes, index: int) -> bool:
    """Cover a thing with ground from elsewhere, as bright as the ground around it, if it can be."""
    margin = 0.15 * np.ptp(boxes[index].reshape(2, 2), axis=0)
    place = _within(boxes[index] + np.concatenate([-margin, margin]), pixels)
    left, top, right, bottom = place
    wide, high = right - left, bottom - top
    if _overlap(place, np.delete(boxes, index, axis=0)).any() or min(wide, high) < 8:
        return False
    grounds = []
    for _ in range(_TRIES):
        x = int(rng.integers(0, pixels.shape[1] - wide + 1))
        y = int(rng.integers(0, pixels.shape[0] - high + 1))
        if not _overlap(np.array([x, y, x + wide, y + high]), boxes).any():
            grounds.append(pixels[y : y + high, x : x + wide].astype(np.float32))
    if not grounds:
        return False
    here = pixels[top:bottom, left:right]
    ring = here.astype(np.float32)
    ground = min(grounds, key=lambda other: float(_rim(other - ring).std()))
    fitted = (ground + _rim(ring - ground).mean()).clip(0, 255)
    soft = np.zeros(here.shape, np.float32)
    edge = max(1, min(wide, high) // 12)
    soft[edge:-edge, edge:-edge] = 1
    soft = np.asarray(cv2.blur(soft, (edge, edge)), np.float32)
    here[...] = ring + (fitted - ring) * soft
    return True


def _rim(patch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.concatenate([patch[0], patch[-1], patch[:, 0], patch[:, -1]])


def _pasted(
    rng: np.random.Generator, pixels: Grey, boxes: Boxes, piece: Sprite, usual: float
) -> Points | None:
    """Put a cut-out where it hides nothing else, about as large as the others; returns its box."""
    scale = usual * rng.uniform(0.8, 1.25) / max(piece.size)
    sprite = piece.turned(float(rng.uniform(0, 360)), float(scale))
    wide, high = sprite.size
    if wide >= pixels.shape[1] or high >= pixels.shape[0]:
        return None
    # Turning leaves empty margins.
    x0, y0, across, down = cv2.boundingRect((sprite.alpha > 127).view(np.uint8))
    for _ in range(_TRIES):
        left = int(rng.integers(0, pixels.shape[1] - wide))
        top = int(rng.integers(0, pixels.shape[0] - high))
        box = np.array([left + x0, top + y0, left + x0 + across, top + y0 + down], np.float64)
        if (_overlap(box, boxes) < _COVERED).all():
            here = pixels[top : top + high, left : left + wide]
            _put(rng, here, sprite)
            return box
    return None


def _put(rng: np.random.Generator, here: Grey, sprite: Sprite) -> None:
    alpha = sprite.alpha.astype(np.float32) / 255
    if chance(rng, 0.7):
        reach = max(2, max(sprite.size) // 10)
        shift = np.array([[1, 0, rng.normal(0, reach / 2)], [0, 1, rng.normal(0, reach / 2)]])
        shade = cv2.warpAffine(cv2.blur(alpha, (reach, reach)), shift, sprite.size)
        here[...] = here * (1 - np.asarray(shade) * rng.uniform(0.1, 0.6))
    grey = (sprite.grey * rng.uniform(0.75, 1.15)).clip(0, 255)
    here[...] = here + (grey - here) * alpha


def _overlap(box: npt.NDArray[np.floating | np.integer], boxes: Boxes) -> Points:
    """For each of `boxes` (n, 4), the share of the smaller of the two that both cover."""
    sides = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    common = sides.clip(0).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return np.asarray(common / np.minimum(areas, np.prod(box[2:] - box[:2])).clip(1), np.float64)


def _within(box: Points, pixels: Grey) -> npt.NDArray[np.int64]:
    """Whole pixels of the picture."""
    height, width = pixels.shape
    return np.asarray(box.round().clip(0, (width, height, width, height)), np.int64)
