"""What is printed on things: labels, brands, small print, price tags."""

from pathlib import Path

import cv2
import numpy as np

from training.scenes.stage import Pixels, u8
from training.synthetic.fonts import ASCII, FontShelf, SizedFace
from training.synthetic.ink import Ink
from training.synthetic.values import chance, digits, pick
from training.synthetic.words import Words

_SIZES = (6, 8, 11, 15, 20, 28, 40)
"""Ems in px: few, so that letters are drawn once and kept."""


class Art:
    """Draws with the faces of folder `fonts` and the words of file `words`.

    `kept_out` draws with the faces and words that the training never shows, and those alone.
    """

    def __init__(self, fonts: Path, words: Path, kept_out: bool = False) -> None:
        shelf = FontShelf(fonts, kept_out)
        self._faces = [face for face in shelf.faces if set(ASCII) <= face.covers] or shelf.faces
        self.words = Words(words, kept_out)

    def write(
        self, rng: np.random.Generator, page: Pixels, text: str, at: tuple[float, float, float],
        shade: int,
    ) -> None:  # fmt: skip
        """Write into `page` in grey `shade`, the middle at x, y and an em of some px (`at`)."""
        x, y, px = at
        sized = self.face(rng, px)
        ink = Ink(int(sized.width(text)) + 4, int(sized.px * 1.5))
        ink.text(2, sized.px * 1.1, text, sized)
        print_on(page, ink.pixels(), (x, y - sized.px * 0.35), shade)

    def face(self, rng: np.random.Generator, px: float) -> SizedFace:
        """Any face, its em of about `px` pixels or less."""
        return pick(rng, self._faces).at(max(s for s in _SIZES if s <= max(px, _SIZES[0])))

    def label(self, rng: np.random.Generator, wide: int, high: int) -> Pixels:
        """The picture (high, wide) on a pack: blocks, a brand, ornaments, lines of small print."""
        wide, high = max(8, wide), max(8, high)
        ground = int(rng.integers(15, 250))
        page: Pixels = np.full((high, wide), ground, np.uint8)
        for _ in range(int(rng.integers(0, 4))):
            _ornament(rng, page)
        for _ in range(int(rng.integers(1, 3))):
            word = self.words.name(rng)
            word = word.upper() if chance(rng, 0.5) else word
            px = min(high * rng.uniform(0.15, 0.5), 1.7 * wide / max(3, len(word)))
            if px >= 6:
                y = rng.uniform(0.2, 0.8) * high
                behind = int(page[int(y), wide // 2])
                self.write(rng, page, word, (wide / 2, y, px), contrast(rng, behind))
        if chance(rng, 0.6):
            _small_print(rng, page)
        if chance(rng, 0.2):
            _bar_code(rng, page)
        return page

    def tag(self, rng: np.random.Generator, wide: int, high: int) -> Pixels:
        """A price tag (high, wide): an amount in large figures on a pale ground."""
        page: Pixels = np.full((high, wide), int(rng.integers(170, 256)), np.uint8)
        ink = int(rng.integers(0, 90))
        price = f"{rng.integers(0, 30)}{pick(rng, ('.', ','))}{digits(rng, 2)}"
        if high >= 10:
            self.write(rng, page, price, (wide * 0.5, high * 0.5, min(high, wide / 3)), ink)
        if chance(rng, 0.5):
            cv2.rectangle(page, (0, 0), (wide - 1, high - 1), ink, 1)
        return page


def contrast(rng: np.random.Generator, ground: int) -> int:
    """A grey that can be read on `ground`."""
    step = int(rng.integers(60, 200))
    return max(0, ground - step) if ground > 127 else min(255, ground + step)


def print_on(page: Pixels, ink: Pixels, middle: tuple[float, float], shade: int) -> None:
    """Print black-on-white `ink` in grey `shade` with its middle there; what sticks out is lost."""
    high, wide = ink.shape
    left, top = round(middle[0] - wide / 2), round(middle[1] - high / 2)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(page.shape[1], left + wide), min(page.shape[0], top + high)
    if x0 < x1 and y0 < y1:
        cover = 255 - ink[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.int32)
        place = page[y0:y1, x0:x1]
        place[...] = place + (shade - place.astype(np.int32)) * cover // 255


def _ornament(rng: np.random.Generator, page: Pixels) -> None:
    high, wide = page.shape
    shade = int(rng.integers(0, 256))
    way = int(rng.integers(5))
    if way == 0:
        y0, y1 = sorted(rng.uniform(0, 1, 2) * high)
        page[int(y0) : int(y1) + 1] = shade
    elif way == 1:
        x0, x1 = sorted(rng.uniform(0, 1, 2) * wide)
        page[:, int(x0) : int(x1) + 1] = shade
    elif way == 2:
        centre = (int(rng.uniform(0.2, 0.8) * wide), int(rng.uniform(0.1, 0.9) * high))
        axes = (int(rng.uniform(0.1, 0.5) * wide) + 1, int(rng.uniform(0.08, 0.4) * high) + 1)
        thick = cv2.FILLED if chance(rng, 0.7) else 2
        cv2.ellipse(page, centre, axes, rng.uniform(0, 180), 0, 360, shade, thick, cv2.LINE_AA)
    elif way == 3:
        corners = (rng.uniform(-0.2, 1.2, (4, 2)) * (wide, high)).astype(np.int32)
        cv2.fillPoly(page, [corners.reshape(-1, 1, 2)], shade, cv2.LINE_AA)
    else:
        ramp = np.linspace(0, 1, high, dtype=np.float32)[:, None]
        page[...] = (page * (1 - ramp) + shade * ramp).astype(np.uint8)


def _small_print(rng: np.random.Generator, page: Pixels) -> None:
    """Lines too fine to be read."""
    high, wide = page.shape
    x0, x1 = int(wide * rng.uniform(0.05, 0.3)), int(wide * rng.uniform(0.7, 0.95))
    step = int(rng.integers(3, 6))
    y0 = int(rng.uniform(0.5, 0.85) * high)
    for y in range(y0, min(high - 1, y0 + step * int(rng.integers(2, 7))), step):
        dots = rng.random(x1 - x0) < 0.65
        line = page[y, x0:x1]
        line[dots] = contrast(rng, int(line.mean())) if dots.any() else line[dots]


def _bar_code(rng: np.random.Generator, page: Pixels) -> None:
    high, wide = page.shape
    w, h = max(10, int(wide * 0.35)), max(5, int(high * 0.14))
    bars = np.where(rng.random(w) < 0.5, 20, 240).astype(np.uint8)
    y, x = int(rng.uniform(0, max(1, high - h))), int(rng.uniform(0, max(1, wide - w)))
    place = page[y : y + h, x : x + w]
    place[...] = u8(bars[: place.shape[1]])[None]
