"""The four stages: what is shown, how long at most, and the figure that ends each."""

from dataclasses import dataclass, replace

from training.feed import Mixture
from training.samples import Canvas


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        batch: pages a GPU and step.
        glyph_weight: weight of the glyph loss beside the letters' loss.
        gate: figure of the running window ("glyphs" or "letters") and the value that ends the
            stage; None where only time ends it.
        share: part of the run's clock that it may take at most, its gate reached or not.
        steps: updates that it may take at most, where that is bounded.
        uses: how often a batch may be shown while no new one has been drawn.
    """

    name: str
    canvas: Canvas
    batch: int
    mixture: Mixture
    glyph_weight: float
    gate: tuple[str, float] | None = None
    share: float = 1.0
    steps: int | None = None
    uses: int = 2


def stages() -> list[Stage]:
    """The recipe; the documents get what the first stages leave of the clock."""
    return [
        Stage(
            "glyphs",
            Canvas(patches=1024, windows=16, length=258, text=0),
            batch=128,
            mixture=Mixture(crop=(448, 448), lines=(8, 26), text=False),
            glyph_weight=1.0,
            gate=("glyphs", 0.85),
            share=0.1,
            uses=4,
        ),
        Stage(
            "crops",
            Canvas(patches=512, windows=8, length=384, text=254),
            batch=192,
            mixture=Mixture(crop=(448, 224)),
            glyph_weight=0.3,
            gate=("letters", 0.93),
            share=0.25,
        ),
        Stage(
            "small documents",
            Canvas(patches=3136, windows=64, length=1280, text=494),
            batch=80,
            mixture=Mixture(read=0.4),
            glyph_weight=0.3,
            gate=("letters", 0.96),
            share=0.2,
        ),
        Stage(
            "documents",
            Canvas(patches=6272, windows=120, length=2176, text=640),
            batch=48,
            mixture=Mixture(read=0.2, real=0.27),
            glyph_weight=0.15,
        ),
    ]


def rehearsal() -> list[Stage]:
    """All four stages in a few steps of two pages, to find out what is missing before it costs."""
    small = Canvas(patches=1024, windows=24, length=768, text=510)
    return [
        replace(
            stage,
            canvas=stage.canvas if stage.mixture.crop else small,
            batch=2,
            steps=3,
            uses=1,
        )
        for stage in stages()
    ]
