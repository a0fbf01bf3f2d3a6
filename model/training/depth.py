"""Adds a layer to the vision tower of an exported model, or takes one out.

    python -m training.depth model/weights other --add 2 --full
    python -m training.depth model/weights other --drop 2

The new layer begins as a copy of the tower's first full-attention layer (or of a windowed one)
whose two outputs are zero, so that it adds nothing yet. Without a layer a model says something
else than before. `training.train --from other` teaches either.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from training import export
from zamba2_vl import checkpoint
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.model import VisionLanguageModel

_BLOCK = "vision_tower.blocks."
_OUTPUTS = ("attn.proj.", "mlp.down_proj.")


def with_layer(model: VisionLanguageModel, at: int, full: bool) -> VisionLanguageModel:
    """The model with one tower layer more, layer `at`, which attends to all patches if `full`.

    Raises ValueError where the tower has no such place, or no layer of that kind to copy.
    """
    layers = _layers(model)
    if not 0 <= at <= len(layers):
        raise ValueError(f"there is no layer {at} to put before another")
    kin = [i for i, is_full in enumerate(layers) if is_full == full]
    if not kin:
        raise ValueError(f"no layer with {'full' if full else 'windowed'} attention to copy")
    order = list(range(len(layers)))
    other = _arranged(model, [*order[:at], kin[0], *order[at:]], [*layers[:at], full, *layers[at:]])
    for name, parameter in other.vision_tower.blocks[at].named_parameters():
        if name.startswith(_OUTPUTS):
            torch.nn.init.zeros_(parameter)
    return other


def without_layer(model: VisionLanguageModel, at: int) -> VisionLanguageModel:
    """The model without tower layer `at`. Raises ValueError where there is no such layer."""
    layers = _layers(model)
    if not 0 <= at < len(layers):
        raise ValueError(f"there is no layer {at} to take out")
    order = [i for i in range(len(layers)) if i != at]
    return _arranged(model, order, [layers[i] for i in order])


def _layers(model: VisionLanguageModel) -> list[bool]:
    """For each layer of the tower, whether it attends to all patches."""
    vision = model.vision_tower.config
    return [i in vision.fullatt_block_indexes for i in range(vision.depth)]


def _arranged(
    model: VisionLanguageModel, order: Sequence[int], layers: Sequence[bool]
) -> VisionLanguageModel:
    """A tower of the layers `order`, with full attention where `layers` says so."""
    tensors = {}
    blocks: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in model.state_dict().items():
        if name.startswith(_BLOCK):
            number, part = name.removeprefix(_BLOCK).split(".", 1)
            blocks.setdefault(int(number), {})[part] = tensor
        else:
            tensors[name] = tensor
    for place, old in enumerate(order):
        tensors |= {f"{_BLOCK}{place}.{part}": tensor for part, tensor in blocks[old].items()}
    other = VisionLanguageModel(_config(model.config, layers))
    other.load_state_dict(tensors)
    return other


def _config(config: Zamba2VLConfig, layers: Sequence[bool]) -> Zamba2VLConfig:
    assert config.vision is not None
    full = tuple(i for i, is_full in enumerate(layers) if is_full)
    vision = replace(config.vision, depth=len(layers), fullatt_block_indexes=full)
    return replace(config, vision=vision)


def main(words: Sequence[str] | None = None) -> None:
    """Add or drop as the command line says."""
    parser = argparse.ArgumentParser(description="Add a layer to a model's tower, or drop one.")
    parser.add_argument("model", type=Path, help="folder of an exported model")
    parser.add_argument("out", type=Path, help="folder to write the other one to")
    change = parser.add_mutually_exclusive_group(required=True)
    change.add_argument("--add", type=int, metavar="N", help="number of the new layer, from 0")
    change.add_argument("--drop", type=int, metavar="N", help="number of the layer to take out")
    parser.add_argument("--full", action="store_true", help="let a new one see the whole page")
    arguments = parser.parse_args(words)
    model = checkpoint.load(arguments.model, torch.device("cpu"))
    if not isinstance(model, VisionLanguageModel):
        parser.error(f"{arguments.model} has no vision tower")
    if arguments.drop is None:
        other = with_layer(model, arguments.add, arguments.full)
    else:
        other = without_layer(model, arguments.drop)
    export.save(other, arguments.out)


if __name__ == "__main__":
    main()
