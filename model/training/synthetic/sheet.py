"""What the generator hands out: a page with its letters, lines and values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SyntheticPage:
    """A drawn page.

    pixels: (height, width) grey, 0 black. glyphs: (n, 3) int32, x and y of a letter's middle in
    pixels and its code point, blanks left out. lines: the text in reading order. record: the
    values as printed, nested; absent ones None, absent lists empty. kind: what it is.
    """

    pixels: NDArray[np.uint8]
    glyphs: NDArray[np.int32]
    lines: list[str]
    record: dict[str, Any]
    kind: str
