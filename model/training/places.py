"""Embeddings to begin with for the tokens that point at a place."""

import math

import torch

from training.vocabulary import LOCATIONS, build
from zamba2_vl.model import VisionLanguageModel

_SHORTEST, _LONGEST = 12.0, 4.0 * len(LOCATIONS)
"""Wavelengths of the features, in locations."""


@torch.no_grad()
def lay_out(model: VisionLanguageModel, seed: int = 0) -> None:
    """Give locations embeddings that change smoothly from each to the next.

    A thousand unrelated tokens would each have to be learned from the marks that happen to fall on
    it; with random Fourier features (Rahimi and Recht, 2007) what is learned of a place holds for
    its neighbours. As long as the other tokens' embeddings are in the middle. What was learned of
    locations before is lost.
    """
    table = model.language_model.model.embed_tokens.weight
    first = build().get_vocab()[LOCATIONS[0]]
    rows = table[first : first + len(LOCATIONS)]
    others = torch.cat([table[:first], table[first + len(LOCATIONS) :]])
    draw = torch.Generator().manual_seed(seed)
    steps = torch.rand(table.shape[1], generator=draw)
    waves = _SHORTEST * (_LONGEST / _SHORTEST) ** steps
    phases = 2 * math.pi * torch.rand(table.shape[1], generator=draw)
    turns = torch.arange(len(LOCATIONS))[:, None] / waves
    features = torch.cos(2 * math.pi * turns + phases)
    features *= others.float().norm(dim=1).median().cpu() / features.norm(dim=1, keepdim=True)
    rows.copy_(features)
