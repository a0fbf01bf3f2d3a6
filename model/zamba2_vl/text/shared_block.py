"""The transformer block that several layers share: attention and a gated MLP."""

import torch
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.attention import attention
from zamba2_vl.ops.gating import gated
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.ops.paged_attention import Known, paged_attention
from zamba2_vl.ops.rotary import rotary, rotary_write
from zamba2_vl.text.adapter import Stack, adapted, adapters
from zamba2_vl.text.linear import Linear, QuantizedLinear
from zamba2_vl.text.state import KeyValues, PagedKeyValues, Span

# Of rotary embedding: cos and sin of the tokens' angles or, where the cache lies in pages, the
# angle per position of each pair of features. None without.
Angles = tuple[Tensor, Tensor] | Tensor | None


class SharedBlock(nn.Module):
    """Reads hidden states beside the original embeddings; told apart at each use by adapters.

    There is no residual inside: what comes out is added to a Mamba2 layer's input.
    """

    def __init__(self, config: TextConfig, block: int) -> None:
        super().__init__()
        self.self_attn = SharedAttention(config, block)
        self.feed_forward = SharedMLP(config, block)
        eps = config.rms_norm_eps
        self.input_layernorm = RMSNorm(config.attention_hidden_size, eps=eps)
        self.pre_ff_layernorm = RMSNorm(config.hidden_size, eps=eps)

    def forward(
        self,
        hidden: Tensor,
        embeddings: Tensor,
        use: int,
        angles: Angles,
        cache: KeyValues | PagedKeyValues | None,
        span: Span | None,
    ) -> Tensor:
        """hidden, embeddings: (batch, length, hidden) -> the same shape. `use` counts the uses of
        all shared blocks."""
        both = torch.cat([hidden, embeddings], dim=-1)
        mixed = self.self_attn(both, use, angles, cache, span, self.input_layernorm)
        result: Tensor = self.feed_forward(mixed, use, self.pre_ff_layernorm)
        return result

    def stack(self) -> None:
        """Let inference compute all projections of one input at once; see `Stack`. Weights that are
        quantised stay apart."""
        if not any(isinstance(module, QuantizedLinear) for module in self.modules()):
            self.self_attn.stack()
            self.feed_forward.stack()


class SharedAttention(nn.Module):
    """Causal attention from twice the hidden width down to it."""

    def __init__(self, config: TextConfig, block: int) -> None:
        super().__init__()
        width, self.head_dim = config.attention_hidden_size, config.attention_head_dim
        key_width = config.num_key_value_heads * self.head_dim
        self.q_proj = Linear(width, width, bias=False)
        self.k_proj = Linear(width, key_width, bias=False)
        self.v_proj = Linear(width, key_width, bias=False)
        self.o_proj = Linear(width, config.hidden_size, bias=False)
        self.adapted = config.use_shared_attention_adapter
        if self.adapted:
            self.linear_q_adapter_list = adapters(config, block, width, width)
            self.linear_k_adapter_list = adapters(config, block, width, width)
            self.linear_v_adapter_list = adapters(config, block, width, width)
        self._stack: Stack | None = None

    def stack(self) -> None:
        """Queries, keys and values at once; see `SharedBlock.stack`."""
        lists: tuple[nn.ModuleList, ...] = ()
        if self.adapted:
            lists = (
                self.linear_q_adapter_list,
                self.linear_k_adapter_list,
                self.linear_v_adapter_list,
            )
        self._stack = Stack((self.q_proj, self.k_proj, self.v_proj), lists)

    def forward(
        self,
        x: Tensor,
        use: int,
        angles: Angles,
        cache: KeyValues | PagedKeyValues | None,
        span: Span | None,
        norm: RMSNorm,
    ) -> Tensor:
        q, k, v = (torch.unflatten(t, -1, (-1, self.head_dim)) for t in self._qkv(x, use, norm))
        # Half the head width, since half of what the heads read are the bare embeddings.
        scale = (self.head_dim / 2) ** -0.5
        if isinstance(cache, PagedKeyValues) and span is not None:
            pages = cache.keys, cache.values, cache.table
            turning = angles if isinstance(angles, Tensor) else None
            q = rotary_write(q, k, v, span.positions, turning, *pages)
            y = paged_attention(q, *pages, span.positions, scale, _known(cache, span))
        else:
            q, k, v = (t.transpose(1, 2) for t in (q, k, v))
            if isinstance(angles, tuple):
                q, k = rotary(q, *angles), rotary(k, *angles)
            mask = None
            if isinstance(cache, KeyValues) and span is not None:
                k, v = cache.extend(k, v, span)
                k, v, mask = k.to(q.dtype), v.to(q.dtype), span.mask
            fresh = span is None or span.start == 0
            y = attention(q, k, v, scale, causal=fresh and q.shape[2] > 1, mask=mask)
            y = y.transpose(1, 2)
        result: Tensor = self.o_proj(y.flatten(2))
        return result

    def _qkv(self, x: Tensor, use: int, norm: RMSNorm) -> tuple[Tensor, ...]:
        if self._stack is not None and not torch.is_grad_enabled():
            return self._stack(x, use, norm)
        x = norm(x)
        if not self.adapted:
            return self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return (
            adapted(self.q_proj, self.linear_q_adapter_list[use], x),
            adapted(self.k_proj, self.linear_k_adapter_list[use], x),
            adapted(self.v_proj, self.linear_v_adapter_list[use], x),
        )


def _known(cache: PagedKeyValues, span: Span) -> Known | None:
    """What the host knows of where the tokens of a call lie."""
    if cache.runs is None or span.start is None or span.lengths is not None:
        return None
    return Known(span.start, cache.runs)


class SharedMLP(nn.Module):
    """A gated MLP with GELU."""

    def __init__(self, config: TextConfig, block: int) -> None:
        super().__init__()
        hidden, inner, bias = config.hidden_size, config.intermediate_size, config.add_bias_linear
        self.gate_up_proj = Linear(hidden, 2 * inner, bias=bias)
        self.down_proj = Linear(inner, hidden, bias=bias)
        self.gate_up_proj_adapter_list = adapters(config, block, hidden, 2 * inner)
        self._stack: Stack | None = None

    def stack(self) -> None:
        """The adapter's sum in place; see `SharedBlock.stack`."""
        self._stack = Stack((self.gate_up_proj,), (self.gate_up_proj_adapter_list,))

    def forward(self, x: Tensor, use: int, norm: RMSNorm) -> Tensor:
        if self._stack is not None and not torch.is_grad_enabled():
            (both,) = self._stack(x, use, norm)
        else:
            both = adapted(self.gate_up_proj, self.gate_up_proj_adapter_list[use], x, norm)
        gate, up = both.chunk(2, -1)
        result: Tensor = self.down_proj(gated(gate, up, "gelu"))
        return result
