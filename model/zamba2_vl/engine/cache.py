"""The decoder's memory for all requests that are on their way: one row each."""

from collections.abc import Sequence
from typing import Final

import torch

from zamba2_vl.config import TextConfig
from zamba2_vl.engine.memory import Shelf
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.text.state import DecoderState

# Capacities are rounded up to this many tokens, so that similar requests share one allocation.
GRANULE: Final = 256
# Pictures that are remembered: what a process works on at the same time.
_KEPT = 2


class Cache:
    """Rows of decoder state. It grows when it has to and never shrinks."""

    most: Final[int | None] = None

    def __init__(self, config: TextConfig, device: torch.device, dtype: torch.dtype) -> None:
        self._config = config
        self._device = device
        self._dtype = dtype
        self._state = DecoderState.allocate(config, 0, 0, device, dtype)
        self._shelf = Shelf[DecoderState](_KEPT)

    @property
    def rows(self) -> int:
        """Rows that there are."""
        return len(self._state.filled)

    def grow(self, rows: int, needs: Sequence[int]) -> None:
        """Make room for `rows` rows of as many tokens as any of `needs`; what is there stays."""
        old = self._state
        rows = max(rows, self.rows)
        capacity = max(-(-max(needs) // GRANULE) * GRANULE, old.capacity)
        if (rows, capacity) == (self.rows, old.capacity):
            return
        self._state = DecoderState.allocate(self._config, rows, capacity, self._device, self._dtype)
        for row in range(len(old.filled)):
            _copy(old.rows(slice(row, row + 1)), self._row(row))

    def open(self, row: int, tokens: int, prefix: Prefix | None = None) -> DecoderState:
        """One row, emptied up to what is remembered of `prefix`; a view. There is always room for
        the tokens that the cache was grown for."""
        state = self._row(row)
        state.reset()
        kept = self._shelf.find(prefix)
        if kept is not None:
            _copy(kept, state)
        return state

    def close(self, row: int) -> None:
        """Nothing to do: whoever opens the row empties it."""

    def remember(self, row: int, prefix: Prefix) -> None:
        """Keep a copy of a row, which is the state after `prefix`."""
        state = self._row(row)
        kept = DecoderState.allocate(self._config, 1, len(prefix), self._device, self._dtype)
        _copy(state, kept)
        self._shelf.put(prefix, kept)

    def knows(self, prefix: Prefix | None) -> bool:
        """Whether a prefix is remembered."""
        return prefix in self._shelf

    def first(self, rows: int) -> DecoderState:
        """The first rows; a view."""
        return self._state.rows(slice(rows))

    @property
    def last(self) -> DecoderState:
        """The last row; a view."""
        return self._row(self.rows - 1)

    def move(self, source: int, target: int) -> None:
        """Let one row take another one's place."""
        if source != target:
            _copy(self._row(source), self._row(target))

    def _row(self, row: int) -> DecoderState:
        return self._state.rows(slice(row, row + 1))


def _copy(source: DecoderState, target: DecoderState) -> None:
    """Copy rows, and of their keys and values the part that is filled."""
    used = int(source.filled.max())
    target.filled.copy_(source.filled)
    target.conv.copy_(source.conv)
    target.ssm.copy_(source.ssm)
    target.keys[..., :used, :] = source.keys[..., :used, :]
    target.values[..., :used, :] = source.values[..., :used, :]
