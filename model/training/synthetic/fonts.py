"""The typefaces that pages are drawn with: what each covers and how wide its letters are."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ASCII = "".join(chr(code) for code in range(0x21, 0x7F))
ACCENTED = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽž"
SIGNS = "€£¥§°²³·«»¿¡ºª®©±–’“”"
KEPT_OUT = frozenset({
    "Anonymous-Pro.ttf", "Anonymous-Pro-B.ttf", "Caladea-Regular.ttf", "Caladea-Bold.ttf",
    "Courier-Prime-Sans.otf", "Go-Regular.ttf", "Go-Bold.ttf", "NotoMono-Regular.ttf",
    "P052-Roman.otf", "RobotoSlab-Regular.otf", "RobotoSlab-Bold.otf",
})  # fmt: skip
"""Faces that no page of the training shows: the exam is drawn with them alone."""

_BOLD = ("Bold", "Demi", "-B.")
_HAND = ("SteveHand", "Breip")
# Pictures of a letter at this size decide what a face covers; widths are measured there as well.
_PROBE_PX = 64
# A page uses two to four sized faces; most sizes of most faces stay drawn, about 30 kB each.
_SIZED_FACES = 2048
_COMMON = "ETAOINetaoinsrl0123456789"


@dataclass(frozen=True)
class Glyph:
    """A letter's picture, black on white, and where its corner lies from pen and baseline."""

    picture: NDArray[np.uint8]
    right: int
    down: int


class SizedFace:
    """A face at a size in pixels; the file is opened and a letter made when first drawn, then kept.

    `cap` is the height of a capital, `space` the advance of a blank, `mean` that of common
    letters, all in pixels. Advances grow evenly with the size, so that pages can be laid out
    without opening files; those of monospaced faces are whole pixels, as on a till.
    """

    def __init__(self, face: "Face", px: int) -> None:
        self.px = px
        self.cap = face.cap * px
        self._path = face.path
        self._font: ImageFont.FreeTypeFont | None = None
        self._glyphs: dict[str, Glyph] = {}
        self._advances = {letter: width * px for letter, width in face.widths.items()}
        if face.mono:
            self._advances = {k: float(max(1, round(v))) for k, v in self._advances.items()}
        self.space = self._advances[" "]
        self.mean = sum(map(self._advances.__getitem__, _COMMON)) / len(_COMMON)

    def advances(self, text: str) -> list[float]:
        """The width in pixels that each letter of `text` takes on the line."""
        return [self._advances[letter] for letter in text]

    def width(self, text: str) -> float:
        """The width of `text` in pixels."""
        return sum(map(self._advances.__getitem__, text))

    def glyph(self, letter: str) -> Glyph:
        """The picture of `letter`."""
        made = self._glyphs.get(letter)
        if made is None:
            made = self._glyphs[letter] = self._draw(letter)
        return made

    def _draw(self, letter: str) -> Glyph:
        if self._font is None:
            self._font = _open(self._path, self.px)
        x0, y0, x1, y1 = (int(v) for v in self._font.getbbox(letter, anchor="ls"))
        image = Image.new("L", (max(1, x1 - x0), max(1, y1 - y0)), 255)
        ImageDraw.Draw(image).text((-x0, -y0), letter, fill=0, font=self._font, anchor="ls")
        return Glyph(np.array(image), x0, y0)


def _open(path: Path, px: int) -> ImageFont.FreeTypeFont:
    # The basic layout draws letter after letter: no ligatures, so one glyph is one letter.
    return ImageFont.truetype(path, px, layout_engine=ImageFont.Layout.BASIC)


@dataclass(frozen=True, eq=False)
class Face:
    """A typeface file. `widths` are the advances of the letters it covers and `cap` the height of
    a capital, in ems."""

    path: Path
    family: str
    bold: bool
    mono: bool
    hand: bool
    cap: float
    widths: Mapping[str, float] = field(repr=False)

    @property
    def covers(self) -> Set[str]:
        """The letters that the face can draw, the blank among them."""
        return self.widths.keys()

    def at(self, px: int) -> SizedFace:
        """The face at `px` pixels an em, or a little less: large sizes come in steps."""
        return _sized(self, whole_size(px))


def whole_size(px: int) -> int:
    """The size drawn where `px` is asked for: coarser steps for larger text, to draw less often."""
    px = max(4, px)
    return px if px < 20 else px // 2 * 2 if px < 36 else px // 4 * 4


@lru_cache(maxsize=_SIZED_FACES)
def _sized(face: Face, px: int) -> SizedFace:
    return SizedFace(face, px)


def _open_face(path: Path) -> Face:
    name = path.name
    probe = _open(path, _PROBE_PX)
    missing = bytes(probe.getmask("\uffff"))
    widths = {" ": probe.getlength(" ") / _PROBE_PX}
    for letter in ASCII + ACCENTED + SIGNS:
        picture = bytes(probe.getmask(letter))
        if picture != missing and any(picture):
            widths[letter] = probe.getlength(letter) / _PROBE_PX
    family = name.rsplit(".", 1)[0]
    for mark in ("Bold", "Demi", "-B", "Regular", "Medium", "Roman", "Book", "-"):
        family = family.replace(mark, "")
    return Face(
        path=path,
        family=family,
        bold=any(mark in name for mark in _BOLD),
        mono=widths["i"] == widths["M"],
        hand=any(mark in name for mark in _HAND),
        cap=-probe.getbbox("H", anchor="ls")[1] / _PROBE_PX,
        widths=widths,
    )


class FontShelf:
    """The faces of a folder, in the order of their names so that a seed means the same page.

    Those kept out of the training, or all but those. Raises FileNotFoundError for a folder without
    such .ttf or .otf files.
    """

    def __init__(self, folder: Path, kept_out: bool = False) -> None:
        paths = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in {".ttf", ".otf"} and (path.name in KEPT_OUT) is kept_out
        )
        if not paths:
            which = "kept out of the training" if kept_out else "to train with"
            raise FileNotFoundError(f"{folder} has no .ttf or .otf files {which}")
        self.faces = [_open_face(path) for path in paths]

    def pick(self, rng: np.random.Generator, letters: Iterable[str], *, mono: float = 0.5) -> Face:
        """A face for running text that can draw all `letters`; monospaced with odds `mono`."""
        needed = set(letters)
        able = [f for f in self.faces if not f.hand and not f.bold and needed <= f.covers]
        if not able:
            strange = sorted(needed.difference(*(f.covers for f in self.faces)))
            raise ValueError(f"no face draws all of {strange or sorted(needed)}")
        wanted = bool(rng.random() < mono)
        same_kind = [f for f in able if f.mono == wanted] or able
        return same_kind[int(rng.integers(len(same_kind)))]

    def bold(self, face: Face, letters: Iterable[str]) -> Face:
        """The bold face of the same family, or `face` itself where there is none."""
        needed = set(letters)
        for other in self.faces:
            if other.bold and other.family == face.family and needed <= other.covers:
                return other
        return face

    def other(self, rng: np.random.Generator, face: Face, letters: Iterable[str]) -> Face:
        """Any face, bold or written by hand too, for a headline beside text in `face`."""
        needed = set(letters)
        able = [f for f in self.faces if needed <= f.covers] or [face]
        return able[int(rng.integers(len(able)))]

    def hand(self, rng: np.random.Generator, face: Face, letters: Iterable[str]) -> Face:
        """A face like handwriting, or `face` itself where the folder has none."""
        needed = set(letters)
        able = [f for f in self.faces if f.hand and needed <= f.covers] or [face]
        return able[int(rng.integers(len(able)))]
