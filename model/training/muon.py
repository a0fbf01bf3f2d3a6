"""Muon for the matrices, AdamW for the rest, in a few large launches instead of thousands.

Muon: K. Jordan et al., "Muon: an optimizer for hidden layers" (2024); the update is scaled by
0.2 * sqrt(max(rows, columns)) after "Muon is scalable for LLM training" (arXiv 2502.16982), so
that one learning rate serves both. Matrices of one shape are stacked and orthogonalised together.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class MuonGroup:
    """Momentum and orthogonalised updates of all matrices of one shape."""

    def __init__(self, matrices: list[nn.Parameter], momentum: float, weight_decay: float) -> None:
        self.matrices = matrices
        self._tensors: list[Tensor] = [*matrices]
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.buffer = torch.zeros(
            len(matrices), *matrices[0].shape, device=matrices[0].device, dtype=torch.float32
        )
        self.scale = 0.2 * max(matrices[0].shape) ** 0.5

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update of all matrices, with Nesterov's momentum."""
        gradients = torch.stack([_gradient(matrix) for matrix in self.matrices])
        self.buffer.lerp_(gradients, 1 - self.momentum)
        update = orthogonalise(gradients.lerp_(self.buffer, self.momentum)).float()
        torch._foreach_mul_(self._tensors, 1 - rate * self.weight_decay)
        torch._foreach_add_(self._tensors, list(update.unbind(0)), alpha=-rate * self.scale)


class Optimizer:
    """Muon on hidden matrices, fused AdamW on embeddings, norms, biases, patches and heads."""

    def __init__(
        self,
        named: Iterable[tuple[str, nn.Parameter]],
        momentum: float = 0.95,
        weight_decay: float = 0.05,
    ) -> None:
        shapes: defaultdict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        others: list[nn.Parameter] = []
        for name, parameter in named:
            if is_hidden_matrix(name, parameter):
                shapes[parameter.shape].append(parameter)
            else:
                others.append(parameter)
        self.groups = [MuonGroup(group, momentum, weight_decay) for group in shapes.values()]
        self.adam = torch.optim.AdamW(
            others, lr=0.0, betas=(0.9, 0.95), weight_decay=0.0, fused=others[0].is_cuda
        )

    def step(self, rate: float) -> None:
        """One update at learning rate `rate`; gradients stay, for the caller to clear."""
        for group in self.groups:
            group.step(rate)
        for parameters in self.adam.param_groups:
            parameters["lr"] = rate
        self.adam.step()

    def state_dict(self) -> dict[str, object]:
        """Momenta and AdamW's state, for `load_state_dict`."""
        return {"muon": [group.buffer for group in self.groups], "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Go on from a state of an optimizer of the same parameters."""
        buffers = state["muon"]
        assert isinstance(buffers, list)
        for group, buffer in zip(self.groups, buffers, strict=True):
            group.buffer.copy_(buffer)
        adam = state["adam"]
        assert isinstance(adam, dict)
        self.adam.load_state_dict(adam)


def is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    """Whether Muon serves this parameter: a matrix that is no embedding and no output head."""
    outer = ("embed_tokens", "lm_head", "patch_embed", "glyph_head")
    return parameter.ndim == 2 and not any(part in name for part in outer)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest orthogonal matrices, roughly: quintic Newton-Schulz in bfloat16.

    Args:
        matrices: (n, rows, columns).
        steps: iterations; five bring all singular values to about 0.7 to 1.2.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = (matrices.mT if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.mT if tall else x


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
