"""Low-rank adapters: what tells the uses of one shared block apart."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.norm import RMSNorm
from zamba2_vl.ops.product import product
from zamba2_vl.text.linear import Linear


class Adapter(nn.Sequential):
    """down to `rank` features and up again; added to the shared projection of the same input."""

    def __init__(self, inputs: int, rank: int, outputs: int) -> None:
        down, up = Linear(inputs, rank, bias=False), Linear(rank, outputs, bias=False)
        super().__init__(down, up)

    def forward(
        self, x: Tensor, norm: RMSNorm | None = None, residual: Tensor | None = None
    ) -> Tensor:
        """residual + what the adapter makes of norm(x)."""
        down, up = self
        result: Tensor = up(down(x, norm), residual=residual)
        return result

    def reset_parameters(self, std: float) -> None:
        """Start as no change at all."""
        down, up = self.parameters()
        nn.init.normal_(down, std=std)
        nn.init.zeros_(up)


def adapters(config: TextConfig, block: int, inputs: int, outputs: int) -> nn.ModuleList:
    """One place for each use of any shared block, filled where that use is of `block`.

    The empty places keep the published numbering of the parameters.
    """
    return nn.ModuleList(
        Adapter(inputs, config.adapter_rank, outputs)
        if use % config.num_mem_blocks == block
        else nn.Identity()
        for use in range(len(config.hybrid_layer_ids))
    )


def adapted(linear: Linear, adapter: nn.Module, x: Tensor, norm: RMSNorm | None = None) -> Tensor:
    """The shared projection of norm(x) with its adapter."""
    result: Tensor = adapter(x, norm, linear(x, norm))
    return result


class Stack:
    """Projections of one input, and of each use their adapters, as one product each.

    For inference on a GPU, where every launch costs a decoding step what reading a megabyte costs.
    The parameters become parts of common memory, and no copies are made; after they move, change
    their type or are given other memory, they must be stacked again.
    """

    def __init__(self, linears: Sequence[Linear], adapters: Sequence[nn.ModuleList]) -> None:
        """`linears`: several without biases, or one; `adapters`: of each of them, as `adapters`
        lays them out, or none at all. Those with adapters have the same outputs."""
        self._outputs = [linear.out_features for linear in linears]
        self._weight = _common([linear.weight for linear in linears])
        self._bias = linears[0].bias
        self._downs: dict[int, Tensor] = {}
        self._ups: dict[int, Tensor] = {}
        for use, parts in enumerate(zip(*adapters, strict=True)):
            pairs = [tuple(part.parameters()) for part in parts]
            if all(pairs):
                self._downs[use] = _common([down for down, _ in pairs])
                up = _common([up for _, up in pairs])
                # (projections, rank, outputs)
                self._ups[use] = up.view(len(linears), -1, up.shape[1]).mT

    def __call__(self, x: Tensor, use: int, norm: RMSNorm) -> tuple[Tensor, ...]:
        """Of norm(x), (..., inputs), each projection: (..., outputs), parts of one tensor."""
        assert norm.eps is not None
        gain: Tensor | None = norm.weight
        eps = norm.eps
        if x.shape[:-1].numel() > 1:
            # The norm goes into the product of a single row alone, and two would take it twice.
            x, gain = norm(x), None
        y = product(x, self._weight, self._bias, gain=gain, eps=eps)
        if use in self._downs:
            sums = torch.unflatten(y.flatten(0, -2), 1, (len(self._outputs), -1)).transpose(0, 1)
            low = product(x, self._downs[use], gain=gain, eps=eps).flatten(0, -2)
            low = torch.unflatten(low, 1, (len(self._outputs), -1)).transpose(0, 1)
            sums.baddbmm_(low, self._ups[use])
        return torch.split(y, self._outputs, dim=-1)


def _common(parts: Sequence[Tensor]) -> Tensor:
    """The rows of all parts in one piece of memory, to which the parts are moved."""
    memory = torch.cat([part.detach() for part in parts])
    for part, place in zip(parts, torch.split(memory, list(map(len, parts))), strict=True):
        part.data = place
    return memory
