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
from typing import Any, Self

import torch
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

    @property
    def patch_mask(self) -> None:
        """A single page has no padding."""
        return None

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy with the tensors on `device`."""
        return replace(self, **_moved(self, device, non_blocking))


@dataclass(frozen=True)
class PackedLayout:
    """Layouts of a batch of B pages of different shapes, padded to N patches and S slots.

    coords: (B, N, 2); slots: (B, S), N where empty; places: (B, N), S for a padding patch;
    inverse: (B, N / unit), padding units repeat the last packed unit; valid: (B, N), False for
    padding patches, or None if no page has any. slots and places are None if every page consists
    of whole windows, padded to whole windows: slots and patches then coincide.
    """

    window: int
    coords: Tensor
    inverse: Tensor
    slots: Tensor | None
    places: Tensor | None
    valid: Tensor | None

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
        window = layouts[0].window
        patches = patches or max(layout.patches for layout in layouts)
        slots = (windows or max(len(layout.slots) // window for layout in layouts)) * window
        for layout in layouts:
            if layout.patches > patches or len(layout.slots) > slots:
                raise InputError(
                    f"a page of {layout.rows} x {layout.columns} patches does not fit into "
                    f"{patches} patches and {slots // window} windows"
                )
        unit = layouts[0].patches // layouts[0].tokens
        count = len(layouts)
        coords = torch.zeros(count, patches, 2, dtype=torch.long)
        inverse = torch.full((count, patches // unit), patches // unit - 1)
        slot = torch.full((count, slots), patches)
        place = torch.full((count, patches), slots)
        valid = torch.zeros(count, patches, dtype=torch.bool)
        for i, layout in enumerate(layouts):
            n, used = layout.patches, len(layout.slots)
            coords[i, :n] = layout.coords
            inverse[i, : layout.tokens] = layout.inverse
            slot[i, :used] = torch.where(layout.slots < n, layout.slots, patches)
            place[i, :n] = layout.places
            valid[i, :n] = True
        aligned = slots == patches and all(layout.full for layout in layouts)
        return cls(
            window=window,
            coords=coords,
            inverse=inverse,
            slots=None if aligned else slot,
            places=None if aligned else place,
            valid=None if bool(valid.all()) else valid,
        )

    def raster(self, units: Tensor) -> Tensor:
        """Bring packed units (B, N / unit, C) into raster order, padding last."""
        return units.gather(1, self.inverse[..., None].expand(-1, -1, units.shape[-1]))

    def split(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, windows, window, C); empty slots hold zeros."""
        if self.slots is not None and self.places is not None:
            x = _regroup(x, self.slots, self.places)
        return x.reshape(x.shape[0], -1, self.window, x.shape[-1])

    def join(self, x: Tensor) -> Tensor:
        """The inverse of `split`; padding patches become zeros."""
        x = x.flatten(1, 2)
        if self.slots is None or self.places is None:
            return x
        return _regroup(x, self.places, self.slots)

    def slot_mask(self) -> Tensor | None:
        """(B, windows, window), True for a slot that holds a patch; None if all do."""
        mask = self.valid if self.slots is None else self.slots < self.coords.shape[1]
        return None if mask is None else mask.view(len(mask), -1, self.window)

    @property
    def patch_mask(self) -> Tensor | None:
        """(B, N), True for a patch that is no padding; None if none is."""
        return self.valid

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy with the tensors on `device`."""
        return replace(self, **_moved(self, device, non_blocking))


class _Regroup(torch.autograd.Function):
    """Take rows by index where the index is one-to-one but for padding.

    The gradient of a plain gather is a scatter with atomic additions; since no row is taken twice,
    the gradient here is the gather of the opposite index, which is fast and repeatable.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, take: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(take, back)
        return _take(x, take)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        _, back = ctx.saved_tensors
        return _take(gradients[0], back), None, None


def _regroup(x: Tensor, take: Tensor, back: Tensor) -> Tensor:
    regrouped: Tensor = _Regroup.apply(x, take, back)  # type: ignore[no-untyped-call]
    return regrouped


def _take(x: Tensor, index: Tensor) -> Tensor:
    """x: (B, n, C), index: (B, m) -> (B, m, C), zeros where the index is n."""
    rows = x.shape[1]
    taken = x.gather(1, index.clamp(max=rows - 1)[..., None].expand(-1, -1, x.shape[-1]))
    return taken * (index < rows)[..., None]


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
    )


def _moved(
    layout: WindowLayout | PackedLayout, device: torch.device | str, non_blocking: bool
) -> dict[str, Any]:
    """The tensors among the fields, on `device`."""
    values = {field.name: getattr(layout, field.name) for field in fields(layout)}
    return {
        name: value.to(device, non_blocking=non_blocking)
        for name, value in values.items()
        if isinstance(value, Tensor)
    }
