"""Lays rows of text out on a page whose size follows from its words.

A page is a list of rows; a row holds cells, placed by fractions of the text width. Nothing here
knows pixels until the font size is chosen, so that the same rows fill any token budget.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from training.synthetic.fonts import Face, SizedFace, whole_size
from training.synthetic.ink import Ink

PATCH_UNIT = 28
_LEAST_PX, _MOST_PX = 5, 64
# Text is made smaller than the page allows down to this size, and no further.
_SMALL_PX = 11
# How much of a sheet's blank end stays: a page is at most this many times as high as its text.
_BLANK = 1.25
Align = Literal["left", "centre", "right"]


@dataclass(frozen=True)
class Style:
    """How a cell is set: `size` relative to the page's text, stretched like large till letters."""

    size: float = 1.0
    wide: float = 1.0
    tall: float = 1.0
    bold: bool = False
    title: bool = False
    hand: bool = False
    white: bool = False


PLAIN = Style()


@dataclass(frozen=True)
class Cell:
    """Text hung at `at`, a fraction of the text width, by its left end, middle or right end."""

    text: str
    at: float = 0.0
    align: Align = "left"
    style: Style = PLAIN


@dataclass(frozen=True)
class Row:
    """One line of cells; `above` and `below` are extra space in lines of text.

    `rule` draws a line under the row over `rule_span`; `shade` is the grey of the paper behind it.
    `bars` fills the row with a bar code of these widths instead of text, `logo` with the emblem
    that grows from this seed, `logo_lines` lines of text high.
    """

    cells: tuple[Cell, ...] = ()
    above: float = 0.0
    below: float = 0.0
    rule: bool = False
    rule_over: bool = False
    rule_span: tuple[float, float] = (0.0, 1.0)
    shade: int | None = None
    bars: tuple[int, ...] = ()
    logo: int | None = None
    logo_lines: float = 0.0
    logo_at: float = 0.4


@dataclass(frozen=True)
class Frame:
    """A box around rows `first` to `last` (inclusive), from `x0` to `x1` of the text width."""

    first: int
    last: int
    x0: float
    x1: float


@dataclass
class Plan:
    """All that stands on a page.

    `columns` is the text width in mean letters of the face; letters are drawn `squeeze` times as
    wide as they come out, like the tall narrow ones of thermal printers. `mono` is the chance of
    a monospaced face, `margin` the usual edge beside and above the text in ems. Rows from `foot`
    on stand at the bottom of the sheet.
    """

    rows: list[Row] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    columns: float = 42.0
    leading: float = 1.2
    min_aspect: float = 0.0
    mono: float = 0.5
    squeeze: float = 1.0
    margin: tuple[float, float] = (1.0, 1.0)
    foot: int | None = None

    def add(self, *cells: Cell, above: float = 0.0, below: float = 0.0) -> None:
        """Append a row of `cells`."""
        self.rows.append(Row(cells, above, below))

    def gap(self, lines: float = 1.0) -> None:
        """Append empty space."""
        self.rows.append(Row(above=lines))

    def letters(self) -> set[str]:
        """Every character that a face must be able to draw."""
        return {letter for row in self.rows for cell in row.cells for letter in cell.text}


@dataclass(frozen=True)
class Faces:
    """The faces of one page: running text, bold, headline, handwriting."""

    text: Face
    bold: Face
    title: Face
    hand: Face

    def at(self, px: int, style: Style) -> SizedFace:
        """The face that `style` asks for, on a page whose text has `px` pixels an em."""
        face = self.text
        if style.hand:
            face = self.hand
        elif style.title:
            face = self.title
        elif style.bold:
            face = self.bold
        return face.at(round(px * style.size))


@dataclass
class _Placed:
    x: float
    baseline: float
    cell: Cell
    face: SizedFace
    row: int


@dataclass
class _Laid:
    placed: list[_Placed]
    tops: list[float]
    bottoms: list[float]
    height: float
    width: float
    reach: float


def _lay(plan: Plan, faces: Faces, px: int) -> _Laid:
    """Give every cell its place, in pixels from the corner of the text area.

    A cell that would run into the one before it moves to a line of its own, as tills do.
    """
    body = faces.text.at(px)
    width = plan.columns * body.mean
    line = px * plan.leading
    gap = 0.8 * body.space
    y = 0.0
    placed: list[_Placed] = []
    tops: list[float] = []
    bottoms: list[float] = []
    widest = 0.0
    for number, row in enumerate(plan.rows):
        y += row.above * line
        tops.append(y)
        end, tall = -gap, 2.5 if row.bars else row.logo_lines
        pending: list[tuple[float, Cell, SizedFace]] = []
        for cell in row.cells:
            face = faces.at(px, cell.style)
            run = face.width(cell.text) * cell.style.wide
            x = cell.at * width
            if cell.align == "right":
                x -= run
            elif cell.align == "centre":
                x -= run / 2
            x = max(x, 0.0)
            if pending and x < end + gap:
                base = y + tall * line * 0.8
                placed += [_Placed(px_x, base, c, f, number) for px_x, c, f in pending]
                y += tall * line
                pending, tall = [], 0.0
            pending.append((x, cell, face))
            end = x + run
            widest = max(widest, end)
            tall = max(tall, cell.style.size * cell.style.tall)
        base = y + tall * line * 0.8
        placed += [_Placed(px_x, base, c, f, number) for px_x, c, f in pending]
        y += tall * line
        bottoms.append(y)
        y += row.below * line
    return _Laid(placed, tops, bottoms, y, width, max(widest, width))


def _whole(length: float) -> int:
    return max(1, -(-int(np.ceil(length)) // PATCH_UNIT)) * PATCH_UNIT


def _sheet(plan: Plan, laid: _Laid, px: int, edges: tuple[float, float]) -> tuple[float, float]:
    """Width and height of the page in pixels; blank paper below the text is mostly cut off."""
    width = laid.reach + edges[0] * px
    height = laid.height + edges[1] * px
    most = np.inf if plan.foot is not None else _BLANK * height
    return width, max(height, min(width * plan.min_aspect, most))


def _sink(laid: _Laid, foot: int, by: float) -> None:
    """Move the rows from `foot` on down `by` pixels."""
    for item in laid.placed:
        item.baseline += by if item.row >= foot else 0.0
    laid.tops[foot:] = [top + by for top in laid.tops[foot:]]
    laid.bottoms[foot:] = [bottom + by for bottom in laid.bottoms[foot:]]


def draw(rng: np.random.Generator, plan: Plan, faces: Faces, max_tokens: int) -> tuple[Ink, float]:
    """Draw `plan` as large as `max_tokens` merge units of 28 x 28 pixels allow.

    Returns the inked sheet and the pixels an em of its running text.
    """
    budget = max_tokens * PATCH_UNIT**2
    # One page in ten is printed or scanned small: half to three quarters of the possible size.
    share = float(rng.uniform(0.5, 0.75)) if rng.random() < 0.1 else 1.0
    left, right = (plan.margin[0] * float(rng.uniform(0.2, 1.6)) for _ in range(2))
    top, bottom = (plan.margin[1] * float(rng.uniform(0.2, 1.6)) for _ in range(2))
    edges = (left + right, top + bottom)
    px = 24
    for _ in range(4):
        # Widths do not grow evenly with the size, so that the right size is found in steps.
        width, height = _sheet(plan, _lay(plan, faces, px), px, edges)
        grow = np.sqrt(budget * plan.squeeze / (width * height))
        better = whole_size(min(max(int(px * grow), _LEAST_PX), _MOST_PX))
        if better == px:
            break
        px = better
    px = whole_size(int(max(px * share, min(px, _SMALL_PX))))
    while True:
        laid = _lay(plan, faces, px)
        needed = _sheet(plan, laid, px, edges)
        width, height = _whole(needed[0] / plan.squeeze), _whole(needed[1])
        if width * height <= budget or px <= _LEAST_PX:
            break
        px = whole_size(px - 1)
    height = min(height, budget // width // PATCH_UNIT * PATCH_UNIT)
    if plan.foot is not None:
        _sink(laid, plan.foot, max(0.0, height - edges[1] * px - laid.height))
    drawn = (round(width * plan.squeeze), height)
    ink = _ink(plan, laid, drawn, (left * px, top * px), px)
    if plan.squeeze != 1.0:
        ink.squeeze(width)
    return ink, float(px) / max(1.0, plan.squeeze)


def _ink(
    plan: Plan,
    laid: _Laid,
    sheet: tuple[int, int],
    corner: tuple[float, float],
    px: int,
) -> Ink:
    ink = Ink(*sheet)
    x0, y0 = corner
    width = laid.width
    thick = max(1, px // 14)
    for row, top, bottom in zip(plan.rows, laid.tops, laid.bottoms, strict=True):
        start, stop = (x0 + width * share for share in row.rule_span)
        if row.shade is not None:
            ink.box(start, y0 + top - 0.1 * px, stop, y0 + bottom, fill=row.shade, outline=None)
        if row.bars:
            _bars(ink, row.bars, (x0 + 0.15 * width, y0 + top, 0.7 * width, bottom - top))
        if row.logo is not None:
            emblem = np.random.default_rng(row.logo)
            ink.logo(emblem, x0 + row.logo_at * width, y0 + top, bottom - top)
        if row.rule:
            ink.line(start, y0 + bottom, stop, y0 + bottom, thick=thick)
        if row.rule_over:
            ink.line(start, y0 + top, stop, y0 + top, thick=thick)
    for frame in plan.frames:
        ink.box(
            x0 + frame.x0 * width - 0.4 * px,
            y0 + laid.tops[frame.first] - 0.3 * px,
            x0 + frame.x1 * width + 0.4 * px,
            y0 + laid.bottoms[frame.last] + 0.3 * px,
            fill=None,
            outline=0,
        )
    for item in laid.placed:
        style = item.cell.style
        ink.text(
            x0 + item.x,
            y0 + item.baseline,
            item.cell.text,
            item.face,
            wide=style.wide,
            tall=style.tall,
            white=style.white,
        )
    return ink


def _bars(ink: Ink, widths: tuple[int, ...], place: tuple[float, float, float, float]) -> None:
    """Bars and gaps in turn, `widths` being their shares of the place (x, y, width, height)."""
    x, y, wide, high = place
    step = wide / sum(widths)
    for number, share in enumerate(widths):
        if number % 2 == 0:
            ink.box(x, y, x + share * step - 1, y + high, fill=0, outline=None)
        x += share * step


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` letters, broken at blanks only."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
