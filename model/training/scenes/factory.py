"""The door to the scenes: each from its random numbers alone."""

from pathlib import Path

import numpy as np

from training.scenes.art import Art
from training.scenes.camera import look, photograph
from training.scenes.clutter import strange
from training.scenes.kinds import Supply
from training.scenes.papers import document, form
from training.scenes.shelves import shelves
from training.scenes.stage import Scene, Sprite, Stage
from training.scenes.tables import bins, table
from training.scenes.warehouse import warehouse
from training.synthetic.pages import PageFactory
from training.synthetic.values import chance

_UNIT = 28
_BANDS = ((0, 0), (1, 10), (11, 20), (21, 60), (61, 120))
_SHARES = (0.06, 0.48, 0.18, 0.19, 0.09)
_ODDS = {
    "shelves": 0.33, "table": 0.34, "bins": 0.13, "warehouse": 0.09, "form": 0.04, "document": 0.07,
}  # fmt: skip
SETTINGS = tuple(_ODDS)
"""The kinds of scenes."""


class SceneFactory:
    """Draws scenes with the faces of folder `fonts` and the words of file `words`.

    `cutouts`, optional, holds things cut from photos, `NAME/*.png` or `.webp`, grey and alpha. The
    same generator state gives the same scene. `kept_out` draws with the faces and words that the
    training never shows, and with these alone.
    """

    def __init__(
        self, fonts: Path, words: Path, cutouts: Path | None = None, kept_out: bool = False
    ) -> None:
        self._supply = Supply(Art(fonts, words, kept_out), cutouts)
        self._pages = PageFactory(fonts, words, kept_out)

    def scene(self, rng: np.random.Generator, budget: int, kind: str | None = None) -> Scene:
        """A scene with H * W / 784 <= budget, of a `kind` of setting (any when None)."""
        kind = kind or str(rng.choice(SETTINGS, p=list(_ODDS.values())))
        count = _count(rng)
        size = _size(rng, budget, count)
        stage = self._stage(rng, kind, size, count)
        if chance(rng, 0.65):
            look(rng, stage, most=0.03 if kind in ("form", "document") else 0.12)
        seen = stage.scene()
        finest = min((float(sides.min()) for sides in seen.sizes.values()), default=60.0)
        return Scene(photograph(rng, seen.pixels, finest), seen.marks, seen.sizes)

    def strange(self, rng: np.random.Generator, side: int) -> Sprite:
        """Something that nobody counts, about `side` pixels long."""
        return strange(rng, self._supply.art, side)

    def _stage(
        self, rng: np.random.Generator, kind: str, size: tuple[int, int], count: int
    ) -> Stage:
        if kind == "document":
            return document(rng, self._supply, self._pages, size)
        settings = {
            "shelves": shelves, "table": table, "bins": bins, "warehouse": warehouse, "form": form,
        }  # fmt: skip
        return settings[kind](rng, self._supply, size, count)


def _count(rng: np.random.Generator) -> int:
    """How many things about: few mostly, none now and then, up to 120."""
    low, high = _BANDS[int(rng.choice(len(_BANDS), p=_SHARES))]
    return int(rng.integers(low, high + 1))


def _size(rng: np.random.Generator, budget: int, count: int) -> tuple[int, int]:
    """Width and height in pixels; crowded scenes take the whole budget."""
    tokens = int(budget * rng.uniform(0.35 if count < 40 else 0.9, 1.0))
    shape = float(np.exp(rng.normal(0.15, 0.3)))
    wide = int(np.clip(np.sqrt(tokens * shape), 6, tokens // 6))
    return wide * _UNIT, tokens // wide * _UNIT
