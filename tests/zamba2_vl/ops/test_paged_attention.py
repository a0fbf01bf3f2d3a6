"""Attention over a paged cache, against float64 over plain rows; memory nobody wrote holds NaN."""

import pytest
import torch
from torch import Tensor

from zamba2_vl.ops.paged_attention import Known, paged_attention, reference
from zamba2_vl.ops.rotary import frequencies, rotary, rotary_write


class Rows:
    """Rows of some tokens each, in pages of `size` tokens scattered over a pool."""

    def __init__(
        self,
        filled: list[int],
        heads: int,
        key_heads: int,
        width: int,
        size: int,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        torch.manual_seed(sum(filled) + width)
        batch, longest = len(filled), max(filled)
        pages = -(-longest // size)
        pool = torch.full((batch * pages + 1, size, key_heads, width), torch.nan)
        self.keys = pool.to(device, dtype)
        self.values = self.keys.clone()
        # Where a row has no page the table leads nowhere.
        table = torch.randperm(batch * pages + 1)[: batch * pages].view(batch, pages)
        needed = -(-torch.tensor(filled) // size)
        table = table.where(torch.arange(pages) < needed[:, None], 10**6)
        self.table = table.int().to(device)
        self.heads = heads
        self.filled = filled
        shapes = (batch, longest, heads, width), (batch, longest, key_heads, width)
        self.q, self.k, self.v = (
            torch.randn(shape).to(device, dtype) for shape in (*shapes, shapes[1])
        )

    def positions(self, last: list[int]) -> Tensor:
        """Of the last `last` tokens of each row, -1 behind them."""
        rows = torch.full((len(last), max(last)), -1, dtype=torch.int32)
        for row, (filled, count) in enumerate(zip(self.filled, last, strict=True)):
            rows[row, :count] = torch.arange(filled - count, filled)
        return rows.to(self.keys.device)

    def here(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """What of (batch, longest, heads, width) belongs to these positions; NaN behind them."""
        row = torch.arange(len(positions), device=tokens.device)[:, None]
        found = tokens[row, positions.clamp(min=0).long()]
        return found.where((positions >= 0)[..., None, None], torch.nan)

    def write(self, turning: Tensor | None = None) -> Tensor:
        positions = self.positions(self.filled)
        parts = (self.here(t, positions) for t in (self.q, self.k, self.v))
        cache = (self.keys, self.values, self.table)
        return rotary_write(*parts, positions, turning, *cache)

    def expected(self, positions: Tensor, scale: float) -> Tensor:
        """In float64, row by row and query by query."""
        y = torch.zeros(*positions.shape, *self.q.shape[2:], dtype=torch.float64)
        shared = self.heads // self.k.shape[2]
        for row, token in (positions >= 0).nonzero().tolist():
            place = int(positions[row, token])
            q = self.q[row, place].double()
            k, v = (t[row, : place + 1].double() for t in (self.k, self.v))
            k, v = (t.repeat_interleave(shared, 1) for t in (k, v))
            weights = (torch.einsum("hw,thw->ht", q, k) * scale).softmax(-1)
            y[row, token] = torch.einsum("ht,thw->hw", weights, v)
        return y


def check(rows: Rows, last: list[int], close: float) -> None:
    rows.write()
    positions = rows.positions(last)
    scale = (rows.q.shape[3] / 2) ** -0.5
    q = rows.here(rows.q, positions)
    y = paged_attention(q, rows.keys, rows.values, rows.table, positions, scale)
    expected = rows.expected(positions, scale)
    assert y.dtype == q.dtype and y.shape == expected.shape
    torch.testing.assert_close(y.cpu().double(), expected, atol=close, rtol=close)


# Rows that end inside, at and behind the edge of a page, and one that takes no part.
ROWS = [([1, 16, 17, 45], [1, 1, 1, 1]), ([1, 16, 17, 45], [1, 7, 0, 40]), ([50], [37])]


@pytest.mark.parametrize("filled, last", ROWS)
@pytest.mark.parametrize("heads, key_heads, width", [(2, 2, 24), (4, 2, 16)])
def test_each_query_sees_its_row_up_to_itself(
    filled: list[int], last: list[int], heads: int, key_heads: int, width: int
) -> None:
    check(Rows(filled, heads, key_heads, width, 16), last, 1e-5)


def test_a_step_after_a_step_is_a_chunk() -> None:
    rows = Rows([21, 30], 2, 2, 16, 16)
    rows.write()
    positions = rows.positions([9, 9])
    q = rows.here(rows.q, positions)
    cache = rows.keys, rows.values, rows.table
    whole = paged_attention(q, *cache, positions, 0.3)
    steps = [
        paged_attention(q[:, i : i + 1], *cache, positions[:, i : i + 1], 0.3) for i in range(9)
    ]
    torch.testing.assert_close(torch.cat(steps, 1), whole)


def written(rows: Rows, turning: Tensor | None, close: float) -> None:
    turned = rows.write(turning)
    positions = rows.positions(rows.filled)
    q, k = (rows.here(t, positions) for t in (rows.q, rows.k))
    if turning is not None:
        angles = positions[..., None, None] * turning
        q, k = rotary(q, angles.cos(), angles.sin()), rotary(k, angles.cos(), angles.sin())
    held = positions >= 0
    size = rows.keys.shape[1]
    for row, token in held.nonzero().tolist():
        page = int(rows.table[row, token // size])
        found = rows.keys[page, token % size], rows.values[page, token % size]
        expected = k[row, token], rows.v[row, token]
        torch.testing.assert_close(found, expected, atol=close, rtol=close)
    assert int(rows.keys.isfinite().sum()) == sum(rows.filled) * rows.k[0, 0].numel()
    torch.testing.assert_close(turned[held], q[held], atol=close, rtol=close)


@pytest.mark.parametrize("turned", [True, False])
def test_tokens_are_written_to_their_pages_and_nowhere_else(turned: bool) -> None:
    turning = frequencies(24, 100.0, torch.device("cpu")) if turned else None
    written(Rows([1, 33, 16], 4, 2, 24, 16), turning, 1e-6)


def test_the_host_finds_a_row_in_runs_of_pages() -> None:
    known = Known(64, ((7, 4), (3, 3)))
    assert known.pieces(96, 32, 16) == [slice(112, 144), slice(144, 176), slice(48, 80)]
    assert known.pieces(64, 32, 16) == [slice(112, 144), slice(144, 176)]
    assert known.pieces(0, 32, 16) == []
    # No whole pieces, more than there are pages, and a piece over the edge of a run.
    assert known.pieces(80, 32, 16) is None
    assert known.pieces(128, 32, 16) is None
    assert known.pieces(96, 48, 16) is None


@pytest.mark.gpu
@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("width", [128, 160, 224])
def test_long_chunks_on_a_gpu(start: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pieces of queries behind none or three others, in two runs of pages."""
    from zamba2_vl.ops.paged_attention import runs

    torch.manual_seed(width)
    grain, size = 256, 16
    monkeypatch.setattr(runs, "GRAIN", grain)
    half = 3 * grain // size
    pages = torch.cat([torch.arange(half) + half + 3, torch.arange(half) + 1])
    pool = torch.full((2 * half + 3, size, 2, width), torch.nan)
    pool[pages] = torch.randn(2 * half, size, 2, width)
    q = torch.randn(1, 3 * grain, 2, width).cuda().bfloat16()
    keys = pool.cuda().bfloat16()
    values = keys.flip(1)
    known = Known(start * grain, ((half + 3, half), (1, half)))
    positions = torch.arange(3 * grain).cuda()[None].int() + known.start
    table = pages.cuda()[None].int()
    assert runs.serves(q, keys, known)
    y = paged_attention(q, keys, values, table, positions, 0.1, known)
    plain = q.float(), keys.float(), values.float()
    expected = reference.paged_attention(*plain, table, positions, 0.1, None)
    torch.testing.assert_close(y.float(), expected, atol=2e-2, rtol=2e-2)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype, close", [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("heads, key_heads, width", [(3, 3, 160), (2, 2, 224), (4, 2, 64)])
def test_on_a_gpu(heads: int, key_heads: int, width: int, dtype: torch.dtype, close: float) -> None:
    for filled, last in (([1, 64, 300, 129], [1, 1, 1, 1]), ([1, 64, 300, 129], [0, 9, 290, 129])):
        check(Rows(filled, heads, key_heads, width, 64, "cuda", dtype), last, close)
    turning = frequencies(width, 10000.0, torch.device("cuda"))
    written(Rows([1, 64, 300], heads, key_heads, width, 64, "cuda", dtype), turning, close)
    written(Rows([5, 70], heads, key_heads, width, 16, "cuda", dtype), None, 0)
