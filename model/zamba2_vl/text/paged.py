"""The memory of many sequences whose attention caches lie in pages of one pool."""

from dataclasses import dataclass, replace
from typing import Final, Self

import torch
from torch import Tensor

from zamba2_vl.config import TextConfig
from zamba2_vl.errors import InputError
from zamba2_vl.text.state import MambaState, PagedKeyValues, Span

PAGE: Final = 64
"""Tokens of a page: a tile of the attention kernels."""


@dataclass(frozen=True)
class PagedState:
    """The memory of `batch` sequences. Who may use which page is the engine's business.

    filled: (batch,) int64 on the CPU, tokens seen by each row, for the host to plan with; places:
    (batch,) int32, the same for the device, so that a step need not be told; conv, ssm: as in
    `DecoderState`; keys, values: of each use, (pages, PAGE, key heads, width); table: (batch, pages
    of a row) int32; runs: as in `PagedKeyValues`.
    """

    filled: Tensor
    places: Tensor
    conv: Tensor
    ssm: Tensor
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    table: Tensor
    runs: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def allocate(
        cls,
        config: TextConfig,
        batch: int,
        pages: int,
        pages_per_row: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """Empty memory. Until the table says otherwise, every row writes into page 0."""
        layers = config.num_hidden_layers
        heads, width, rank = config.n_mamba_heads, config.mamba_headdim, config.mamba_d_state
        inputs = (layers, batch, config.mamba_d_conv - 1, config.conv_channels)
        page = (pages, PAGE, config.num_key_value_heads, config.attention_head_dim)
        uses = range(len(config.hybrid_layer_ids))
        return cls(
            filled=torch.zeros(batch, dtype=torch.int64),
            places=torch.zeros(batch, dtype=torch.int32, device=device),
            conv=torch.zeros(inputs, device=device, dtype=dtype),
            ssm=torch.zeros(layers, batch, heads, width, rank, device=device),
            keys=tuple(torch.zeros(page, device=device, dtype=dtype) for _ in uses),
            values=tuple(torch.zeros(page, device=device, dtype=dtype) for _ in uses),
            table=torch.zeros(batch, pages_per_row, dtype=torch.int32, device=device),
        )

    @property
    def capacity(self) -> int:
        """Tokens that each row has room for in its table."""
        return self.table.shape[1] * PAGE

    def rows(self, which: slice) -> Self:
        """A view of some rows: what is written into it is written here."""
        return replace(
            self,
            filled=self.filled[which],
            places=self.places[which],
            conv=self.conv[:, which],
            ssm=self.ssm[:, which],
            table=self.table[which],
        )

    def reset(self) -> None:
        """Forget everything. Old keys may stay: nothing looks at them."""
        for part in (self.filled, self.places, self.conv, self.ssm):
            part.zero_()

    def mamba(self, layer: int) -> MambaState:
        return MambaState(self.conv[layer], self.ssm[layer])

    def attention(self, use: int) -> PagedKeyValues:
        return PagedKeyValues(self.keys[use], self.values[use], self.table, self.runs)

    def span(self, length: int, lengths: Tensor | None) -> Span:
        """As `DecoderState.span`. The host's count is only used to bound what is looked at."""
        counts = length if lengths is None else lengths.to("cpu", torch.int64)
        end = int((self.filled + counts).max())
        if end > self.capacity:
            raise InputError(
                f"{end} tokens do not fit into a state for {self.capacity}",
                "allocate the state with a larger table",
            )
        first = int(self.filled[0])
        alike = lengths is None and bool((self.filled == first).all())
        device = None if lengths is None else lengths.to(self.places.device)
        return self._span(length, device, first if alike else None, end)

    def open_span(self, length: int, lengths: Tensor) -> Span:
        """A plan that the host has no part in, for any `lengths` (batch,) that the device holds."""
        return self._span(length, lengths, None, self.capacity)

    def advance(self, length: int, lengths: Tensor | None) -> None:
        """Count the tokens of a span that every layer has taken in."""
        self.filled.add_(length if lengths is None else lengths.to("cpu", torch.int64))
        self.places.add_(length if lengths is None else lengths.to(self.places.device))

    def _span(self, length: int, lengths: Tensor | None, start: int | None, end: int) -> Span:
        steps = torch.arange(length, dtype=torch.int32, device=self.places.device)
        positions = self.places[:, None] + steps
        valid = None
        if lengths is not None:
            valid = steps < lengths[:, None]
            positions = positions.masked_fill(~valid, -1)
        return Span(positions, start, end, lengths, valid)
