"""The Mamba2 branch: a scan over a sequence, a step for one token."""

import math

import torch
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.causal_conv import causal_conv
from zamba2_vl.ops.gated_norm import gated_norm
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.ops.ssd_scan import ssd_scan
from zamba2_vl.ops.state_update import state_update
from zamba2_vl.ops.state_update.weights import Weights
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
        self,
        x: Tensor,
        state: MambaState | None = None,
        span: Span | None = None,
        norm: RMSNorm | None = None,
        residual: Tensor | None = None,
    ) -> Tensor:
        """x: (batch, length, hidden) -> the same shape; `norm` is in front of it, `residual` is
        added to it. With a state, continues from it and moves it on by the valid tokens of
        `span`."""
        projected: Tensor = self.in_proj(x, norm)
        lengths = None if span is None else span.lengths
        if state is not None and x.shape[1] == 1:
            y = state_update(projected[:, 0], state.conv, state.ssm, self._weights(), lengths)
            y = y[:, None]
        else:
            y = self._read(projected, state, lengths)
        result: Tensor = self.out_proj(y, residual=residual)
        return result

    def _read(self, projected: Tensor, state: MambaState | None, lengths: Tensor | None) -> Tensor:
        """Many tokens, (batch, length, inner + channels + heads) -> (batch, length, inner)."""
        config = self.config
        inner, channels, heads = config.mamba_inner, config.conv_channels, config.n_mamba_heads
        gate, mixed, dt = projected.split_with_sizes([inner, channels, heads], dim=-1)
        before = None if state is None else state.conv
        mixed, last_inputs = self.conv1d(mixed, before, lengths)
        groups, part = config.mamba_ngroups, config.mamba_ngroups * config.mamba_d_state
        values, b, c = mixed.split_with_sizes([inner, part, part], dim=-1)
        y, last = ssd_scan(
            torch.unflatten(values, -1, (heads, -1)),
            dt,
            -self.A_log.float().exp(),
            torch.unflatten(b, -1, (groups, -1)),
            torch.unflatten(c, -1, (groups, -1)),
            self.D.to(values.dtype),
            config.chunk_size,
            None if state is None else state.ssm,
            lengths,
            self.dt_bias,
            config.time_step_min,  # the published code keeps every step at least this wide
        )
        if state is not None:
            state.conv.copy_(last_inputs)
            state.ssm.copy_(last)
        normed: Tensor = self.norm(y.reshape(gate.shape), gate)
        return normed

    def _weights(self) -> Weights:
        return Weights(
            conv=self.conv1d.weight.squeeze(1),
            conv_bias=self.conv1d.bias,
            dt_bias=self.dt_bias,
            a_log=self.A_log,
            d=self.D,
            floor=self.config.time_step_min,
            norm=self.norm.weight,
            groups=self.norm.groups,
            eps=_NORM_EPS,
        )


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

    def forward(
        self, x: Tensor, before: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        return causal_conv(x, self.weight.squeeze(1), self.bias, before, lengths)


class GatedNorm(nn.Module):
    """The weight of `ops.gated_norm`."""

    def __init__(self, features: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(features))

    def forward(self, y: Tensor, gate: Tensor) -> Tensor:
        return gated_norm(y, gate, self.weight, self.groups, _NORM_EPS)
