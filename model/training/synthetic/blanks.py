"""Papers that answer nothing: blank sheets, textures, clutter, a lone page number, free prose."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.questions import ABSENT, SCHEMAS
from training.synthetic.flow import PATCH_UNIT, Cell, Plan, Style, wrap
from training.synthetic.fonts import FontShelf
from training.synthetic.ink import Ink
from training.synthetic.labels import INVOICE
from training.synthetic.values import chance, pick
from training.synthetic.words import Words

Pixels = NDArray[np.uint8]
_NOTICES = (
    "This page is intentionally left blank", "Intentionally left blank", "Please turn over",
    "Diese Seite bleibt frei", "Page laissée blanche", "Pagina in bianco", "P.T.O.", "END", "COPY",
)  # fmt: skip


def nothing(rng: np.random.Generator) -> dict[str, Any]:
    """A record in which everything is absent, with the keys of some schema."""
    if chance(rng, 0.75):
        keys = pick(rng, SCHEMAS)
    else:
        keys = tuple(str(key) for key in rng.choice(ABSENT, int(rng.integers(1, 8)), replace=False))
    return {key: [] if key == "line_items" else None for key in keys}


def blank(rng: np.random.Generator, shelf: FontShelf, words: Words, max_tokens: int) -> Ink:
    """A sheet of any shape with no value on it: at most a notice or a page number."""
    tokens = int(max_tokens * rng.uniform(0.3, 1.0))
    wide = int(np.clip(np.sqrt(tokens / rng.uniform(0.6, 2.6)), 4, tokens // 4))
    ink = Ink(wide * PATCH_UNIT, tokens // wide * PATCH_UNIT)
    roll = rng.random()
    if roll < 0.25:
        ink.paste(0, 0, _texture(rng, ink.size))
    elif roll < 0.4:
        _clutter(rng, ink)
    elif roll < 0.5:
        _grid(rng, ink)
    elif roll < 0.6:
        x, y = rng.uniform(0.1, 0.7, 2) * ink.size
        ink.logo(rng, float(x), float(y), float(rng.uniform(0.05, 0.25)) * min(ink.size))
    if chance(rng, 0.3):
        _notice(rng, shelf, words, ink)
    return ink


def prose(rng: np.random.Generator, words: Words) -> tuple[Plan, dict[str, Any]]:
    """Free text in paragraphs, as in letters and books."""
    plan = Plan(columns=float(rng.integers(50, 100)), leading=float(rng.uniform(1.1, 1.7)),
                mono=0.15, margin=(2.5, 2.5))  # fmt: skip
    if chance(rng, 0.5):
        title = words.phrase(rng, 1, 5).title()
        plan.add(Cell(title, style=Style(size=float(rng.uniform(1, 2)), bold=True)), below=1.0)
    for _ in range(int(rng.integers(1, 7))):
        text = ". ".join(words.phrase(rng, 4, 12).capitalize() for _ in range(rng.integers(1, 6)))
        for line in wrap(text + ".", int(plan.columns * 0.95)):
            plan.add(Cell(line))
        plan.gap(float(rng.uniform(0.2, 1.0)))
    return plan, nothing(rng)


def _notice(rng: np.random.Generator, shelf: FontShelf, words: Words, ink: Ink) -> None:
    """A few words without a value: a page number, a notice, a stray word."""
    page = str(rng.integers(1, 300))
    text = pick(rng, (
        page, f"- {page} -", f"{page} / {page}", pick(rng, _NOTICES), words.word(rng),
        pick(rng, INVOICE[pick(rng, tuple(INVOICE))]["page"]),
    ))  # fmt: skip
    px = int(rng.integers(10, 40))
    wide, high = ink.size
    face = shelf.pick(rng, set(text), mono=0.2).at(px)
    room = wide - face.width(text) - 8
    if room > 0:
        middle = chance(rng, 0.5)
        x = room / 2 if middle else float(rng.uniform(4, room))
        y = pick(rng, (1.5 * px, high / 2, high - px, float(rng.uniform(1.5 * px, high - px))))
        ink.text(x, y, text, face)


def _texture(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Cloth, wood, stone, a wall in bad light: smooth noise of several sizes."""
    total = np.zeros((size[1], size[0]), np.float32)
    for cells in (3, 12, 50, 200):
        across = max(2, int(cells * rng.uniform(0.1, 2)))
        grid = rng.normal(0, rng.uniform(0, 1), (cells, across)).astype(np.float32)
        total += cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)
    shown = float(rng.uniform(60, 220)) + float(rng.uniform(5, 60)) * total
    return np.asarray(np.clip(shown, 0, 255), np.uint8)


def _clutter(rng: np.random.Generator, ink: Ink) -> None:
    """Things on a table: filled shapes that overlap, out of focus."""
    wide, high = ink.size
    scene = np.full((high, wide), int(rng.integers(80, 255)), np.uint8)
    for _ in range(int(rng.integers(3, 25))):
        centre = (int(rng.uniform(0, wide)), int(rng.uniform(0, high)))
        axes = tuple(int(v) for v in rng.uniform(0.02, 0.3, 2) * wide)
        grey, turn = int(rng.integers(0, 256)), float(rng.uniform(0, 180))
        if chance(rng, 0.5):
            cv2.ellipse(scene, centre, axes, turn, 0, 360, grey, cv2.FILLED)
        else:
            corners = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), turn)).astype(np.int32)
            cv2.fillPoly(scene, [corners.reshape(-1, 1, 2)], grey)
    soft = cv2.GaussianBlur(scene, (0, 0), float(rng.uniform(0.6, 6)))
    ink.paste(0, 0, np.asarray(soft, np.uint8))


def _grid(rng: np.random.Generator, ink: Ink) -> None:
    """Ruled paper, or the empty boxes of a form."""
    wide, high = ink.size
    left, step = float(rng.uniform(0, 0.1) * wide), float(rng.uniform(14, 60))
    for y in np.arange(step, high, step):
        ink.line(left, float(y), wide - left, float(y), thick=1)
    if chance(rng, 0.5):
        for x in np.arange(left, wide - left, step * float(rng.uniform(1, 6))):
            ink.line(float(x), step, float(x), high, thick=1)
