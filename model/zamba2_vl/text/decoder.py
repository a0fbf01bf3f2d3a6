"""The language model: Mamba2 layers, with a shared transformer block in front of some."""

import math

import torch
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.ops.rotary import frequencies
from zamba2_vl.text.adapter import Adapter
from zamba2_vl.text.linear import Embedding, Linear
from zamba2_vl.text.mamba2 import Mamba2
from zamba2_vl.text.paged import PagedState
from zamba2_vl.text.shared_block import Angles, SharedBlock
from zamba2_vl.text.state import KeyValues, MambaState, PagedKeyValues, Span, State

# Zamba2's long-context variant stretches the rotary base by this factor to head_dim/(head_dim - 2),
# after Zyphra's own modeling code.
_LONG_CONTEXT_STRETCH = 8.0


class Decoder(nn.Module):
    """Zamba2. Parameter names are those of the published files, `model.` included."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Layers(config)
        if not config.tie_word_embeddings:
            self.lm_head = Linear(config.hidden_size, config.vocab_size, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights to start training from nothing."""
        std = self.config.initializer_range
        nn.init.normal_(self.model.embed_tokens.weight, std=std)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, RMSNorm):
                nn.init.ones_(module.weight)
        # Each layer adds to the residual stream once; keep its sum from growing with depth.
        depth = math.sqrt(2 * self.config.num_hidden_layers)
        for module in self.modules():
            if isinstance(module, Mamba2):
                module.reset_parameters()
                nn.init.normal_(module.out_proj.weight, std=std / depth)
            elif isinstance(module, Adapter):
                module.reset_parameters(std)

    def embed(self, ids: Tensor) -> Tensor:
        """ids: (batch, length) -> (batch, length, hidden)."""
        embedded: Tensor = self.model.embed_tokens(ids)
        return embedded

    def forward(
        self,
        embeds: Tensor,
        state: State | None = None,
        lengths: Tensor | None = None,
    ) -> Tensor:
        """Run all layers and the final norm.

        embeds: (batch, length, hidden), of which rows may be padded on the right. Without a state
        this is the training pass: differentiable, of fixed shapes, and padding is harmless because
        nothing looks ahead. With a state it continues from there, whatever the length (one token
        is a decoding step), and the state moves on; `lengths` (batch,) then says how many tokens
        of each row are valid, 0 included, so that padding never enters it.

        Returns (batch, length, hidden). Raises InputError where the state is too small.
        """
        if state is None:
            hidden: Tensor = self.model(embeds)
            return hidden
        span = state.span(embeds.shape[1], lengths)
        hidden = self.model(embeds, state, span)
        state.advance(embeds.shape[1], lengths)
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden: (..., hidden) after the final norm -> (..., vocab_size)."""
        if self.config.tie_word_embeddings:
            return self.model.embed_tokens.scores(hidden)
        scores: Tensor = self.lm_head(hidden)
        return scores


class Layers(nn.Module):
    """Embedding, layers and final norm; a shared block is one module under several names."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = Embedding(config.vocab_size, config.hidden_size)
        blocks = [
            SharedBlock(config, block)
            for block in range(min(config.num_mem_blocks, len(config.hybrid_layer_ids)))
        ]
        self.layers = nn.ModuleList()
        for index in range(config.num_hidden_layers):
            layer = MambaLayer(config)
            if index in config.hybrid_layer_ids:
                use = config.hybrid_layer_ids.index(index)
                self.layers.append(HybridLayer(config, layer, blocks[use % len(blocks)], use))
            else:
                self.layers.append(layer)
        self.final_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, embeds: Tensor, state: State | None = None, span: Span | None = None
    ) -> Tensor:
        angles = self._angles(embeds, state, span) if self.config.use_mem_rope else None
        hidden = embeds
        for index, layer in enumerate(self.layers):
            memory = None if state is None else state.mamba(index)
            if isinstance(layer, HybridLayer):
                cache = None if state is None else state.attention(layer.use)
                hidden = layer(hidden, embeds, angles, memory, cache, span)
            else:
                hidden = layer(hidden, hidden, memory, span)
        normed: Tensor = self.final_layernorm(hidden)
        return normed

    def _angles(self, embeds: Tensor, state: State | None, span: Span | None) -> Angles:
        """Per position (head_dim / 2,) over pages, else cos and sin at the tokens' positions,
        (1 or batch, 1, length, head_dim / 2)."""
        config = self.config
        width, theta = config.attention_head_dim, config.rope_theta
        if config.use_long_context:
            theta *= _LONG_CONTEXT_STRETCH ** (width / (width - 2))
        per_position = frequencies(width, theta, embeds.device)
        if isinstance(state, PagedState):
            return per_position
        if span is None:
            positions = torch.arange(embeds.shape[1], device=embeds.device)[None]
        else:
            positions = span.positions
        turns = positions[:, None, :, None] * per_position
        return turns.cos(), turns.sin()


class MambaLayer(nn.Module):
    """hidden + mamba(norm(x)), where x is hidden, with what a shared block gives if one stands in
    front."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.mamba = Mamba2(config)
        self.input_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(
        self, hidden: Tensor, x: Tensor, memory: MambaState | None, span: Span | None
    ) -> Tensor:
        result: Tensor = self.mamba(x, memory, span, self.input_layernorm, hidden)
        return result


class HybridLayer(nn.Module):
    """A shared block in front of a Mamba2 layer. `use` counts the uses of all shared blocks."""

    def __init__(self, config: TextConfig, mamba: MambaLayer, block: SharedBlock, use: int) -> None:
        super().__init__()
        self.use = use
        self.linear = Linear(config.hidden_size, config.hidden_size, bias=False)
        self.mamba_decoder = mamba
        self.shared_transformer = block

    def forward(
        self,
        hidden: Tensor,
        embeds: Tensor,
        angles: Angles,
        memory: MambaState | None,
        cache: KeyValues | PagedKeyValues | None,
        span: Span | None,
    ) -> Tensor:
        shared = self.shared_transformer(hidden, embeds, self.use, angles, cache, span)
        x = self.linear(shared, residual=hidden)
        result: Tensor = self.mamba_decoder(hidden, x, memory, span)
        return result
