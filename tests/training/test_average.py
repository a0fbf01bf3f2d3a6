import torch

from training.average import Average


def test_an_average_follows_slowly_and_leaves_the_weights_alone() -> None:
    weights = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.ones(2, 2))]
    average = Average(weights, span=4)
    with torch.no_grad():
        weights[0] += 8
    average.add(weights)
    average.add(weights)
    with average.shown():
        torch.testing.assert_close(weights[0].data, torch.full((3,), 8 * (1 - 0.75**2)))
        assert weights[1].eq(1).all()
    assert weights[0].eq(8).all()
    average.restart(weights)
    assert average.tensors[0].eq(8).all()
