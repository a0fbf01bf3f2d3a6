import torch

from zamba2_vl.config import Quantization
from zamba2_vl.quantization import make_room, quantized_bits, weight_count
from zamba2_vl.text.linear import Linear, QuantizedLinear


class Tiny(torch.nn.Module):
    """A projection in a shared block, a small one, a head, and a tower."""

    def __init__(self) -> None:
        super().__init__()
        self.block = torch.nn.ModuleDict({"one": Linear(64, 96)})
        self.again = self.block
        self.small = Linear(63, 96)
        self.lm_head = Linear(64, 200, bias=False)
        self.vision_tower = torch.nn.Sequential(torch.nn.Linear(128, 64))


def test_large_projections_make_room_for_integers() -> None:
    model, quantization = Tiny(), Quantization(language_bits=4, vision_bits=8)
    assert quantized_bits(model, quantization) == {"block.one": 4, "vision_tower.0": 8}
    count = weight_count(model)
    assert count == sum(parameter.numel() for parameter in model.parameters())
    make_room(model, quantization)
    one = model.again["one"]
    assert isinstance(one, QuantizedLinear) and one is model.block["one"]
    assert isinstance(model.vision_tower[0], QuantizedLinear)
    assert one.weight.shape == (96, 16) and one.bias is not None
    assert weight_count(model) == count
