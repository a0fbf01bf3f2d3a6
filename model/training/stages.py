"""The four stages: what is shown, how long at most, and the figure that ends each."""

from dataclasses import dataclass

from training.feed import Mixture
from training.samples import Canvas


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        batch: pages a GPU and step.
        glyph_weight: weight of the glyph loss beside the letters' loss.
        gate: figure of the running window ("glyphs" or "letters") and the value that ends the
            stage; None lets the clock end it, with the learning rate falling to nothing.
        seconds: the stage ends after so long even if its gate was not reached.
        uses: how often a batch may be shown while no new one has been drawn.
    """

    name: str
    canvas: Canvas
    batch: int
    mixture: Mixture
    glyph_weight: float
    gate: tuple[str, float] | None
    seconds: float
    uses: int = 2


def stages(total_seconds: float) -> list[Stage]:
    """The recipe for a run of `total_seconds`; the documents get what the first stages leave."""
    return [
        Stage(
            "glyphs",
            Canvas(patches=1024, windows=16, length=258, text=0),
            128,
            Mixture(crop=(448, 448), lines=(8, 26), text=False),
            1.0,
            ("glyphs", 0.85),
            total_seconds * 0.1,
            uses=4,
        ),
        Stage(
            "crops",
            Canvas(patches=512, windows=8, length=384, text=254),
            192,
            Mixture(crop=(448, 224), read=1.0),
            0.3,
            ("letters", 0.93),
            total_seconds * 0.25,
        ),
        Stage(
            "small documents",
            Canvas(patches=3136, windows=64, length=1280, text=494),
            80,
            Mixture(read=0.4),
            0.3,
            ("letters", 0.96),
            total_seconds * 0.2,
        ),
        Stage(
            "documents",
            Canvas(patches=6272, windows=120, length=2176, text=640),
            48,
            Mixture(read=0.2, real=0.27),
            0.15,
            None,
            total_seconds,
        ),
    ]


def rehearsal() -> list[Stage]:
    """All four stages in a few steps on a CPU, to find out what is missing before it costs."""
    sizes = [
        (
            "glyphs",
            Canvas(1024, 16, 258, 0),
            Mixture(crop=(448, 448), lines=(8, 26), text=False),
            ("glyphs", 2.0),
        ),
        ("crops", Canvas(512, 8, 384, 254), Mixture(crop=(448, 224), read=1.0), ("letters", 2.0)),
        ("small documents", Canvas(1024, 24, 768, 510), Mixture(read=0.4), ("letters", 2.0)),
        ("documents", Canvas(1024, 24, 768, 510), Mixture(read=0.2, real=0.5), None),
    ]
    return [
        Stage(name, canvas, 2, mixture, 0.3, gate, 8.0) for name, canvas, mixture, gate in sizes
    ]
