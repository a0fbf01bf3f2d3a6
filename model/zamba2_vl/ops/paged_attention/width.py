"""The width of a head in tiles of powers of two, which is what Triton has.

One tile would be padded by up to a half. Two waste little: 160 features are 128 and 32.
"""

import triton
import triton.language as tl


def tiles(width: int) -> tuple[int, int]:
    """The sizes of the two tiles; the second is 0 where one is enough."""
    first: int = max(triton.next_power_of_2(width + 1) // 2, 16)
    rest = width - first
    return first, max(triton.next_power_of_2(rest), 16) if rest > 0 else 0


@triton.jit
def tile(base, places, ok, WIDTH: tl.constexpr, FIRST: tl.constexpr, W: tl.constexpr):
    """(rows, W) features from FIRST on, zeros where there are none."""
    feature = FIRST + tl.arange(0, W)[None, :]
    return tl.load(base + places[:, None] + feature, ok[:, None] & (feature < WIDTH), 0.0)
