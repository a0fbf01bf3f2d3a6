"""The mean of the weights over the last steps, which reads better than any single one of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class Average:
    """An exponential moving average over about `span` steps, in the parameters' order."""

    def __init__(self, parameters: Sequence[Tensor], span: int = 500) -> None:
        self._parameters = list(parameters)
        self._weight = 1 / span
        self.tensors = [p.detach().clone() for p in parameters]

    @torch.no_grad()
    def add(self, parameters: Sequence[Tensor]) -> None:
        """Count the parameters as they are now in."""
        torch._foreach_lerp_(self.tensors, list(parameters), self._weight)

    @torch.no_grad()
    def restart(self, tensors: Sequence[Tensor]) -> None:
        """Begin anew with these."""
        torch._foreach_copy_(self.tensors, list(tensors))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Inside, the parameters hold their average."""
        with torch.no_grad():
            own = [p.detach().clone() for p in self._parameters]
            torch._foreach_copy_(self._parameters, self.tensors)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._parameters, own)
