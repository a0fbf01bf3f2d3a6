from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zamba2_vl.config import VisionConfig
from zamba2_vl.errors import InputError
from zamba2_vl.vision.windows import PackedLayout, WindowLayout

CONFIG = VisionConfig(
    depth=1,
    hidden_size=8,
    intermediate_size=8,
    num_heads=2,
    out_hidden_size=8,
    fullatt_block_indexes=(),
)
SIDES = st.integers(1, 15).map(lambda units: 2 * units)


@given(SIDES, SIDES)
def test_every_patch_has_one_place(rows: int, columns: int) -> None:
    layout = WindowLayout.for_grid(rows, columns, CONFIG)
    assert layout.patches == rows * columns == 4 * layout.tokens
    seen = {(r, c) for r, c in layout.coords.tolist()}
    assert seen == {(r, c) for r in range(rows) for c in range(columns)}
    assert layout.order[layout.inverse].tolist() == list(range(layout.tokens))
    assert layout.slots[layout.places].tolist() == list(range(layout.patches))
    assert (layout.slots < layout.patches).sum() == layout.patches
    assert layout.full == (rows % 8 == 0 and columns % 8 == 0)


@given(SIDES, SIDES)
def test_windows_are_squares_of_the_page(rows: int, columns: int) -> None:
    layout = WindowLayout.for_grid(rows, columns, CONFIG)
    for window in layout.slots.view(-1, 64):
        held = layout.coords[window[window < layout.patches]] // 8
        assert len(held.unique(dim=0)) == 1


@given(SIDES, SIDES)
def test_units_keep_their_four_patches_together(rows: int, columns: int) -> None:
    layout = WindowLayout.for_grid(rows, columns, CONFIG)
    units = layout.coords.view(-1, 4, 2)
    assert (units - units[:, :1] == torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])).all()
    corner = units[:, 0] // 2
    assert (corner[:, 0] * (columns // 2) + corner[:, 1]).equal(layout.order)


def test_pack_and_raster_are_inverse() -> None:
    layout = WindowLayout.for_grid(12, 18, CONFIG)
    raster = torch.arange(12 * 18.0)[:, None]
    packed = layout.pack(raster)
    back = layout.raster(packed.view(1, -1, 4))
    assert torch.equal(back.view(-1, 1), raster)


@pytest.mark.parametrize("grid", [(0, 4), (3, 4), (4, 5)])
def test_broken_units_are_refused(grid: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        WindowLayout.for_grid(*grid, CONFIG)


@given(SIDES, SIDES)
def test_split_and_join_are_inverse(rows: int, columns: int) -> None:
    layout = WindowLayout.for_grid(rows, columns, CONFIG)
    x = torch.randn(1, layout.patches, 3)
    windows, mask = layout.split(x), layout.slot_mask()
    assert torch.equal(layout.join(windows), x)
    held = windows if mask is None else windows[mask][None]
    assert torch.equal(held.reshape_as(x), x)


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3), st.integers(0, 2))
def test_packed_windows_are_those_of_each_page(grids: list[tuple[int, int]], spare: int) -> None:
    layouts = [WindowLayout.for_grid(*grid, CONFIG) for grid in grids]
    windows = max(layout.windows for layout in layouts) + spare
    packed = PackedLayout.collate(layouts, windows=windows)
    for bounds, layout in zip(packed.bounds.tolist(), layouts, strict=True):
        held = (layout.slots.view(-1, 64) < layout.patches).sum(1).tolist()
        sizes = [end - start for start, end in pairwise(bounds)]
        assert sizes == held + [0] * (windows - len(held))
        assert bounds[0] == 0


def test_pages_that_do_not_fit_are_refused() -> None:
    layout = WindowLayout.for_grid(8, 10, CONFIG)
    with pytest.raises(InputError, match="8 x 10"):
        PackedLayout.collate([layout], patches=64)
    with pytest.raises(InputError):
        PackedLayout.collate([layout], windows=1)
