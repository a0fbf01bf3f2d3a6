"""The door to the generator: whole documents and crops, each from its random numbers alone."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.synthetic.blanks import blank, nothing, prose
from training.synthetic.crops import crop
from training.synthetic.flow import Faces, Plan, draw
from training.synthetic.fonts import FontShelf
from training.synthetic.forms import form
from training.synthetic.ink import Ink
from training.synthetic.invoices import invoice
from training.synthetic.noise import weather
from training.synthetic.papers import delivery_note, purchase_order, statement, utility_bill
from training.synthetic.receipts import receipt
from training.synthetic.sheet import SyntheticPage
from training.synthetic.values import pick
from training.synthetic.words import Words

__all__ = ["PageFactory", "SyntheticPage"]

_KINDS = {
    "receipt": receipt, "invoice": invoice, "form": form, "purchase_order": purchase_order,
    "delivery_note": delivery_note, "statement": statement, "utility_bill": utility_bill,
    "prose": prose,
}  # fmt: skip
_ODDS = {
    "receipt": 0.4, "invoice": 0.3, "form": 0.14, "purchase_order": 0.025, "delivery_note": 0.025,
    "statement": 0.025, "utility_bill": 0.025, "prose": 0.02, "blank": 0.04,
}  # fmt: skip
# Pixels an em of a blank sheet's few words, as far as its noise is concerned.
_LEGIBLE_PX = 16


class PageFactory:
    """Draws pages with the faces of folder `fonts` and the words of file `words`.

    The same generator state gives the same page, on any machine with the same files and the same
    releases of Pillow and OpenCV. `kept_out` draws with the faces and words that the training
    never shows, and with these alone.
    """

    def __init__(self, fonts: Path, words: Path, kept_out: bool = False) -> None:
        self._shelf = FontShelf(fonts, kept_out)
        self._words = Words(words, kept_out)

    def document(
        self, rng: np.random.Generator, max_tokens: int, kind: str | None = None
    ) -> SyntheticPage:
        """A whole page of `kind` (any, when None) with w * h / 784 <= max_tokens.

        Width and height are multiples of 28. Raises ValueError for a kind that is not drawn.
        """
        if kind is None:
            kind = str(rng.choice(list(_ODDS), p=list(_ODDS.values())))
        if kind not in _ODDS:
            raise ValueError(f"no such kind of page: {kind}; there are {', '.join(_ODDS)}")
        if kind == "blank":
            ink = blank(rng, self._shelf, self._words, max_tokens)
            return _finish(rng, ink, _LEGIBLE_PX, nothing(rng), kind)
        plan, record = _KINDS[kind](rng, self._words)
        ink, px = draw(rng, plan, self._faces(rng, plan), max_tokens)
        return _finish(rng, ink, px, record, kind)

    def clean(self, rng: np.random.Generator, max_tokens: int) -> NDArray[np.uint8]:
        """A document (height, width) as it left the printer, to be written and stamped on."""
        kind = pick(rng, tuple(_KINDS))
        plan, _ = _KINDS[kind](rng, self._words)
        return draw(rng, plan, self._faces(rng, plan), max_tokens)[0].pixels()

    def crop(
        self, rng: np.random.Generator, width: int, height: int, lines: tuple[int, int] = (1, 6)
    ) -> SyntheticPage:
        """Short random lines on a small sheet; the record is empty."""
        ink = crop(rng, self._shelf, self._words, (width, height), lines)
        caps = [piece.cap for piece in ink.pieces] or [16.0]
        return _finish(rng, ink, min(caps) * 1.4, {}, "crop")

    def _faces(self, rng: np.random.Generator, plan: Plan) -> Faces:
        needed = plan.letters()
        text = self._shelf.pick(rng, needed, mono=plan.mono)
        return Faces(
            text=text,
            bold=self._shelf.bold(text, needed),
            title=self._shelf.other(rng, text, needed),
            hand=self._shelf.hand(rng, text, needed),
        )


def _finish(
    rng: np.random.Generator, ink: Ink, px: float, record: dict[str, Any], kind: str
) -> SyntheticPage:
    """Age the sheet, and round the places of its letters to pixels."""
    dark = int(rng.integers(0, 70)) if rng.random() < 0.85 else int(rng.integers(70, 130))
    pixels, glyphs = weather(rng, ink.pixels(dark), ink.glyphs(), px)
    return SyntheticPage(pixels, _inside(glyphs, pixels.shape), ink.lines(), record, kind)


def _inside(glyphs: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.int32]:
    height, width = shape[0], shape[1]
    whole = np.floor(glyphs.reshape(-1, 3)).astype(np.int32)
    x, y = whole[:, 0], whole[:, 1]
    return whole[(x >= 0) & (x < width) & (y >= 0) & (y < height)]
