"""The vision tower: patches in, one embedding per 2 x 2 patches out."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zamba2_vl.config import VisionConfig
from zamba2_vl.ops.attention import attention, attention_by_length, attention_by_page
from zamba2_vl.ops.gating import gated
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.ops.rotary import frequencies, rotary
from zamba2_vl.ops.window_attention import window_attention
from zamba2_vl.vision.windows import JoinedLayout, PackedLayout, WindowLayout

Layout = WindowLayout | PackedLayout | JoinedLayout

_EPS = 1e-6
# Features to whole numbers of which inference widens the MLP.
_GRAIN = 64


class VisionEncoder(nn.Module):
    """The Qwen2.5-VL tower. Parameter names are the published ones."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.merger = Merger(config)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weights to start training from nothing."""
        std = self.config.initializer_range
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=std)
                nn.init.zeros_(module.bias)
            elif isinstance(module, RMSNorm):
                nn.init.ones_(module.weight)
        nn.init.normal_(self.patch_embed.proj.weight, std=std)
        # Each layer adds to the residual stream twice; keep its sum from growing with depth.
        small = std / math.sqrt(2 * self.config.depth)
        for module in self.modules():
            if isinstance(module, Attention):
                nn.init.normal_(module.proj.weight, std=small)
            elif isinstance(module, MLP):
                nn.init.normal_(module.down_proj.weight, std=small)

    def widen(self) -> None:
        """Arrange the weights for inference on a GPU; see `MLP.widen`."""
        for module in self.modules():
            if isinstance(module, MLP):
                module.widen()

    def forward(self, patches: Tensor, layout: Layout) -> Tensor:
        """patches: (B, N, patch_values) in packed window order -> (B, N / unit, out_hidden) in
        raster order."""
        return self.merge(self.features(patches, layout), layout)

    def features(self, patches: Tensor, layout: Layout) -> Tensor:
        """patches: (B, N, patch_values) -> (B, N, hidden), both in packed window order.

        Padding patches of a PackedLayout come out as rubbish but influence no other patch.
        """
        hidden: Tensor = self.patch_embed(patches)
        cos, sin = self._angles(layout)
        for i, block in enumerate(self.blocks):
            windowed = i not in self.config.fullatt_block_indexes
            hidden = block(hidden, layout, cos, sin, windowed)
        return hidden

    def merge(self, features: Tensor, layout: Layout) -> Tensor:
        """features: (B, N, hidden) in packed window order -> (B, N / unit, out_hidden) in raster
        order."""
        units: Tensor = self.merger(features)
        return layout.raster(units)

    def _angles(self, layout: Layout) -> tuple[Tensor, Tensor]:
        """cos and sin, (N, 1, head_dim / 2) or (B, N, 1, head_dim / 2), rows then columns."""
        per_axis = frequencies(
            self.config.head_dim // 2, self.config.rope_theta, layout.coords.device
        )
        angles = (layout.coords[..., None] * per_axis).flatten(-2)[..., None, :]
        return angles.cos(), angles.sin()


class PatchEmbed(nn.Module):
    """A linear map of each patch. Published as a convolution whose stride is its kernel, which
    over patches already cut out is one matrix product."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        kernel = (config.temporal_patch_size, config.patch_size, config.patch_size)
        self.proj = nn.Conv3d(config.in_channels, config.hidden_size, kernel, kernel, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        weight = self.proj.weight.flatten(1)
        return F.linear(patches.to(weight.dtype), weight)


class Block(nn.Module):
    """Attention and a gated MLP, each behind a norm and beside a residual."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = RMSNorm(config.hidden_size, eps=_EPS)
        self.norm2 = RMSNorm(config.hidden_size, eps=_EPS)
        self.attn = Attention(config)
        self.mlp = MLP(config)

    def forward(
        self, hidden: Tensor, layout: Layout, cos: Tensor, sin: Tensor, windowed: bool
    ) -> Tensor:
        hidden = hidden + self.attn(self.norm1(hidden), layout, cos, sin, windowed)
        result: Tensor = hidden + self.mlp(self.norm2(hidden))
        return result


class Attention(nn.Module):
    """Multi-head attention over a window or over the whole page."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.head_dim = config.head_dim
        self.qkv = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(
        self, x: Tensor, layout: Layout, cos: Tensor, sin: Tensor, windowed: bool
    ) -> Tensor:
        # (B, N, heads, head_dim): first the queries, then the keys, then the values.
        qkv = torch.unflatten(self.qkv(x), -1, (-1, self.head_dim))
        qk, v = rotary(qkv[..., : 2 * self.heads, :], cos, sin), qkv[..., 2 * self.heads :, :]
        if not isinstance(layout, WindowLayout):
            mixed = self._batch(qk, v, layout, windowed).flatten(2)
        elif windowed:
            mixed = self._windows(qk.flatten(2), v.flatten(2), layout)
        else:
            mixed = self._page(qk.flatten(2), v.flatten(2))
        result: Tensor = self.proj(mixed)
        return result

    def _batch(
        self, qk: Tensor, v: Tensor, layout: PackedLayout | JoinedLayout, windowed: bool
    ) -> Tensor:
        q, k = qk.chunk(2, dim=2)
        if windowed:
            scale = self.head_dim**-0.5
            return window_attention(q, k, v, layout.bounds, scale, layout.window)
        if isinstance(layout, JoinedLayout):
            return attention_by_page(q, k, v, layout.pages)
        return attention_by_length(q, k, v, layout.bounds[:, -1])

    def _windows(self, qk: Tensor, v: Tensor, layout: WindowLayout) -> Tensor:
        batch = qk.shape[0]
        q, k, v = self._heads(layout.split(qk).flatten(0, 1), layout.split(v).flatten(0, 1))
        mask = layout.slot_mask()
        if mask is not None:
            # (windows, window) -> (B windows, 1, 1, window)
            mask = mask.expand(batch, -1, -1).flatten(0, 1)[:, None, None]
        mixed = attention(q, k, v, self.head_dim**-0.5, mask=mask)
        return layout.join(torch.unflatten(mixed.transpose(1, 2).flatten(2), 0, (batch, -1)))

    def _page(self, qk: Tensor, v: Tensor) -> Tensor:
        mixed = attention(*self._heads(qk, v), self.head_dim**-0.5)
        return mixed.transpose(1, 2).flatten(2)

    def _heads(self, qk: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, n, 2 hidden) and (B, n, hidden) -> queries, keys, values (B, heads, n, head_dim)."""
        q, k = torch.unflatten(qk, -1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, torch.unflatten(v, -1, (self.heads, -1)).transpose(1, 2)


class MLP(nn.Module):
    """SwiGLU with biases."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size)
        self._widened: tuple[Tensor, Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self._widened is not None and not torch.is_grad_enabled():
            both, biases, down = self._widened
            gate, up = F.linear(x, both, biases).chunk(2, -1)
            return F.linear(gated(gate, up, "silu"), down, self.down_proj.bias)
        result: Tensor = self.down_proj(gated(self.gate_proj(x), self.up_proj(x), "silu"))
        return result

    @torch.no_grad()
    def widen(self) -> None:
        """Let inference compute gate and up at once, in rows of a width that tensor cores like.

        Of rows that are not whole 16 bytes, as the 3,420 published features, a GPU makes products
        at a third of its speed; zeros fill them up. The parameters become parts of that memory:
        after they move or change their type they must be widened again.
        """
        inner, hidden = self.gate_proj.weight.shape
        wide = -(-inner // _GRAIN) * _GRAIN
        both = self.gate_proj.weight.new_zeros(2, wide, hidden)
        biases, down = both.new_zeros(2, wide), both.new_zeros(hidden, wide)
        for half, projection in enumerate((self.gate_proj, self.up_proj)):
            _move(projection.weight, both[half, :inner])
            _move(projection.bias, biases[half, :inner])
        _move(self.down_proj.weight, down[:, :inner])
        self._widened = both.flatten(0, 1), biases.flatten(), down


def _move(parameter: Tensor, place: Tensor) -> None:
    """Let a parameter lie elsewhere."""
    parameter.data = place.copy_(parameter)


class Merger(nn.Module):
    """The patches of a unit, side by side, through a small MLP."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width = config.hidden_size * config.unit_patches
        self.unit = config.unit_patches
        self.ln_q = RMSNorm(config.hidden_size, eps=_EPS)
        self.mlp = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.out_hidden_size)
        )

    def forward(self, features: Tensor) -> Tensor:
        units = torch.unflatten(self.ln_q(features), 1, (-1, self.unit)).flatten(2)
        result: Tensor = self.mlp(units)
        return result
