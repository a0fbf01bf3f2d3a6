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
from training.synthetic.wear import wear
from training.synthetic.words import Words

_REWRITTEN = {"receipt": 0.95, "invoice": 0.9}
_KNOWN_BY_HEART = ("merchant_name", "merchant_address", "date", "subtotal", "total")
"""Values of receipts that are soon recited instead of read."""
_STILL_ASKED = 0.1
"""Share of these that a rewritten page is asked for where they could not be swapped."""
_WORN = 0.5
"""Share of receipts whose print gets further faults. What is faint or crossed is not rewritten, so
that of new values only well printed ones would be met."""
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
        elif chance(rng, _REWRITTEN[kind]):
            pixels, letters, record = self._rewriter.rewritten(rng, page, pixels)
            if kind == "receipt":
                record = _to_be_read(rng, page.record, record)
        if kind == "invoice" and chance(rng, _WEATHERED):
            shown, glyphs = _weathered(rng, page, pixels, letters, budget)
        else:
            shown, glyphs = show.varied(rng, pixels, letters, budget)
        if kind == "receipt" and page.lines and chance(rng, _WORN):
            shown = wear(rng, shown, _em(page, pixels, shown))
        return SyntheticPage(shown, glyphs, [], dict(record), kind)


def _weathered(
    rng: np.random.Generator, page: RealPage, pixels: Grey, letters: Points, budget: int
) -> tuple[Grey, show.Glyphs]:
    shown, glyphs = show.moved(rng, pixels, letters, budget)
    em = _em(page, pixels, shown)
    worn, places = weather(rng, shown, glyphs.astype(np.float64), em)
    return worn, places.round().astype(np.int32)


def _em(page: RealPage, pixels: Grey, shown: Grey) -> float:
    """Size of the page's letters in pixels, as it is shown."""
    height = float(np.median([np.ptp(line.box[:, 1]) for line in page.lines]))
    return float(height / 1.2 * shown.shape[0] / pixels.shape[0])


def _to_be_read(rng: np.random.Generator, printed: Record, record: Record) -> Record:
    """`record` without most of those values that are as they always were."""
    return {
        key: value
        for key, value in record.items()
        if key not in _KNOWN_BY_HEART or value != printed[key] or chance(rng, _STILL_ASKED)
    }


def _nothing(rng: np.random.Generator) -> Record:
    return dict.fromkeys(_NOTHING[pick(rng, sorted(_NOTHING))])
