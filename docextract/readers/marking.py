"""How the bundled model's choice between one more mark and the end is taken.

It spreads a mark over neighbouring locations, the wider the less sure it is of the middle, while
the end is one token: the likeliest token is then an end of a twentieth, where nineteen twentieths
say that there is one more. So whether there is a mark is one choice, and where it is another.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from docextract.pointing import LOCATIONS

END = 0.3
"""Probability from which the end is taken."""

_NEAR = 4.0  # locations: the deviation of the bell under which a mark's chances are added up
_REACH = 12


class Marking:
    """Weighs the logits of each choice in an answer that is marks."""

    def __init__(self, first: int, ends: Sequence[int]) -> None:
        """`first`: id of the first location, the others follow it; `ends`: ids that end answers."""
        self._first = first
        self._ends = tuple(ends)

    def __call__(self, logits: Tensor) -> Tensor:
        """(vocabulary,) float -> the same: locations by what is around them, ends above or below
        them all. Nothing here waits for the device."""
        chances = logits.softmax(-1)
        places = slice(self._first, self._first + LOCATIONS)
        steps = torch.arange(-_REACH, _REACH + 1, device=logits.device)
        bell = torch.exp(-0.5 * (steps / _NEAR) ** 2).to(logits.dtype)
        near = functional.conv1d(chances[None, None, places], bell[None, None], padding=_REACH)
        weighed = torch.full_like(logits, -2.0)
        weighed[places] = near[0, 0] / bell.sum()
        stop = torch.stack([chances[token] for token in self._ends]).sum()
        for token in self._ends:
            weighed[token] = torch.where(stop >= END, 1 + chances[token], chances[token] - 1)
        return weighed
