from copy import deepcopy

import pytest
import torch
from torch import nn

from training.muon import MuonGroup, Optimizer, is_hidden_matrix, orthogonalise


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(6, 4)
        self.first = nn.Linear(4, 8)
        self.second = nn.Linear(4, 8)
        self.back = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.back(self.first(x) + self.second(x))
        return answer


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 8, 40), (2, 40, 8)])
def test_singular_values_come_near_one(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape) * 100
    singular = torch.linalg.svdvals(orthogonalise(matrices).float())
    assert singular.max() < 1.3
    # Those that were nearly nothing stay small for want of steps; hardly any are.
    assert (singular > 0.6).float().mean() > 0.9


def test_the_directions_stay() -> None:
    matrix = torch.randn(1, 8, 24)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    overlap = torch.linalg.diagonal(left.mT @ orthogonalise(matrix).float() @ right.mT)
    assert (overlap > 0.5).all()


def test_nothing_stays_nothing() -> None:
    assert orthogonalise(torch.zeros(1, 4, 4)).count_nonzero() == 0


def test_matrices_of_one_shape_go_together() -> None:
    optimizer = Optimizer(Small().named_parameters())
    assert [len(group.matrices) for group in optimizer.groups] == [2, 1]
    assert [tuple(group.buffer.shape) for group in optimizer.groups] == [(2, 8, 4), (1, 4, 8)]
    [others] = optimizer.adam.param_groups
    assert len(others["params"]) == 4  # the embedding and three biases


@pytest.mark.parametrize(
    ("name", "shape", "hidden"),
    [
        ("model.language_model.layers.0.mamba.in_proj.weight", (8, 4), True),
        ("model.language_model.embed_tokens.weight", (8, 4), False),
        ("model.vision_tower.patch_embed.proj.weight", (8, 4), False),
        ("glyph_head.weight", (8, 4), False),
        ("model.vision_tower.blocks.0.norm1.weight", (8,), False),
        ("model.language_model.layers.0.mamba.conv1d.weight", (8, 1, 4), False),
    ],
)
def test_muon_serves_hidden_matrices(name: str, shape: tuple[int, ...], hidden: bool) -> None:
    assert is_hidden_matrix(name, torch.zeros(shape)) is hidden


def test_an_update_does_not_depend_on_the_size_of_the_gradient() -> None:
    steps = []
    for size in (2.0**-4, 2.0**10):
        matrix = nn.Parameter(torch.zeros(4, 8))
        matrix.grad = size * torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
        MuonGroup([matrix], momentum=0.9, weight_decay=0.0).step(0.1)
        steps.append(matrix.detach())
    torch.testing.assert_close(*steps, rtol=1e-3, atol=1e-5)


def teach(model: Small, optimizer: Optimizer, steps: int) -> float:
    source = torch.Generator().manual_seed(5)
    aim = torch.randn(4, 4, generator=source)
    loss = torch.zeros(())
    for step in range(steps):
        x = torch.randn(64, 4, generator=source)
        loss = (model(x) - x @ aim).square().mean()
        for parameter in model.parameters():
            parameter.grad = None
        loss.backward()
        optimizer.step(0.1 * (1 - step / steps))
    return loss.item()


def test_a_quadratic_is_minimised() -> None:
    model = Small()
    optimizer = Optimizer(model.named_parameters(), weight_decay=0.0)
    assert teach(model, optimizer, 1) > 1
    assert teach(model, optimizer, 200) < 0.01


def test_a_state_goes_on_as_if_nothing_had_happened() -> None:
    one, other = Small(), Small()
    first = Optimizer(one.named_parameters())
    teach(one, first, 3)
    second = Optimizer(other.named_parameters())
    other.load_state_dict(one.state_dict())
    second.load_state_dict(deepcopy(first.state_dict()))
    teach(one, first, 3)
    teach(other, second, 3)
    for left, right in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(left, right)
