"""Which weights are held as integers, and the model that holds them so."""

from torch import nn

from zamba2_vl.config import Quantization
from zamba2_vl.text.linear import QuantizedLinear

# The output head is as an embedding, whose every row is a word's own.
_HEAD = "lm_head"
_VISION = "vision_tower."
# A matrix with a shorter side is small.
_SHORT = 64


def quantized_bits(model: nn.Module, quantization: Quantization) -> dict[str, int]:
    """The projections that are held as integers, by name -> the bits of one."""
    return {
        name: quantization.vision_bits if name.startswith(_VISION) else quantization.language_bits
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and min(module.in_features, module.out_features) >= _SHORT
        and name.rpartition(".")[2] != _HEAD
    }


def make_room(model: nn.Module, quantization: Quantization) -> None:
    """Put projections that hold integers, still without values, where those of floats were.

    What several layers share is one module under several names, and stays one.
    """
    for name, bits in quantized_bits(model, quantization).items():
        parent, _, last = name.rpartition(".")
        old = model.get_submodule(name)
        assert isinstance(old, nn.Linear)
        biased = old.bias is not None
        with old.weight.device:
            new = QuantizedLinear(old.in_features, old.out_features, bits, biased)
        setattr(model.get_submodule(parent), last, new)


def weight_count(model: nn.Module) -> int:
    """Weights of a model or a part of it, biases included, however they are held; scales are
    none."""
    integers = [module for module in model.modules() if isinstance(module, QuantizedLinear)]
    held = sum(m.weight.numel() + m.scale.numel() for m in integers)
    meant = sum(m.in_features * m.out_features for m in integers)
    return sum(parameter.numel() for parameter in model.parameters()) - held + meant
