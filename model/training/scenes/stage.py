"""A picture that remembers which thing each of its pixels belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.objects import names

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]

VISIBLE = 0.4
"""Less than this share of a thing in sight, and it is not counted."""
FANNED = 0.15
"""The same of playing cards, which people fan out so that their corners tell them."""

_SOLID = 127


@dataclass(frozen=True)
class Scene:
    """A picture and what can be counted in it.

    pixels: (H, W) grey, sides multiples of 28. marks: for every taught object in sight its centres
    (n, 2) float32, x and y in pixels: the mean of the pixels that are seen of it. sizes: likewise
    (n,) float32, the mean of the sides of the box around what is seen, in pixels.
    """

    pixels: Pixels
    marks: Mapping[str, NDArray[np.float32]]
    sizes: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Sprite:
    """A thing cut out: grey (h, w), and alpha (h, w) where it is solid."""

    grey: Pixels
    alpha: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.grey.shape[1], self.grey.shape[0]

    def turned(self, degrees: float, scale: float = 1.0, squash: float = 1.0) -> "Sprite":
        """Rotated and resized in one go; `squash` below 1 then lowers it, as if seen slantwise."""
        wide, high = self.size
        turn = np.asarray(cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, scale), np.float64)
        turn[1] *= squash
        across = abs(turn[0, 0]) * wide + abs(turn[0, 1]) * high
        down = abs(turn[1, 0]) * wide + abs(turn[1, 1]) * high
        size = max(3, int(across) + 2), max(3, int(down) + 2)
        turn[:, 2] += np.array(size) / 2 - turn[:, :2] @ (wide / 2, high / 2) - turn[:, 2]
        how = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA
        return Sprite(
            u8(cv2.warpAffine(self.grey, turn, size, flags=how, borderMode=cv2.BORDER_REPLICATE)),
            u8(cv2.warpAffine(self.alpha, turn, size, flags=how)),
        )

    def enlarged(self, times: float) -> "Sprite":
        """Blown up by a factor above 1."""
        grey, alpha = (
            u8(cv2.resize(layer, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC))
            for layer in (self.grey, self.alpha)
        )
        return Sprite(grey, alpha)

    def sized(self, wide: int, high: int) -> "Sprite":
        """Resized to `wide` x `high` pixels."""
        size, area = (max(2, wide), max(2, high)), cv2.INTER_AREA
        return Sprite(
            u8(cv2.resize(self.grey, size, interpolation=area)),
            u8(cv2.resize(self.alpha, size, interpolation=area)),
        )


@dataclass
class _Thing:
    name: str | None
    area: float
    box: NDArray[np.float64]


class Stage:
    """A ground on which things are put, each before those put earlier.

    `light` is where shadows fall, (x, y) as shares of a thing's size.
    """

    def __init__(self, ground: Pixels, light: tuple[float, float] = (0.04, 0.06)) -> None:
        self.pixels = ground
        self.light = light
        self._owner = np.zeros(ground.shape, np.int16)
        self._things: list[_Thing] = []

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def put(
        self,
        sprite: Sprite,
        x: float,
        y: float,
        name: str | None = None,
        *,
        gain: float = 1.0,
        shadow: float = 0.0,
        body: Pixels | None = None,
    ) -> None:
        """Put a sprite with its middle at (x, y); without a name it hides but does not count.

        `gain` multiplies its light; `shadow` is how dark its shadow is, 0 to 1. `body` (h, w) says
        what belongs to a thing that is thin, as ink is, where that is not its alpha.
        """
        wide, high = sprite.size
        left, top = round(x - wide / 2), round(y - high / 2)
        if shadow > 0:
            self._shade(sprite.alpha, left, top, shadow)
        solid = (sprite.alpha if body is None else body) > _SOLID
        box = np.array([left, top, left + wide, top + high], np.float64)
        self._things.append(_Thing(name, float(np.count_nonzero(solid)), box))
        cut = self._cut(left, top, wide, high)
        if cut is None:
            return
        here, part = cut
        place, alpha = self.pixels[here], sprite.alpha[part]
        under = cv2.multiply(place, cv2.bitwise_not(alpha), scale=1 / 255)
        place[...] = cv2.add(under, cv2.multiply(sprite.grey[part], alpha, scale=gain / 255))
        self._owner[here][solid[part]] = len(self._things)

    def cover(self, picture: Pixels, left: int, top: int) -> None:
        """Put something flat and solid, a board or a rail, with its corner at (left, top)."""
        high, wide = picture.shape
        cut = self._cut(left, top, wide, high)
        if cut is not None:
            here, part = cut
            self.pixels[here] = picture[part]
            self._owner[here] = 0

    def darken(self, left: int, top: int, gain: Pixels) -> None:
        """Let only `gain` / 255 of the light through."""
        cut = self._cut(left, top, gain.shape[1], gain.shape[0])
        if cut is not None:
            here, part = cut
            place = self.pixels[here]
            place[...] = cv2.multiply(place, gain[part], scale=1 / 255)

    def warp(self, matrix: Matrix) -> None:
        """Look at the picture through a homography (3, 3); the frame keeps its size."""
        self.pixels = u8(
            cv2.warpPerspective(self.pixels, matrix, self.size, borderMode=cv2.BORDER_REFLECT)
        )
        self._owner = np.asarray(
            cv2.warpPerspective(self._owner, matrix, self.size, flags=cv2.INTER_NEAREST), np.int16
        )
        for thing in self._things:
            x0, y0, x1, y1 = thing.box
            middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
            ring = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]])
            near = np.array([[middle, middle + (1, 0), middle + (0, 1)]])
            there = cv2.perspectiveTransform(ring, matrix)[0]
            origin, right, down = cv2.perspectiveTransform(near, matrix)[0]
            thing.area *= abs(float(np.linalg.det(np.stack([right - origin, down - origin]))))
            thing.box = np.concatenate([there.min(0), there.max(0)])

    def scene(self) -> Scene:
        """The picture as it is now, with all that counts."""
        found: dict[str, list[tuple[float, float, float]]] = {}
        for number, thing in enumerate(self._things, 1):
            if thing.name is None:
                continue
            x0, y0 = np.maximum(np.floor(thing.box[:2]).astype(int) - 1, 0)
            x1, y1 = np.maximum(np.ceil(thing.box[2:]).astype(int) + 1, 0)
            mine = (self._owner[y0:y1, x0:x1] == number).view(np.uint8)
            least = FANNED if "playing card" in names(thing.name) else VISIBLE
            if cv2.countNonZero(mine) < max(1.0, least * thing.area):
                continue
            sums = cv2.moments(mine, binaryImage=True)
            _, _, wide, high = cv2.boundingRect(mine)
            x, y = x0 + sums["m10"] / sums["m00"], y0 + sums["m01"] / sums["m00"]
            for name in names(thing.name):
                found.setdefault(name, []).append((x, y, (wide + high) / 2))
        columns = {name: np.array(rows, np.float32) for name, rows in found.items()}
        return Scene(
            self.pixels,
            {name: rows[:, :2] for name, rows in columns.items()},
            {name: rows[:, 2] for name, rows in columns.items()},
        )

    def _shade(self, alpha: Pixels, left: int, top: int, strength: float) -> None:
        side = max(alpha.shape)
        reach = max(2, side // 8)
        padded = cv2.copyMakeBorder(alpha, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
        soft = cv2.blur(padded, (reach + 1, reach + 1))
        gain = u8(cv2.convertScaleAbs(soft, alpha=-strength, beta=255))
        x, y = round(self.light[0] * side), round(self.light[1] * side)
        self.darken(left - reach + x, top - reach + y, gain)

    def _cut(
        self, left: int, top: int, wide: int, high: int
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Where a rectangle lies in the picture, and which part of it: None where outside."""
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(self.size[0], left + wide), min(self.size[1], top + high)
        if x0 >= x1 or y0 >= y1:
            return None
        here = slice(y0, y1), slice(x0, x1)
        return here, (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))


def u8(picture: object) -> Pixels:
    """What OpenCV gave back, typed; floats are cut to whole numbers."""
    return np.asarray(picture, dtype=np.uint8)


def grey(picture: NDArray[np.float64] | NDArray[np.float32]) -> Pixels:
    """Floats as grey, clipped to 0..255."""
    return np.clip(picture, 0, 255).astype(np.uint8)
