"""Which patch sits where: the order in which the tower packs a page, and its attention windows.

A merge unit is the square of patches that becomes one visual token (2 x 2). Packed window order
lists windows row by row, the units of a window row by row, and the patches of a unit row by row;
so every window is a run of consecutive patches. Windows at the right and bottom edges may be
partly empty; the tower attends over whole windows of `VisionConfig.window_patches` slots and masks
the empty ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import accumulate
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from zamba2_vl.config import VisionConfig
from zamba2_vl.errors import InputError


@dataclass(frozen=True)
class WindowLayout:
    """The packing of one page of `rows` x `columns` patches, N in all.

    order: (N / unit,) raster index of each packed merge unit.
    inverse: (N / unit,) packed index of each raster merge unit.
    coords: (N, 2) row and column of each packed patch.
    slots: (S,) packed patch of each window slot, N where the slot is empty.
    places: (N,) window slot of each packed patch.
    bounds: (windows + 1,) first packed patch of each window, and N.
    window: slots of one window.
    """

    rows: int
    columns: int
    window: int
    order: Tensor
    inverse: Tensor
    coords: Tensor
    slots: Tensor
    places: Tensor
    bounds: Tensor

    @classmethod
    def for_grid(cls, rows: int, columns: int, config: VisionConfig) -> "WindowLayout":
        """The layout of a page of `rows` x `columns` patches, on the CPU.

        Equal pages share one layout: treat it as read-only. Raises InputError where a side is not
        a whole number of merge units.
        """
        merge = config.spatial_merge_size
        if rows < 1 or columns < 1 or rows % merge or columns % merge:
            raise InputError(f"a grid of {rows} x {columns} patches is no whole number of units")
        return _layout(rows, columns, merge, config.window_units)

    @property
    def patches(self) -> int:
        return self.rows * self.columns

    @property
    def tokens(self) -> int:
        """Visual tokens that the page becomes."""
        return len(self.order)

    @property
    def windows(self) -> int:
        return len(self.bounds) - 1

    @property
    def full(self) -> bool:
        """Whether no window has an empty slot, so that slots and patches coincide."""
        return len(self.slots) == self.patches

    def pack(self, patches: Tensor) -> Tensor:
        """Bring patches (N, values), unit by unit in raster order as image processors emit them,
        into packed window order."""
        units = patches.view(self.tokens, -1, patches.shape[1])
        return units[self.order].flatten(0, 1)

    def raster(self, units: Tensor) -> Tensor:
        """Bring packed units (B, N / unit, C) into raster order."""
        return units.index_select(1, self.inverse)

    def split(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, windows, window, C); empty slots hold some finite rubbish."""
        if not self.full:
            x = x.index_select(1, self.slots.clamp(max=self.patches - 1))
        return x.reshape(x.shape[0], -1, self.window, x.shape[-1])

    def join(self, x: Tensor) -> Tensor:
        """The inverse of `split`."""
        x = x.flatten(1, 2)
        return x if self.full else x.index_select(1, self.places)

    def slot_mask(self) -> Tensor | None:
        """(1, windows, window), True for a slot that holds a patch; None if all do."""
        if self.full:
            return None
        return (self.slots < self.patches).view(1, -1, self.window)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy with the tensors on `device`."""
        return replace(self, **_moved(self, device, non_blocking))


@dataclass(frozen=True)
class PackedLayout:
    """Layouts of a batch of B pages of different shapes, padded to N patches and W windows.

    coords: (B, N, 2); inverse: (B, N / unit), padding units repeat the last packed unit; bounds:
    (B, W + 1) int32, window i holds the packed patches bounds[i] to bounds[i + 1], and the last
    bound is the page's patches.
    """

    window: int
    coords: Tensor
    inverse: Tensor
    bounds: Tensor

    @classmethod
    def collate(
        cls,
        layouts: Sequence[WindowLayout],
        patches: int | None = None,
        windows: int | None = None,
    ) -> Self:
        """Pad `layouts` to `patches` patches and `windows` windows (default: the most of any).

        Give both to keep shapes fixed over batches. Raises InputError where a page does not fit.
        """
        patches = patches or max(layout.patches for layout in layouts)
        windows = windows or max(layout.windows for layout in layouts)
        for layout in layouts:
            if layout.patches > patches or layout.windows > windows:
                raise InputError(
                    f"a page of {layout.rows} x {layout.columns} patches does not fit into "
                    f"{patches} patches and {windows} windows"
                )
        unit = layouts[0].patches // layouts[0].tokens
        count = len(layouts)
        coords = torch.zeros(count, patches, 2, dtype=torch.long)
        inverse = torch.full((count, patches // unit), patches // unit - 1)
        bounds = torch.empty(count, windows + 1, dtype=torch.int32)
        for i, layout in enumerate(layouts):
            coords[i, : layout.patches] = layout.coords
            inverse[i, : layout.tokens] = layout.inverse
            bounds[i] = layout.patches
            bounds[i, : layout.windows] = layout.bounds[:-1]
        return cls(layouts[0].window, coords, inverse, bounds)

    def raster(self, units: Tensor) -> Tensor:
        """Bring packed units (B, N / unit, C) into raster order, padding last."""
        return units.gather(1, self.inverse[..., None].expand(-1, -1, units.shape[-1]))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy with the tensors on `device`."""
        return replace(self, **_moved(self, device, non_blocking))


@dataclass(frozen=True)
class JoinedLayout:
    """Pages of any shapes, one behind the other in a single row of N patches.

    pages: patches of each page. coords: (N, 2); inverse: (N / unit,); bounds: (1, windows + 1)
    int32, window i of the row holds the patches bounds[i] to bounds[i + 1].
    """

    window: int
    pages: tuple[int, ...]
    coords: Tensor
    inverse: Tensor
    bounds: Tensor

    @classmethod
    def join(cls, layouts: Sequence[WindowLayout]) -> Self:
        """Lay at least one page behind another, all on one device."""
        pages = [layout.patches for layout in layouts]
        before = [0, *accumulate(pages)]
        units = [0, *accumulate(layout.tokens for layout in layouts)]
        bounds = [
            layout.bounds[:-1] + first for layout, first in zip(layouts, before, strict=False)
        ]
        return cls(
            window=layouts[0].window,
            pages=tuple(pages),
            coords=torch.cat([layout.coords for layout in layouts]),
            inverse=torch.cat(
                [layout.inverse + first for layout, first in zip(layouts, units, strict=False)]
            ),
            bounds=torch.cat([*bounds, bounds[0].new_tensor(before[-1:])])[None].int(),
        )

    def raster(self, units: Tensor) -> Tensor:
        """Bring packed units (1, N / unit, C) into raster order, page by page."""
        return units.index_select(1, self.inverse)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy with the tensors on `device`."""
        return replace(self, **_moved(self, device, non_blocking))


@lru_cache(maxsize=64)
def _layout(rows: int, columns: int, merge: int, window_units: int) -> WindowLayout:
    unit = merge * merge
    height, width = rows // merge, columns // merge
    # Pad the raster of units to whole windows with -1, then list window by window.
    down, across = -(-height // window_units), -(-width // window_units)
    raster = torch.full((down * window_units, across * window_units), -1)
    raster[:height, :width] = torch.arange(height * width).view(height, width)
    windows = raster.view(down, window_units, across, window_units).transpose(1, 2)
    windows = windows.reshape(down * across, window_units**2)

    order = windows[windows >= 0]
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))

    # Occupied slots first in each window, so that windows stay runs of packed patches.
    filled = (windows >= 0).sum(1, keepdim=True) * unit
    occupied = torch.arange(window_units**2 * unit) < filled
    slots = torch.full(occupied.shape, rows * columns)
    slots[occupied] = torch.arange(rows * columns)

    within = torch.arange(unit)
    row = (order // width)[:, None] * merge + within // merge
    column = (order % width)[:, None] * merge + within % merge
    return WindowLayout(
        rows=rows,
        columns=columns,
        window=window_units**2 * unit,
        order=order,
        inverse=inverse,
        coords=torch.stack([row.flatten(), column.flatten()], 1),
        slots=slots.flatten(),
        places=occupied.flatten().nonzero().squeeze(1),
        bounds=F.pad(filled.flatten().cumsum(0), (1, 0)),
    )


def _moved(
    layout: WindowLayout | PackedLayout | JoinedLayout,
    device: torch.device | str,
    non_blocking: bool,
) -> dict[str, Any]:
    """The tensors among the fields, on `device`."""
    values = {field.name: getattr(layout, field.name) for field in fields(layout)}
    return {
        name: value.to(device, non_blocking=non_blocking)
        for name, value in values.items()
        if isinstance(value, Tensor)
    }
