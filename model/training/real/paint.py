"""Writes other letters over printed ones, so that paper, ink and optics stay those of the scan.

All of it works on the stored grey picture in place and takes about a millisecond a line.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.real.store import Grey, Line, Points, Span
from training.synthetic.fonts import Face
from training.synthetic.ink import Ink

Floats = NDArray[np.float32]

_FAINTEST = 45  # grey levels between paper and ink below which nothing is rewritten
_DARKEST_PAPER = 120
_SMALLEST_CAP, _LARGEST_CAP = 5.0, 60.0
_FURTHEST = 2.2  # old widths that a new text may end after its start
_STEEPEST = 0.14  # rise of a line, about 8 degrees


@dataclass(frozen=True)
class Place:
    """Where a span stands: its left middle `start`, the unit vector `along` the line, sizes in px.

    `free` is how far the new letters may begin before `start` (negative) and end after it; never
    further than can be looked at.
    """

    start: Points
    along: Points
    width: float
    height: float
    free: tuple[float, float]


def place(lines: list[Line], span: Span, sheet: tuple[int, ...]) -> Place | None:
    """The place of a span of the lines; None where the line is too steep or has no size."""
    line = lines[span.line]
    left, right = (line.box[0] + line.box[3]) / 2, (line.box[1] + line.box[2]) / 2
    length = float(np.hypot(*(right - left)))
    height = float(np.hypot(*(line.box[3] - line.box[0])))
    if length < 4 or height < 6 or abs(right[1] - left[1]) > _STEEPEST * length:
        return None
    along = (right - left) / length
    at = (line.xs - left[0]) / along[0]
    whole = span.start == 0, span.end == len(line.text)
    # Halfway to the neighbours within the line, or the ends of the box.
    begin = 0.0 if whole[0] else float(at[span.start - 1] + at[span.start]) / 2
    end = length if whole[1] else float(at[span.end - 1] + at[span.end]) / 2
    low, high = _room(lines, span.line, sheet, left, along)
    if not whole[0]:
        low = begin
    if not whole[1]:
        high = end
    if end - begin < 3:
        return None
    start, width = left + along * begin, end - begin
    free = max(low - begin, -width), min(high - begin, _FURTHEST * width)
    return Place(start, along, width, height, free)


def _room(
    lines: list[Line], number: int, sheet: tuple[int, ...], left: Points, along: Points
) -> tuple[float, float]:
    """How far a line could reach along itself until it meets another or the edge of the sheet."""
    boxes = np.stack([line.box for line in lines])
    (x0, y0), (x1, y1) = boxes.min(1).T, boxes.max(1).T
    top, bottom = y0[number], y1[number]
    shared = np.minimum(bottom, y1) - np.maximum(top, y0)
    beside = shared >= 0.4 * np.minimum(bottom - top, y1 - y0)
    beside[number] = False
    middles = boxes[:, :, 0].mean(1)
    to_left = middles < middles[number]
    gap = 0.5 * (bottom - top)
    low = float(np.max(x1[beside & to_left], initial=4.0 - gap)) + gap
    high = float(np.min(x0[beside & ~to_left], initial=sheet[1] - 4.0 + gap)) - gap
    return (low - left[0]) / along[0], (high - left[0]) / along[0]


@dataclass
class Look:
    """What was printed at a place, in a window of the sheet.

    Attributes:
        window: left, top, right, bottom of the window in the sheet.
        paper: the window without the letters, grain and all.
        ink: grey of the letters. contrast: how much darker than the paper they are.
        cap: height of a capital. base: its foot, below the middle of the box, in pixels.
        blur: width of a stroke's edge, as the sigma of a Gaussian.
        mass: share of the letters' band that is ink.
        grain: noise of the paper in grey levels.
    """

    window: tuple[int, int, int, int]
    paper: Floats
    ink: float
    contrast: float
    cap: float
    base: float
    blur: float
    mass: float
    grain: float


def look(sheet: Grey, where: Place, text: str, rng: np.random.Generator) -> Look | None:
    """Study a place and wipe it, in a copy; None where it is faint, dark, crossed or unclear."""
    low, high = where.free
    corners = np.array(
        [
            where.start + where.along * x + _across(where) * y
            for x in (min(low, 0) - 3, max(high, where.width) + 3)
            for y in (-0.8 * where.height, 0.8 * where.height)
        ]
    )
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, (sheet.shape[1], sheet.shape[0]))
    if x1 - x0 < 8 or y1 - y0 < 6:
        return None
    seen = sheet[y0:y1, x0:x1].astype(np.float32)
    rows, columns = np.indices(seen.shape, np.float32)
    dx, dy = columns + (x0 - where.start[0]), rows + (y0 - where.start[1])
    along = dx * where.along[0] + dy * where.along[1]
    across = dy * where.along[0] - dx * where.along[1]
    inside = (np.abs(across) < 0.56 * where.height) & (along > -1.5) & (along < where.width + 1.5)
    band = seen[inside]
    if band.size < 40:
        return None
    paper, ink = np.percentile(band, (82, 3))
    contrast = float(paper - ink)
    if contrast < _FAINTEST or paper < _DARKEST_PAPER:
        return None
    dark = seen < paper - 0.35 * contrast
    # Rules, stamps and neighbours that cross the edge of the place would be cut.
    rim = inside & (np.abs(across) > 0.56 * where.height - 1.5)
    if dark[rim].mean() > 0.12:
        return None
    body = _body(dark, inside, across, where.height, text)
    if body is None:
        return None
    cap, base = body
    letters = inside & (across > base - cap) & (across < base)
    mass = float(dark[letters].mean())
    steepest = np.percentile(np.abs(np.diff(seen, axis=1))[letters[:, 1:]], 97)
    blur = float(np.clip(0.4 * contrast / max(steepest, 1.0), 0.4, 2.0))
    blank = cv2.erode((seen > paper - 0.2 * contrast).astype(np.float32), np.ones((3, 3)))
    reach = (2 * int(where.height) + 1,) * 2
    weight = cv2.blur(blank, reach)
    ground = cv2.blur(seen * blank, reach) / np.maximum(weight, 1e-3)
    if float(weight[inside].min()) < 0.02:
        return None
    residue = (seen - ground)[blank > 0]
    grain = float(min(1.5 * np.median(np.abs(residue)), 10.0))
    noise = cv2.GaussianBlur(rng.standard_normal(seen.shape, np.float32), (3, 3), 0.6) * 1.6 * grain
    wiped = np.where(inside, ground + noise, seen).astype(np.float32)
    return Look(
        (int(x0), int(y0), int(x1), int(y1)), wiped, float(ink), contrast, cap, base, blur, mass,
        grain,
    )  # fmt: skip


def _body(
    dark: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    across: Floats,
    height: float,
    text: str,
) -> tuple[float, float] | None:
    """Height of a capital and its foot, from how much ink each row of the place holds."""
    half = int(np.ceil(0.56 * height))
    bins = np.floor(across[inside] + half).astype(int).clip(0, 2 * half)
    ink = np.bincount(bins, dark[inside], 2 * half + 1)
    full = ink > 0.28 * np.percentile(ink, 90)
    rows = np.flatnonzero(full)
    if rows.size < 4 or ink.sum() < 12:
        return None
    cap, base = float(rows[-1] + 1 - rows[0]), float(rows[-1] + 1 - half)
    small = sum(letter.islower() for letter in text)
    if small > 0.6 * len(text):  # rows of small letters alone stand out
        cap *= 1.08
    if not (_SMALLEST_CAP <= cap <= _LARGEST_CAP) or not 0.3 * height < cap < 1.05 * height:
        return None
    return cap, base


def body(band: Floats, height: float, text: str) -> tuple[Floats, float, float] | None:
    """The ink of a level line, 0 to 1, with the height of a capital and its foot below the middle.

    `band` holds the grey of the line, its middle halfway down; None where it is faint, dark or
    unclear.
    """
    paper, darkest = np.percentile(band, (82, 3))
    contrast = float(paper - darkest)
    if contrast < _FAINTEST or paper < _DARKEST_PAPER:
        return None
    across = np.repeat(np.arange(len(band), dtype=np.float32)[:, None], band.shape[1], 1)
    dark = band < paper - 0.35 * contrast
    found = _body(dark, np.ones(band.shape, bool), across - len(band) / 2, height, text)
    if found is None:
        return None
    ink = ((paper - 0.12 * contrast - band) / (0.88 * contrast)).clip(0, 1.15)
    return np.asarray(ink, np.float32), *found


@dataclass(frozen=True)
class Strip:
    """A line of letters, ready to be laid on a sheet.

    Attributes:
        ink: (rows, columns), 0 is paper and 1 ink.
        left, width: where the letters begin and how wide they are, in pixels of the strip.
        foot: row that they stand on.
        tall: pixels of the sheet that a row of the strip takes.
        glyphs: (n, 3) middles and code points of the letters.
    """

    ink: Floats
    left: float
    width: float
    foot: float
    tall: float
    glyphs: Points


def write(
    sheet: Grey,
    where: Place,
    seen: Look,
    text: str,
    face: Face,
    anchor: str,
    pitch: float,
    rng: np.random.Generator,
) -> Points | None:
    """Print `text` at a place that was looked at; `anchor` is left, right or middle.

    `pitch` is the width of an old letter. Returns (n, 3) middles and code points of the letters,
    or None, and the sheet as it was, where the text does not fit.
    """
    finer = 2.0 if seen.cap < 14 else 1.0
    sized = face.at(round(seen.cap * finer / face.cap))
    em, foot = sized.px, round(1.3 * sized.px)
    drawn = Ink(round(sized.width(text)) + 2 * em, 2 * em)
    drawn.text(em, foot, text, sized)
    ink = np.asarray(255 - drawn.pixels(), np.float32) / np.float32(255)
    strip = Strip(ink, em, max(sized.width(text), 1.0), foot, seen.cap / sized.cap, drawn.glyphs())
    natural = strip.width * strip.tall
    squeeze = float(np.clip(pitch * len(text) / natural, 0.82, 1.3)) * rng.uniform(0.94, 1.06)
    own = 0.55 if finer == 1.0 else 0.45
    extra = float(np.sqrt(max(0.0, seen.blur**2 - own**2)))
    return lay(sheet, where, seen, strip, anchor, squeeze, extra, rng)


def lay(
    sheet: Grey,
    where: Place,
    seen: Look,
    strip: Strip,
    anchor: str,
    squeeze: float,
    blur: float,
    rng: np.random.Generator,
) -> Points | None:
    """Print a strip, `squeeze` times as wide as it is and blurred by `blur` pixels; see `write`."""
    width = strip.width * strip.tall * squeeze
    room = where.free[1] - where.free[0]
    if width > room:
        squeeze *= room / width
        width = room
        if squeeze < 0.68:
            return None
    begin = {
        "left": 0.0,
        "right": where.width - width,
        "middle": (where.width - width) / 2,
    }[anchor]
    begin = float(np.clip(begin, where.free[0], where.free[1] - width))
    x0, y0, x1, y1 = seen.window
    # Strip pixels to window pixels: stretched, laid along the line, the foot on its foot.
    wide = strip.tall * squeeze
    down = _across(where)
    origin = where.start + where.along * (begin - strip.left * wide)
    origin = origin + down * (seen.base - strip.foot * strip.tall)
    matrix = np.column_stack([where.along * wide, down * strip.tall, origin - (x0, y0)])
    shape = seen.paper.shape
    laid = cv2.warpAffine(strip.ink, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR)
    drawn = np.asarray(laid, np.float32)
    if blur > 0.25:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), blur), np.float32)
    if not drawn.any():
        return None
    # Nothing but paper may lie under what is written beyond the old letters.
    level = float(np.percentile(seen.paper, 70))
    if ((seen.paper < level - 0.4 * seen.contrast) & (drawn > 0.2)).any():
        return None
    strongest = float(np.percentile(drawn[drawn > 0.1], 92)) if (drawn > 0.1).any() else 1.0
    drawn = np.minimum(drawn / max(strongest, 0.3), 1.0)
    if seen.grain > 2:
        drawn *= 1 - np.abs(rng.normal(0, 0.06, drawn.shape)).astype(np.float32)
    inked = seen.paper * (1 - drawn) + seen.ink * drawn
    sheet[y0:y1, x0:x1] = inked.round().clip(0, 255).astype(np.uint8)
    middles = strip.glyphs[:, :2] @ matrix[:, :2].T + matrix[:, 2] + (x0, y0)
    return np.column_stack([middles, strip.glyphs[:, 2]])


def _across(where: Place) -> Points:
    return np.array([-where.along[1], where.along[0]])
