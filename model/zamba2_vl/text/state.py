"""What decoding remembers: convolution inputs, recurrent states, keys and values.

The engine owns this memory; layers write into it. Every tensor is allocated once for its whole
capacity.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from zamba2_vl.config import TextConfig
from zamba2_vl.errors import InputError


@dataclass(frozen=True)
class MambaState:
    """One Mamba2 layer's memory.

    conv: (batch, taps - 1, channels), the last inputs of the convolution;
    ssm: (batch, heads, width, rank) float32.
    """

    conv: Tensor
    ssm: Tensor


@dataclass(frozen=True)
class Span:
    """Where the tokens of one call go.

    positions: (1 or batch, length) of the tokens in their rows; start: tokens already in every
    row, or None if the rows differ; end: tokens in the fullest row afterwards, or at most;
    lengths: (batch,) valid tokens of each row, or None if all are; valid: (batch, length) bool, or
    None; mask: (1 or batch, 1, length, end) bool, True where a token may look, or None where plain
    causality (a fresh sequence) or none (a single token) is enough.

    In a paged state padding has position -1, and everything but start and end is on the device.
    """

    positions: Tensor
    start: int | None
    end: int
    lengths: Tensor | None = None
    valid: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True)
class KeyValues:
    """Keys and values of one use of a shared block, each (batch, key heads, capacity, width)."""

    keys: Tensor
    values: Tensor

    def extend(self, k: Tensor, v: Tensor, span: Span) -> tuple[Tensor, Tensor]:
        """Write (batch, key heads, length, width) at the span's places.

        Returns keys and values of all tokens up to the span's end.
        """
        if span.start is not None:
            here = slice(span.start, span.start + k.shape[2])
            self.keys[:, :, here] = k
            self.values[:, :, here] = v
        else:
            # Only valid tokens are written: a padded one could lie beyond the capacity.
            valid = torch.ones_like(span.positions, dtype=torch.bool)
            row, token = (valid if span.valid is None else span.valid).nonzero(as_tuple=True)
            place = span.positions[row, token]
            self.keys[row, :, place] = k[row, :, token].to(self.keys.dtype)
            self.values[row, :, place] = v[row, :, token].to(self.values.dtype)
        return self.keys[:, :, : span.end], self.values[:, :, : span.end]


@dataclass(frozen=True)
class PagedKeyValues:
    """Keys and values of one use of a shared block, in pages.

    keys, values: (pages, page tokens, key heads, width); table: (batch, pages of a row) int32, the
    pages of each row in the order of its tokens. Page 0 belongs to nobody. runs: where the host
    plans the pass of a single row, that row's pages as (first, pages that follow each other).
    """

    keys: Tensor
    values: Tensor
    table: Tensor
    runs: tuple[tuple[int, int], ...] | None = None


class State(Protocol):
    """What the decoder goes on from, and writes into."""

    def span(self, length: int, lengths: Tensor | None) -> Span:
        """Plan the next `length` tokens, of which `lengths` (batch,) are valid in each row."""

    def advance(self, length: int, lengths: Tensor | None) -> None:
        """Count the tokens of a span that every layer has taken in."""

    def mamba(self, layer: int) -> MambaState:
        """The memory of one Mamba2 layer."""

    def attention(self, use: int) -> KeyValues | PagedKeyValues:
        """The memory of one use of a shared block."""


@dataclass(frozen=True)
class DecoderState:
    """The memory of `batch` sequences.

    filled: (batch,) int64 on the CPU, tokens seen by each row; the host plans with it.
    conv: (layers, batch, taps - 1, channels); ssm: (layers, batch, heads, width, rank) float32;
    keys, values: (uses, batch, key heads, capacity, width).
    """

    filled: Tensor
    conv: Tensor
    ssm: Tensor
    keys: Tensor
    values: Tensor

    @classmethod
    def allocate(
        cls,
        config: TextConfig,
        batch: int,
        max_length: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """Empty memory for `batch` sequences of at most `max_length` tokens."""
        layers = config.num_hidden_layers
        heads, width, rank = config.n_mamba_heads, config.mamba_headdim, config.mamba_d_state
        taps = config.mamba_d_conv
        uses, key_heads = len(config.hybrid_layer_ids), config.num_key_value_heads
        cache = (uses, batch, key_heads, max_length, config.attention_head_dim)
        return cls(
            filled=torch.zeros(batch, dtype=torch.int64),
            conv=torch.zeros(
                layers, batch, taps - 1, config.conv_channels, device=device, dtype=dtype
            ),
            ssm=torch.zeros(layers, batch, heads, width, rank, device=device),
            keys=torch.zeros(cache, device=device, dtype=dtype),
            values=torch.zeros(cache, device=device, dtype=dtype),
        )

    @property
    def capacity(self) -> int:
        """Tokens that each row has room for."""
        return self.keys.shape[3]

    def rows(self, which: slice) -> Self:
        """A view of some rows: what is written into it is written here."""
        return type(self)(
            filled=self.filled[which],
            conv=self.conv[:, which],
            ssm=self.ssm[:, which],
            keys=self.keys[:, which],
            values=self.values[:, which],
        )

    def reset(self) -> None:
        """Forget everything. Old keys may stay: nothing looks at them."""
        self.filled.zero_()
        self.conv.zero_()
        self.ssm.zero_()

    def mamba(self, layer: int) -> MambaState:
        return MambaState(self.conv[layer], self.ssm[layer])

    def attention(self, use: int) -> KeyValues:
        return KeyValues(self.keys[use], self.values[use])

    def span(self, length: int, lengths: Tensor | None) -> Span:
        """Plan the next `length` tokens, of which `lengths` (batch,) are valid in each row.

        Raises InputError where they do not fit.
        """
        device = self.ssm.device
        counts = None if lengths is None else lengths.to("cpu", torch.int64)
        if counts is not None and bool((counts == length).all()):
            counts = None
        end = int((self.filled + (length if counts is None else counts)).max())
        if end > self.capacity:
            raise InputError(
                f"{end} tokens do not fit into a state for {self.capacity}",
                "allocate the state with a larger max_length",
            )
        first = int(self.filled[0])
        steps = torch.arange(length)
        if counts is None and bool((self.filled == first).all()):
            positions = (first + steps)[None]
            mask = None
            if first and length > 1:
                mask = (torch.arange(end) <= positions[..., None])[:, None].to(device)
            return Span(positions.to(device), first, end, mask=mask)
        positions = self.filled[:, None] + steps
        seen = (torch.arange(end) <= positions[..., None])[:, None]
        return Span(
            positions=positions.to(device),
            start=None,
            end=end,
            lengths=None if counts is None else counts.to(device),
            valid=None if counts is None else (steps < counts[:, None]).to(device),
            mask=seen.to(device),
        )

    def advance(self, length: int, lengths: Tensor | None) -> None:
        """Count the tokens of a span that every layer has taken in."""
        self.filled.add_(length if lengths is None else lengths.to("cpu", torch.int64))
