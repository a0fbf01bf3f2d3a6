"""Low-rank adapters: what tells the uses of one shared block apart."""

from torch import Tensor, nn

from zamba2_vl.config import TextConfig
from zamba2_vl.ops.norm import RMSNorm
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
