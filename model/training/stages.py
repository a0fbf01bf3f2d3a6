"""The stages: what is shown, how long at most, and the figure that ends each."""

from dataclasses import dataclass, replace

from training.feed import Mixture, Sheet
from training.samples import Canvas


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        sheets: the batch shapes, each step's drawn by their shares; the first is looked at.
        glyph_weight: weight of the glyph loss beside the letters' loss.
        gate: figure of the running window ("glyphs" or "letters") and the value that ends the
            stage; None where only time ends it.
        share: part of the run's clock that it may take at most, its gate reached or not.
        steps: updates that it may take at most, where that is bounded.
        uses: how often a batch may be shown while no new one has been drawn.
        head: whether only the glyph head learns, from a tower that stays as it is.
    """

    name: str
    sheets: tuple[Sheet, ...]
    mixture: Mixture
    glyph_weight: float
    gate: tuple[str, float] | None = None
    share: float = 1.0
    steps: int | None = None
    uses: int = 2
    head: bool = False


def stages() -> list[Stage]:
    """The recipe; the documents get what the first stages leave of the clock."""
    return [
        Stage(
            "glyphs",
            (Sheet(Canvas(patches=1024, windows=16, length=258, text=0), batch=128),),
            mixture=Mixture(crop=(448, 448), lines=(8, 26), text=False),
            glyph_weight=1.0,
            gate=("glyphs", 0.85),
            share=0.1,
            uses=4,
        ),
        Stage(
            "crops",
            (Sheet(Canvas(patches=512, windows=8, length=384, text=254), batch=192),),
            mixture=Mixture(crop=(448, 224)),
            glyph_weight=0.3,
            gate=("letters", 0.93),
            share=0.25,
        ),
        Stage(
            "small documents",
            (Sheet(Canvas(patches=3136, windows=64, length=1280, text=494), batch=80),),
            mixture=Mixture(read=0.4),
            glyph_weight=0.3,
            gate=("letters", 0.96),
            share=0.2,
        ),
        _documents(),
    ]


def warm_stages() -> list[Stage]:
    """From exported weights alone: first the glyph head, which they lack, then the documents."""
    documents = _documents()
    head = replace(
        documents,
        name="head",
        sheets=documents.sheets[:1],
        mixture=replace(documents.mixture, text=False),
        glyph_weight=1.0,
        gate=("glyphs", 0.88),
        share=0.03,
        head=True,
    )
    return [head, documents]


def _documents() -> Stage:
    """Pages for token budgets of 800 to 3,400; a step takes about as long on each sheet."""
    return Stage(
        "documents",
        (
            Sheet(Canvas(patches=6272, windows=120, length=2176, text=900), 48, 0.55, least=1250),
            Sheet(Canvas(patches=4400, windows=90, length=1792, text=900), 64, 0.20, least=800),
            Sheet(Canvas(patches=13600, windows=256, length=4608, text=1500), 20, 0.25, least=2000),
        ),
        mixture=Mixture(read=0.12, real=0.5, count=0.36),
        glyph_weight=0.15,
    )


def rehearsal(recipe: list[Stage]) -> list[Stage]:
    """The stages in a few steps of two pages, to find out what is missing before it costs."""
    small = Canvas(patches=1024, windows=24, length=768, text=510)

    def shrunk(stage: Stage, sheet: Sheet) -> Sheet:
        canvas = sheet.canvas if stage.mixture.crop else small
        return replace(sheet, canvas=canvas, batch=2, least=0)

    return [
        replace(
            stage,
            sheets=tuple(shrunk(stage, sheet) for sheet in stage.sheets),
            steps=3,
            uses=1,
        )
        for stage in recipe
    ]
