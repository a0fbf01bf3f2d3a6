"""The decoder's memory in pages: who owns which, and what several requests share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zamba2_vl.config import TextConfig
from zamba2_vl.engine.memory import Shelf
from zamba2_vl.engine.pool import PagePool
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.text.paged import PAGE, PagedState

# Pictures that are remembered while nobody needs their pages.
_KEPT = 8
# Share of the device's free memory that pages may take; the rest is for what a pass computes.
_SHARE = 0.8


@dataclass(frozen=True)
class _Snapshot:
    """The state after a prefix: its own copy of what has constant size, and shared pages."""

    tokens: int
    conv: Tensor
    ssm: Tensor
    pages: list[int]


class PagedCache:
    """Rows of decoder state over a pool of pages. It grows when it has to and never shrinks.

    A request gets all pages that it may ever need when it is admitted, so none runs dry on its
    way. `tokens`: the most that all requests together may hold; None: as many as fit into the
    device's free memory beside `slots` rows.
    """

    def __init__(
        self,
        config: TextConfig,
        device: torch.device,
        dtype: torch.dtype,
        tokens: int | None = None,
        slots: int = 8,
    ) -> None:
        self._config = config
        self._pool = PagePool()
        self._owned: list[list[int]] = []
        self._shelf = Shelf[_Snapshot](_KEPT)
        self._state = PagedState.allocate(config, 0, 1, 0, device, dtype)
        if tokens is None and device.type == "cuda":
            tokens = _affordable(config, device, dtype, slots)
        self.most: int | None = tokens
        self.generation = 0

    @property
    def rows(self) -> int:
        """Rows that there are."""
        return len(self._owned)

    @property
    def state(self) -> PagedState:
        """All rows; other tensors after growing, by which `generation` rises."""
        return self._state

    def grow(self, rows: int, needs: Sequence[int]) -> None:
        """Make room for `rows` rows, and for as many of `needs` as the memory allows."""
        rows = max(_power(rows) + 1, self.rows)
        width = max(_power(max(map(_pages, needs))), self._state.table.shape[1])
        pages = len(self._pool) - self._pool.free + sum(map(_pages, needs))
        if self.most is not None:
            pages = min(pages, 1 + _pages(self.most))
        pages = max(pages, len(self._pool))
        if (rows, width, pages) == (self.rows, self._state.table.shape[1], len(self._pool)):
            return
        self.generation += 1
        self._owned += [[] for _ in range(rows - self.rows)]
        self._pool.grow(pages)
        self._grow(rows, width, pages)

    def open(self, row: int, tokens: int, prefix: Prefix | None = None) -> PagedState | None:
        """See `Memory.open`. Remembered prefixes give way to requests."""
        kept = self._shelf.find(prefix)
        whole = [] if kept is None else kept.pages[: kept.tokens // PAGE]
        self._pool.share(whole)
        own = self._take(_pages(tokens) - len(whole))
        if own is None:
            self._pool.give_back(whole)
            return None
        self._owned[row] = whole + own
        state = self._row(row)
        state.table.zero_()
        state.table[0, : len(whole + own)] = torch.tensor(whole + own, dtype=torch.int32)
        state.reset()
        if kept is not None:
            self._restore(kept, state, own)
        return state

    def close(self, row: int) -> None:
        """Give the row's pages back."""
        self._pool.give_back(self._owned[row])
        self._owned[row] = []
        self._row(row).table.zero_()

    def remember(self, row: int, prefix: Prefix) -> None:
        """Keep what the row holds, which is the state after `prefix`.

        Its last page is shared too: the row writes into it beyond the prefix only.
        """
        state = self._row(row)
        pages = self._owned[row][: _pages(len(prefix))]
        self._pool.share(pages)
        kept = _Snapshot(len(prefix), state.conv.clone(), state.ssm.clone(), pages)
        for gone in self._shelf.put(prefix, kept):
            self._pool.give_back(gone.pages)

    def knows(self, prefix: Prefix | None) -> bool:
        """Whether a prefix is remembered."""
        return prefix in self._shelf

    def first(self, rows: int) -> PagedState:
        """The first rows; a view."""
        return self._state.rows(slice(rows))

    @property
    def last(self) -> PagedState:
        """The last row; a view."""
        return self._row(self.rows - 1)

    @property
    def last_runs(self) -> tuple[tuple[int, int], ...]:
        """The pages of the last row in their order, as (first, pages that follow each other)."""
        runs: list[tuple[int, int]] = []
        for page in self._owned[-1]:
            first, count = runs[-1] if runs else (page, 0)
            if page == first + count:
                runs[-1:] = [(first, count + 1)]
            else:
                runs.append((page, 1))
        return tuple(runs)

    def move(self, source: int, target: int) -> None:
        """Let one row take the place of another, which is closed."""
        if source == target:
            return
        moved, place = self._row(source), self._row(target)
        for name in ("filled", "places", "conv", "ssm", "table"):
            getattr(place, name).copy_(getattr(moved, name))
        self._owned[target], self._owned[source] = self._owned[source], []
        moved.table.zero_()

    def _grow(self, rows: int, width: int, pages: int) -> None:
        old = self._state
        pools = [list(old.keys), list(old.values)]
        # Each pool goes when its larger copy is there, not when all copies are.
        self._state = old = replace(old, keys=(), values=())
        for pool in pools:
            for use in range(len(pool)):
                pool[use] = _larger(pool[use], 0, pages)
        self._state = replace(
            old,
            filled=_larger(old.filled, 0, rows),
            places=_larger(old.places, 0, rows),
            conv=_larger(old.conv, 1, rows),
            ssm=_larger(old.ssm, 1, rows),
            keys=tuple(pools[0]),
            values=tuple(pools[1]),
            table=_larger(_larger(old.table, 0, rows), 1, width),
        )

    def _row(self, row: int) -> PagedState:
        return self._state.rows(slice(row, row + 1))

    def _take(self, count: int) -> list[int] | None:
        while self._pool.free < count:
            oldest = self._shelf.drop()
            if oldest is None:
                return None
            self._pool.give_back(oldest.pages)
        return self._pool.take(count)

    def _restore(self, kept: _Snapshot, state: PagedState, own: list[int]) -> None:
        state.filled.fill_(kept.tokens)
        state.places.fill_(kept.tokens)
        state.conv.copy_(kept.conv)
        state.ssm.copy_(kept.ssm)
        if kept.tokens % PAGE:
            for pool in (*state.keys, *state.values):
                pool[own[0]] = pool[kept.pages[-1]]


def _larger(old: Tensor, dim: int, size: int) -> Tensor:
    """A tensor of `size` places along a dimension, the first ones as they were, the others 0."""
    if old.shape[dim] == size:
        return old
    new = old.new_zeros([*old.shape[:dim], size, *old.shape[dim + 1 :]])
    new.narrow(dim, 0, old.shape[dim]).copy_(old)
    return new


def _pages(tokens: int) -> int:
    return -(-tokens // PAGE)


def _power(count: int) -> int:
    """The next power of two."""
    return 1 << (count - 1).bit_length()


def _affordable(config: TextConfig, device: torch.device, dtype: torch.dtype, slots: int) -> int:
    """Tokens whose pages fit into a GPU's free memory beside the rows."""
    free, _ = torch.cuda.mem_get_info(device)
    one = PagedState.allocate(config, 1, 1, 1, "meta", dtype)
    row = one.conv.nbytes + one.ssm.nbytes
    page = sum(pool.nbytes for pool in (*one.keys, *one.values))
    return max(int((_SHARE * free - (slots + 1) * row) / page), 0) * PAGE
