"""Which words of a PDF's text layer can be seen on the page.

A text layer may say what no reader of the page sees: in an invisible mode, white on white, under a
picture, beside the sheet, too small. Asking how each word was hidden would be a list without end.
Asked is instead what it changes: the page is drawn with its text and without, and a word is visible
where the two differ. A hidden text under or over the scan that it was read from changes nothing, so
that it proves nothing either.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pymupdf

Change = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]

_LONG_SIDE = 1684  # pixels of the drawings: two a point of A4, four for the smallest strokes
_CONTRAST = 16  # of 255: what the text must change of a pixel
_COVERED = 0.5  # share of a word's length along which something must change
_SHORT = 3  # letters
_TINY = 1 / 420  # of the long side: the size of a letter below which nobody reads it
_SAME_PLACE = 0.5  # share of a word's area from which two words stand in one place
_ALIKE = 1 / 8  # ratio of the areas of words that may stand in one place
_REMOVED, _KEPT = 0, 0  # PDF_REDACT_TEXT_REMOVE; PDF_REDACT_IMAGE_NONE and _LINE_ART_NONE
_EVERYWHERE = pymupdf.Rect(-1e5, -1e5, 1e5, 1e5)


def visible_words(page: Any, texts: Sequence[str], boxes: Sequence[Box]) -> list[bool]:
    """Whether each word of a PyMuPDF page can be seen; `boxes` in points of the page as shown.

    Two words in one place that say different things are both taken for invisible: at most one of
    them can be what the pixels show.
    """
    if not texts:
        return []
    long_side = max(page.rect.width, page.rect.height)
    scale = _LONG_SIDE / long_side
    changed = _changed_by_text(page, scale)
    seen = [
        _letter_size(box, text) >= _TINY * long_side and _shows(changed, text, box, scale)
        for text, box in zip(texts, boxes, strict=True)
    ]
    for one, other in _in_one_place(boxes):
        if texts[one] != texts[other]:
            seen[one] = seen[other] = False
    return seen


def _changed_by_text(page: Any, scale: float) -> Change:
    """(H, W): the pixels that would be others without the page's text."""
    drawn = _pixels(page, scale)
    with pymupdf.open() as alone:
        alone.insert_pdf(page.parent, from_page=page.number, to_page=page.number)
        alone.bake()  # what stands in form fields and notes becomes text of the page
        bare = alone[0]
        turned = bare.rotation
        bare.set_rotation(0)
        bare.add_redact_annot(_EVERYWHERE, fill=False)
        bare.apply_redactions(images=_KEPT, graphics=_KEPT, text=_REMOVED)
        bare.set_rotation(turned)
        without = _pixels(bare, scale)
    difference = np.maximum(drawn, without) - np.minimum(drawn, without)
    return np.asarray(difference >= _CONTRAST)


def _pixels(page: Any, scale: float) -> npt.NDArray[np.uint8]:
    drawn = page.get_pixmap(
        matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csGRAY, alpha=False
    )
    return np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.width)


def _letter_size(box: Box, text: str) -> float:
    """The side of a square as large as one letter, whichever way the text runs."""
    area = max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
    return math.sqrt(area / max(1, len(text)))


def _shows(changed: Change, text: str, box: Box, scale: float) -> bool:
    """Whether something changes all along the word; a short one may be taller than long."""
    left, top, right, bottom = (max(0, round(side * scale)) for side in box)
    inside = changed[top:bottom, left:right]
    if not inside.size:
        return False
    across, down = inside.any(0).mean(), inside.any(1).mean()
    if len(text) <= _SHORT:
        return bool(max(across, down) >= _COVERED)
    return bool((across if inside.shape[1] > inside.shape[0] else down) >= _COVERED)


def _in_one_place(boxes: Sequence[Box]) -> list[tuple[int, int]]:
    """Pairs of boxes of about one size that share half of the smaller one's area.

    A watermark across the page is in no word's place.
    """
    sides = np.asarray(boxes, np.float32)
    areas = np.maximum(0, sides[:, 2] - sides[:, 0]) * np.maximum(0, sides[:, 3] - sides[:, 1])
    across = np.minimum.outer(sides[:, 2], sides[:, 2]) - np.maximum.outer(sides[:, 0], sides[:, 0])
    down = np.minimum.outer(sides[:, 3], sides[:, 3]) - np.maximum.outer(sides[:, 1], sides[:, 1])
    shared = np.maximum(0, across) * np.maximum(0, down)
    alike = np.minimum.outer(areas, areas) > _ALIKE * np.maximum.outer(areas, areas)
    close = np.triu(alike & (shared > _SAME_PLACE * np.minimum.outer(areas, areas)), 1)
    return [(int(one), int(other)) for one, other in np.argwhere(close)]
