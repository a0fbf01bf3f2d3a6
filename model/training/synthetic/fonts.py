"""The typefaces that pages are drawn with: what each covers and how wide its letters are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ASCII = "".join(chr(code) for code in range(0x21, 0x7F))
ACCENTED = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽž"
SIGNS = "€£¥§°²³·«»¿¡ºª®©±–’“”"
_BOLD = ("Bold", "Demi", "-B.")
_HAND = ("SteveHand", "Breip")
# Pictures of a letter at this size decide what a face covers; widths are measured there as well.
_PROBE_PX = 32
# A page uses two to four sized faces; most sizes of most faces stay drawn, about 40 kB each.
_OPEN_FACES = 1024


@dataclass(frozen=True)
class Glyph:
    """A letter's picture, black on white, and where its corner lies from pen and baseline."""

    picture: NDArray[np.uint8]
    right: int
    down: int


@dataclass(frozen=True)
class SizedFace:
    """A face at a size in pixels, ready to draw; each letter is made once and kept.

    `cap` is the height of a capital in pixels, `space` the advance of a blank.
    """

    font: ImageFont.FreeTypeFont
    px: int
    cap: float
    space: float
    _advances: dict[str, float] = field(default_factory=dict, repr=False)
    _glyphs: dict[str, Glyph] = field(default_factory=dict, repr=False)

    def advances(self, text: str) -> list[float]:
        """The width in pixels that each letter of `text` takes on the line."""
        known = self._advances
        try:
            return [known[letter] for letter in text]
        except KeyError:
            known.update({letter: self.font.getlength(letter) for letter in set(text)})
            return [known[letter] for letter in text]

    def width(self, text: str) -> float:
        """The width of `text` in pixels."""
        return sum(self.advances(text))

    def glyph(self, letter: str) -> Glyph:
        """The picture of `letter`."""
        made = self._glyphs.get(letter)
        if made is None:
            x0, y0, x1, y1 = (int(v) for v in self.font.getbbox(letter, anchor="ls"))
            image = Image.new("L", (max(1, x1 - x0), max(1, y1 - y0)), 255)
            ImageDraw.Draw(image).text((-x0, -y0), letter, fill=0, font=self.font, anchor="ls")
            made = Glyph(np.array(image), x0, y0)
            self._glyphs[letter] = made
        return made


@lru_cache(maxsize=_OPEN_FACES)
def _sized(path: Path, px: int) -> SizedFace:
    # The basic layout draws letter after letter: no ligatures, so one glyph is one letter.
    font = ImageFont.truetype(path, px, layout_engine=ImageFont.Layout.BASIC)
    top = font.getbbox("H", anchor="ls")[1]
    return SizedFace(font, px, float(-top), font.getlength(" "))


@dataclass(frozen=True)
class Face:
    """A typeface file; `relative_width` is the mean advance of common letters in ems."""

    path: Path
    family: str
    bold: bool
    mono: bool
    hand: bool
    relative_width: float
    covers: frozenset[str] = field(repr=False)

    def at(self, px: int) -> SizedFace:
        """The face at `px` pixels an em (whole pixels, as printers and screens have them)."""
        return _sized(self.path, max(4, px))


def _open_face(path: Path) -> Face:
    name = path.name
    probe = ImageFont.truetype(path, _PROBE_PX, layout_engine=ImageFont.Layout.BASIC)
    missing = bytes(probe.getmask("\uffff"))
    covers = frozenset(
        letter
        for letter in ASCII + ACCENTED + SIGNS
        if probe.getlength(letter) > 0
        and any(picture := bytes(probe.getmask(letter)))
        and picture != missing
    )
    bold = any(mark in name for mark in _BOLD)
    family = name.rsplit(".", 1)[0]
    for mark in ("Bold", "Demi", "-B", "Regular", "Medium", "Roman", "Book", "-"):
        family = family.replace(mark, "")
    common = "ETAOINetaoinsrl0123456789"
    mean = sum(probe.getlength(letter) for letter in common) / len(common)
    return Face(
        path=path,
        family=family,
        bold=bold,
        mono=probe.getlength("i") == probe.getlength("M"),
        hand=any(mark in name for mark in _HAND),
        relative_width=mean / _PROBE_PX,
        covers=covers | {" "},
    )


class FontShelf:
    """All faces of a folder, in the order of their names so that a seed means the same page.

    Raises FileNotFoundError for a folder without .ttf or .otf files.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".ttf", ".otf"})
        if not paths:
            raise FileNotFoundError(f"no .ttf or .otf files in {folder}")
        self.faces = [_open_face(path) for path in paths]

    def pick(self, rng: np.random.Generator, letters: Iterable[str], *, mono: float = 0.5) -> Face:
        """A face for running text that can draw all `letters`; monospaced with odds `mono`."""
        needed = frozenset(letters)
        able = [f for f in self.faces if not f.hand and not f.bold and needed <= f.covers]
        if not able:
            strange = sorted(needed - frozenset().union(*(f.covers for f in self.faces)))
            raise ValueError(f"no face draws all of {strange or sorted(needed)}")
        wanted = bool(rng.random() < mono)
        same_kind = [f for f in able if f.mono == wanted] or able
        return same_kind[int(rng.integers(len(same_kind)))]

    def bold(self, face: Face, letters: Iterable[str]) -> Face:
        """The bold face of the same family, or `face` itself where there is none."""
        needed = frozenset(letters)
        for other in self.faces:
            if other.bold and other.family == face.family and needed <= other.covers:
                return other
        return face

    def other(self, rng: np.random.Generator, face: Face, letters: Iterable[str]) -> Face:
        """Any face, bold or written by hand too, for a headline beside text in `face`."""
        needed = frozenset(letters)
        able = [f for f in self.faces if needed <= f.covers] or [face]
        return able[int(rng.integers(len(able)))]

    def hand(self, rng: np.random.Generator, letters: Iterable[str]) -> Face:
        """A face like handwriting, or any face where the folder has none."""
        needed = frozenset(letters)
        able = [f for f in self.faces if f.hand and needed <= f.covers] or self.faces
        return able[int(rng.integers(len(able)))]
