"""Adds a layer to the vision tower of an exported model, which still says what it said.

    python -m training.deepen model/weights deeper --at 2 --full

The new layer begins as a copy of the tower's first full-attention layer (or of a windowed one)
whose two outputs are zero, so that it adds nothing yet; `training.train --from deeper` teaches it
to.
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


def deepened(model: VisionLanguageModel, at: int, full: bool) -> VisionLanguageModel:
    """The model with one tower layer more, layer `at`, which attends to all patches if `full`.

    Raises ValueError where the tower has no such place, or no layer of that kind to copy.
    """
    vision = model.config.vision
    if vision is None or not 0 <= at <= vision.depth:
        raise ValueError(f"there is no layer {at} to put before another")
    kin = [i for i in range(vision.depth) if (i in vision.fullatt_block_indexes) == full]
    if not kin:
        raise ValueError(f"no layer with {'full' if full else 'windowed'} attention to copy")
    config = _config(model.config, at, full)
    tensors = {}
    for name, tensor in model.state_dict().items():
        if not name.startswith(_BLOCK):
            tensors[name] = tensor
            continue
        number, part = name.removeprefix(_BLOCK).split(".", 1)
        old = int(number)
        tensors[f"{_BLOCK}{old + (old >= at)}.{part}"] = tensor
        if old == kin[0]:
            silent = part.startswith(_OUTPUTS)
            tensors[f"{_BLOCK}{at}.{part}"] = torch.zeros_like(tensor) if silent else tensor
    deeper = VisionLanguageModel(config)
    deeper.load_state_dict(tensors)
    return deeper


def _config(config: Zamba2VLConfig, at: int, full: bool) -> Zamba2VLConfig:
    assert config.vision is not None
    indexes = [i + (i >= at) for i in config.vision.fullatt_block_indexes]
    vision = replace(
        config.vision,
        depth=config.vision.depth + 1,
        fullatt_block_indexes=tuple(sorted([*indexes, at] if full else indexes)),
    )
    return replace(config, vision=vision)


def main(words: Sequence[str] | None = None) -> None:
    """Deepen as the command line says."""
    parser = argparse.ArgumentParser(description="Add a layer to a model's vision tower.")
    parser.add_argument("model", type=Path, help="folder of an exported model")
    parser.add_argument("out", type=Path, help="folder to write the deeper one to")
    parser.add_argument("--at", type=int, required=True, help="number of the new layer, from 0")
    parser.add_argument("--full", action="store_true", help="let it attend to the whole page")
    arguments = parser.parse_args(words)
    model = checkpoint.load(arguments.model, torch.device("cpu"))
    if not isinstance(model, VisionLanguageModel):
        parser.error(f"{arguments.model} has no vision tower")
    export.save(deepened(model, arguments.at, arguments.full), arguments.out)


if __name__ == "__main__":
    main()
