"""Takes one real page after the other for training, each time with another face."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from training.real import show
from training.real.rewrite import Rewriter
from training.real.store import Grey, Points, RealPage, Record, load
from training.synthetic.fonts import FontShelf
from training.synthetic.noise import weather
from training.synthetic.pages import SyntheticPage
from training.synthetic.values import chance, pick
from training.synthetic.words import Words

_REWRITTEN = 0.8
_ODDS = {"receipt": 0.7, "invoice": 0.25, "photo": 0.05}
_WEATHERED = 0.5
"""Share of clean digital pages that are made to look printed and scanned."""
_NOTHING = {
    "receipt": ("merchant_name", "merchant_address", "date", "time", "currency", "subtotal",
                "total", "payment_method"),
    "invoice": ("invoice_number", "issue_date", "due_date", "seller_name", "seller_address",
                "buyer_name", "currency", "net_total", "tax_total", "total", "iban"),
}  # fmt: skip


class Tray:
    """The training pages of a prepared folder, to be drawn from without end.

    Kinds are drawn first, then layouts, then pages, so that many copies of one layout weigh no
    more than one. Swapped values are printed in the faces of `fonts`, with the words of `words`.
    """

    def __init__(self, folder: Path, fonts: Path, words: Path) -> None:
        self._rewriter = Rewriter(FontShelf(fonts), Words(words))
        self._pages: dict[str, dict[str, list[RealPage]]] = defaultdict(lambda: defaultdict(list))
        for page in load(folder, "train"):
            self._pages[page.kind][page.group].append(page)
        self._kinds = sorted(self._pages)
        odds = np.array([_ODDS[kind] for kind in self._kinds])
        self._odds = odds / odds.sum()

    def __bool__(self) -> bool:
        """Whether there is any page."""
        return bool(self._kinds)

    def page(self, rng: np.random.Generator, budget: int) -> SyntheticPage:
        """The next page in at most `budget` visual tokens; null in its record is absent."""
        kind = self._kinds[int(rng.choice(len(self._kinds), p=self._odds))]
        page = pick(rng, pick(rng, list(self._pages[kind].values())))
        pixels, letters, record = page.grey(), page.glyphs, dict(page.record)
        if kind == "photo":
            record = _nothing(rng)
        elif chance(rng, _REWRITTEN if kind == "receipt" else 0.9):
            pixels, letters, record = self._rewriter.rewritten(rng, page, pixels)
        if kind == "invoice" and chance(rng, _WEATHERED):
            shown, glyphs = _weathered(rng, page, pixels, letters, budget)
        else:
            shown, glyphs = show.varied(rng, pixels, letters, budget)
        return SyntheticPage(shown, glyphs, [], dict(record), kind)


def _weathered(
    rng: np.random.Generator, page: RealPage, pixels: Grey, letters: Points, budget: int
) -> tuple[Grey, show.Glyphs]:
    shown, glyphs = show.moved(rng, pixels, letters, budget)
    height = float(np.median([np.ptp(line.box[:, 1]) for line in page.lines]))
    em = height / 1.2 * shown.shape[0] / pixels.shape[0]
    worn, places = weather(rng, shown, glyphs.astype(np.float64), em)
    return worn, places.round().astype(np.int32)


def _nothing(rng: np.random.Generator) -> Record:
    return dict.fromkeys(_NOTHING[pick(rng, sorted(_NOTHING))])
