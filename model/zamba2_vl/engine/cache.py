"""The decoder's memory for all requests that are on their way: one row each."""

import torch

from zamba2_vl.config import TextConfig
from zamba2_vl.text.state import DecoderState

# Capacities are rounded up to this many tokens, so that similar requests share one allocation.
GRANULE = 256


class Cache:
    """Rows of decoder state. It grows when it has to and never shrinks."""

    def __init__(self, config: TextConfig, device: torch.device, dtype: torch.dtype) -> None:
        self._config = config
        self._device = device
        self._dtype = dtype
        self._state = DecoderState.allocate(config, 0, 0, device, dtype)

    @property
    def rows(self) -> int:
        return len(self._state.filled)

    def grow(self, rows: int, tokens: int) -> None:
        """Make room for `rows` rows of `tokens` tokens; what is in the rows stays."""
        old = self._state
        rows = max(rows, self.rows)
        capacity = max(-(-tokens // GRANULE) * GRANULE, old.capacity)
        if (rows, capacity) == (self.rows, old.capacity):
            return
        self._state = DecoderState.allocate(self._config, rows, capacity, self._device, self._dtype)
        for row in range(len(old.filled)):
            _copy(old.rows(slice(row, row + 1)), self._row(row))

    def fresh(self, row: int) -> DecoderState:
        """One row, emptied; a view."""
        state = self._row(row)
        state.reset()
        return state

    def first(self, rows: int) -> DecoderState:
        """The first rows; a view."""
        return self._state.rows(slice(rows))

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
