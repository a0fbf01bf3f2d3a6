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


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3))
def test_packed_pages_split_and_join(grids: list[tuple[int, int]]) -> None:
    layouts = [WindowLayout.for_grid(*grid, CONFIG) for grid in grids]
    packed = PackedLayout.collate(layouts)
    count = packed.coords.shape[1]
    x = torch.randn(len(grids), count, 3)
    windows = packed.split(x)
    joined = packed.join(windows)
    mask = packed.slot_mask()
    for row, layout in enumerate(layouts):
        n = layout.patches
        alone = layout.split(x[row : row + 1, :n])
        held = layout.slots.view(-1, 64) < n
        assert torch.equal(windows[row, : len(held)][held], alone[0][held])
        assert mask is None or torch.equal(mask[row, : len(held)], held)
        assert torch.equal(joined[row, :n], x[row, :n])
        assert torch.equal(layout.join(alone)[0], x[row, :n])


def test_the_gradient_of_a_split_is_a_join() -> None:
    layouts = [WindowLayout.for_grid(*grid, CONFIG) for grid in [(10, 6), (4, 12)]]
    packed = PackedLayout.collate(layouts, patches=64, windows=5)
    x = torch.randn(2, 64, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(packed.split, x)
    windows = packed.split(x).detach().requires_grad_()
    assert torch.autograd.gradcheck(packed.join, windows)


def test_whole_windows_need_no_regrouping() -> None:
    layouts = [WindowLayout.for_grid(*grid, CONFIG) for grid in [(16, 8), (8, 8)]]
    packed = PackedLayout.collate(layouts)
    assert packed.slots is None
    assert packed.valid is not None
    assert PackedLayout.collate(layouts[:1]).valid is None


def test_pages_that_do_not_fit_are_refused() -> None:
    layout = WindowLayout.for_grid(8, 10, CONFIG)
    with pytest.raises(InputError, match="8 x 10"):
        PackedLayout.collate([layout], patches=64)
    with pytest.raises(InputError):
        PackedLayout.collate([layout], windows=1)
