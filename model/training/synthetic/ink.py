"""Draws text on a grey sheet and remembers where every letter landed."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.synthetic.fonts import SizedFace


@dataclass(frozen=True)
class Piece:
    """Text as drawn in one stroke: its middle line `y`, left end `x` and capital height in px."""

    x: float
    y: float
    cap: float
    text: str


class Ink:
    """A sheet of `width` x `height` pixels, white, to draw on.

    The middle of a letter is half its advance to the right and half a capital's height above the
    baseline: one height for all letters of a line, as text detectors on real scans give it.
    """

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("L", (width, height), 255)
        self._draw = ImageDraw.Draw(self._image)
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
        grey: int = 0,
        wide: float = 1.0,
        tall: float = 1.0,
    ) -> None:
        """Draw `text` from `x` on; `wide` and `tall` stretch it like a till's large letters."""
        left, base = round(x), round(baseline)
        if wide == 1.0 and tall == 1.0:
            self._draw.text((left, base), text, fill=grey, font=face.font, anchor="ls")
        else:
            self._stretched(left, base, text, face, grey, wide, tall)
        advances = face.advances(text)
        # Pairs such as "AV" are drawn closer than their advances say; share the difference out.
        drawn = face.font.getlength(text)
        share = wide * (drawn / total if (total := sum(advances)) else 1.0)
        middle = base - face.cap * tall / 2
        at = float(left)
        for letter, advance in zip(text, advances, strict=True):
            step = advance * share
            if letter != " ":
                self._codes.append(ord(letter))
                self._xs.append(at + step / 2)
                self._ys.append(middle)
            at += step
        self.pieces.append(Piece(left, middle, face.cap * tall, text))

    def _stretched(
        self, left: int, base: int, text: str, face: SizedFace, grey: int, wide: float, tall: float
    ) -> None:
        x0, y0, x1, y1 = face.font.getbbox(text, anchor="ls")
        width, height = int(x1 - x0), int(y1 - y0)
        if width <= 0 or height <= 0:
            return
        small = Image.new("L", (width, height), 0)
        ImageDraw.Draw(small).text((-x0, -y0), text, fill=255, font=face.font, anchor="ls")
        size = (max(1, round(width * wide)), max(1, round(height * tall)))
        mask = cv2.resize(np.asarray(small), size, interpolation=cv2.INTER_LINEAR)
        corner = (left + round(x0 * wide), base + round(y0 * tall))
        self._image.paste(grey, corner, Image.fromarray(mask))

    def box(
        self, x0: float, y0: float, x1: float, y1: float, *, fill: int | None, outline: int | None
    ) -> None:
        """A filled or outlined rectangle; drawn before its text."""
        corners = [round(x0), round(y0), round(x1), round(y1)]
        self._draw.rectangle(corners, fill=fill, outline=outline)

    def line(self, x0: float, y0: float, x1: float, y1: float, *, grey: int, thick: int) -> None:
        """A straight stroke."""
        ends = [round(x0), round(y0), round(x1), round(y1)]
        self._draw.line(ends, fill=grey, width=thick)

    def scribble(self, points: list[tuple[float, float]], *, grey: int, thick: int) -> None:
        """A pen stroke through `points`: a tick, a ring, a signature."""
        self._draw.line(points, fill=grey, width=thick, joint="curve")

    def pixels(self) -> NDArray[np.uint8]:
        """The sheet as (height, width) grey."""
        return np.array(self._image)

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
