"""The Mamba2 branch: a scan over a sequence, a step for one token."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.causal_conv import causal_conv
from zamba2_vl.ops.gated_norm import gated_norm
from zamba2_vl.ops.ssd_scan import ssd_scan
from zamba2_vl.ops.state_update import state_update
from zamba2_vl.text.linear import Linear
from zamba2_vl.text.state import MambaState, Span

_NORM_EPS = 1e-5


class Mamba2(nn.Module):
    """Projection, short convolution, state-space recurrence, gated norm, projection."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        inner, channels, heads = config.mamba_inner, config.conv_channels, config.n_mamba_heads
        bias = config.add_bias_linear
        self.in_proj = Linear(config.hidden_size, inner + channels + heads, bias=bias)
        self.conv1d = ShortConv(channels, config.mamba_d_conv)
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.empty(heads))
        self.norm = GatedNorm(inner, config.mamba_ngroups)
        self.out_proj = Linear(inner, config.hidden_size, bias=bias)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Mamba2's own start: decay rates 1..heads, step widths spread evenly in their
        logarithm between time_step_min and time_step_max."""
        if self.dt_bias.is_meta:
            return
        config = self.config
        low, high = math.log(config.time_step_min), math.log(config.time_step_max)
        steps = torch.empty_like(self.dt_bias).uniform_(low, high).exp_()
        steps.clamp_(min=config.time_step_floor)
        # The inverse of softplus.
        self.dt_bias.copy_(steps + torch.log(-torch.expm1(-steps)))
        rates = torch.arange(1, config.n_mamba_heads + 1, device=self.A_log.device)
        self.A_log.copy_(rates.log())
        nn.init.ones_(self.D)
        nn.init.ones_(self.norm.weight)
        self.conv1d.reset_parameters()

    def forward(
        self, x: Tensor, state: MambaState | None = None, span: Span | None = None
    ) -> Tensor:
        """x: (batch, length, hidden) -> the same shape. With a state, continues from it and moves
        it on by the valid tokens of `span`."""
        config = self.config
        inner, channels, heads = config.mamba_inner, config.conv_channels, config.n_mamba_heads
        gate, mixed, dt = self.in_proj(x).split_with_sizes([inner, channels, heads], dim=-1)
        mixed = self._convolve(mixed, state, span)
        groups, part = config.mamba_ngroups, config.mamba_ngroups * config.mamba_d_state
        values, b, c = mixed.split_with_sizes([inner, part, part], dim=-1)
        # The published code keeps every step at least this wide.
        dt = F.softplus(dt.float() + self.dt_bias.float()).clamp(min=config.time_step_min)
        if span is not None and span.valid is not None:
            dt = dt * span.valid[..., None]
        a = -self.A_log.float().exp()
        d = self.D.to(values.dtype)
        step = state is not None and x.shape[1] == 1
        tokens = x.shape[:1] if step else x.shape[:2]
        values, dt = values.view(*tokens, heads, -1), dt.view(*tokens, heads)
        b, c = b.view(*tokens, groups, -1), c.view(*tokens, groups, -1)
        if state is None:
            y, _ = ssd_scan(values, dt, a, b, c, d, config.chunk_size)
        elif step:
            y = state_update(state.ssm, values, dt, a, b, c, d)
        else:
            y, last = ssd_scan(values, dt, a, b, c, d, config.chunk_size, state.ssm)
            state.ssm.copy_(last)
        result: Tensor = self.out_proj(self.norm(y.reshape(gate.shape), gate))
        return result

    def _convolve(self, mixed: Tensor, state: MambaState | None, span: Span | None) -> Tensor:
        taps = self.config.mamba_d_conv
        if state is None:
            before = mixed.new_zeros(mixed.shape[0], taps - 1, mixed.shape[2])
        else:
            before = state.conv.to(mixed.dtype)
        window = torch.cat([before, mixed], dim=1)
        y: Tensor = self.conv1d(window)
        if state is not None:
            state.conv.copy_(_last_inputs(window, taps - 1, span))
        return y


class ShortConv(nn.Module):
    """The weights of `ops.causal_conv`, shaped as a depthwise convolution's."""

    def __init__(self, channels: int, taps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, taps))
        self.bias = nn.Parameter(torch.empty(channels))

    def reset_parameters(self) -> None:
        """A convolution's usual start."""
        bound = self.weight.shape[-1] ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, window: Tensor) -> Tensor:
        return causal_conv(window, self.weight.squeeze(1), self.bias)


class GatedNorm(nn.Module):
    """The weight of `ops.gated_norm`."""

    def __init__(self, features: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(features))

    def forward(self, y: Tensor, gate: Tensor) -> Tensor:
        return gated_norm(y, gate, self.weight, self.groups, _NORM_EPS)


def _last_inputs(window: Tensor, kept: int, span: Span | None) -> Tensor:
    """The inputs that the next token's convolution will look back on, (batch, kept, channels): the
    last ones up to each row's last valid token. `window` begins with those before the first."""
    if span is None or span.lengths is None:
        return window[:, -kept:]
    index = span.lengths[:, None] + torch.arange(kept, device=window.device)
    return window.gather(1, index[..., None].expand(-1, -1, window.shape[2]))
