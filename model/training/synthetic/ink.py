"""Draws text on a grey sheet and remembers where every letter landed."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthetic.fonts import SizedFace

Pixels = NDArray[np.uint8]
# Room for accents above the baseline and tails below it, in ems, when a line is stretched.
_ABOVE, _BELOW = 1.3, 0.6


@dataclass(frozen=True)
class Piece:
    """Text as drawn in one stroke: its middle line `y`, left end `x` and capital height in px."""

    x: float
    y: float
    cap: float
    text: str


class Ink:
    """A sheet of `width` x `height` pixels, white, to draw on in black.

    The middle of a letter is half its advance to the right and half a capital's height above the
    baseline: one height for all letters of a line, as text detectors on real scans give it.
    """

    def __init__(self, width: int, height: int) -> None:
        self._page: Pixels = np.full((height, width), 255, np.uint8)
        self._codes: list[int] = []
        self._xs: list[float] = []
        self._ys: list[float] = []
        self.pieces: list[Piece] = []

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        face: SizedFace,
        *,
        wide: float = 1.0,
        tall: float = 1.0,
        white: bool = False,
    ) -> None:
        """Draw `text` from `x` on; `wide` and `tall` stretch it like a till's large letters."""
        left, base = round(x), round(baseline)
        if wide == 1.0 and tall == 1.0:
            _write(self._page, left, base, text, face, white)
        else:
            line = _stretched(text, face, wide, tall)
            lift = round(_ABOVE * face.px * tall)
            _press(self._page, left - round(face.px * wide), base - lift, line, white)
        middle = base - face.cap * tall / 2
        at = float(left)
        for letter, advance in zip(text, face.advances(text), strict=True):
            if letter != " ":
                self._codes.append(ord(letter))
                self._xs.append(at + advance * wide / 2)
                self._ys.append(middle)
            at += advance * wide
        self.pieces.append(Piece(left, middle, face.cap * tall, text))

    def box(
        self, x0: float, y0: float, x1: float, y1: float, *, fill: int | None, outline: int | None
    ) -> None:
        """A filled or outlined rectangle in greys; drawn before its text."""
        corners = (round(x0), round(y0)), (round(x1), round(y1))
        if fill is not None:
            cv2.rectangle(self._page, *corners, fill, cv2.FILLED)
        if outline is not None:
            cv2.rectangle(self._page, *corners, outline, 1)

    def line(self, x0: float, y0: float, x1: float, y1: float, *, thick: int) -> None:
        """A straight stroke, `thick` pixels wide."""
        cv2.line(self._page, (round(x0), round(y0)), (round(x1), round(y1)), 0, thick)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._page.shape[1], self._page.shape[0]

    def paste(self, x: int, y: int, picture: Pixels) -> None:
        """Darken the sheet by a grey picture whose corner is at (x, y)."""
        _press(self._page, x, y, picture, False)

    def logo(self, rng: np.random.Generator, x: float, y: float, high: float) -> None:
        """A made-up emblem without letters, `high` pixels high, its corner at (x, y)."""
        side = max(8, int(high))
        wide = int(side * rng.uniform(0.8, 2.5))
        mark = np.full((side, wide), 255, np.uint8)
        for _ in range(int(rng.integers(1, 5))):
            grey = int(rng.integers(0, 200))
            thick = cv2.FILLED if rng.random() < 0.5 else int(rng.integers(1, 2 + side // 12))
            points = (rng.uniform(0, 1, (int(rng.integers(3, 6)), 2)) * (wide, side)).astype(int)
            if rng.random() < 0.5:
                centre, turn = (int(points[0][0]), side // 2), float(rng.uniform(0, 180))
                axes = (side // 3, side // 4)
                cv2.ellipse(mark, centre, axes, turn, 0, 360, grey, thick, cv2.LINE_AA)
            elif thick == cv2.FILLED:
                cv2.fillPoly(mark, [points.reshape(-1, 1, 2)], grey, cv2.LINE_AA)
            else:
                cv2.polylines(mark, [points.reshape(-1, 1, 2)], True, grey, thick, cv2.LINE_AA)
        self.paste(round(x), round(y), mark)

    def squeeze(self, width: int) -> None:
        """Make the sheet `width` pixels wide, letters and all."""
        height, before = self._page.shape
        how = cv2.INTER_AREA if width < before else cv2.INTER_LINEAR
        self._page = np.asarray(
            cv2.resize(self._page, (width, height), interpolation=how), np.uint8
        )
        share = width / before
        self._xs = [x * share for x in self._xs]
        self.pieces = [replace(piece, x=piece.x * share) for piece in self.pieces]

    def pixels(self, darkest: int = 0) -> Pixels:
        """The sheet as (height, width) grey, its ink as pale as `darkest`."""
        if darkest == 0:
            return self._page
        table = np.linspace(darkest, 255, 256).astype(np.uint8)
        return np.asarray(cv2.LUT(self._page, table), np.uint8)

    def glyphs(self) -> NDArray[np.float64]:
        """All letters as (n, 3): x and y of the middle in pixels, code point."""
        return np.array([self._xs, self._ys, self._codes], dtype=np.float64).T

    def lines(self) -> list[str]:
        """The text line by line, top to bottom; pieces of one line joined by a blank."""
        rows: list[list[Piece]] = []
        for piece in sorted(self.pieces, key=lambda p: p.y):
            last = rows[-1][0] if rows else None
            if last is not None and piece.y - last.y < 0.5 * min(piece.cap, last.cap):
                rows[-1].append(piece)
            else:
                rows.append([piece])
        return [" ".join(p.text for p in sorted(row, key=lambda p: p.x)) for row in rows]


def _press(page: Pixels, x: int, y: int, picture: Pixels, white: bool) -> None:
    """Print a black-on-white picture with its corner at (x, y); parts beyond the page are lost."""
    tall, wide = picture.shape
    if x < 0 or y < 0 or x + wide > page.shape[1] or y + tall > page.shape[0]:
        down, right = max(0, page.shape[0] - y), max(0, page.shape[1] - x)
        picture = picture[max(0, -y) : down, max(0, -x) : right]
        x, y = max(0, x), max(0, y)
        tall, wide = picture.shape
        if not tall or not wide:
            return
    place = page[y : y + tall, x : x + wide]
    if white:
        np.maximum(place, 255 - picture, out=place)
    else:
        np.minimum(place, picture, out=place)


def _write(page: Pixels, left: int, base: int, text: str, face: SizedFace, white: bool) -> None:
    at = float(left)
    for letter, advance in zip(text, face.advances(text), strict=True):
        if letter != " ":
            glyph = face.glyph(letter)
            _press(page, int(at + 0.5) + glyph.right, base + glyph.down, glyph.picture, white)
        at += advance


def _stretched(text: str, face: SizedFace, wide: float, tall: float) -> Pixels:
    """The line drawn small and pulled, with an em of room at both ends."""
    em = face.px
    shape = (round((_ABOVE + _BELOW) * em), round(face.width(text)) + 2 * em)
    small = np.full(shape, 255, np.uint8)
    _write(small, em, round(_ABOVE * em), text, face, False)
    size = (max(1, round(shape[1] * wide)), max(1, round(shape[0] * tall)))
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
