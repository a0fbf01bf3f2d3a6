"""A checkpoint with its large matrices as integers, written from one of floats.

Tensors are read, quantised and written a file at a time, so that the memory needed does not grow
with the model.
"""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from zamba2_vl import checkpoint
from zamba2_vl.checkpoint import StoredTensor
from zamba2_vl.config import Quantization, Zamba2VLConfig
from zamba2_vl.errors import ConfigError
from zamba2_vl.ops.quantized.packing import quantize
from zamba2_vl.quantization import make_room, quantized_bits

# Bytes of a file of weights, as long as no tensor is larger; so many are held in memory.
_FILE = 2**29
_CPU = torch.device("cpu")


def convert(
    source: str | Path,
    target: str | Path,
    quantization: Quantization,
    show: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Write the weights and the config.json of the checkpoint `source` into the folder `target`.

    Large matrices become integers as `ops.quantized.packing` makes them, all else is bfloat16; what
    layers share is stored once. `show` is told how many tensors of how many are done.

    Raises ConfigError where the source is quantised already, else what `checkpoint.load` raises.
    """
    source, target = Path(source), Path(target)
    model, _, stored = checkpoint.outlined(source)
    if Zamba2VLConfig.from_folder(source).quantization is not None:
        raise ConfigError(f"{source} is quantised already", "convert the original instead")
    bits = quantized_bits(model, quantization)
    names = [name for name, _ in model.named_parameters()]
    make_room(model, quantization)
    target.mkdir(parents=True, exist_ok=True)
    described = json.loads((source / "config.json").read_text(encoding="utf-8"))
    _write(target / "config.json", {**described, "quantization_config": quantization.to_dict()})
    files = _files(names, _sizes(model))
    place: dict[str, str] = {}
    for file, inside in files.items():
        weights: dict[str, Tensor] = {}
        for name in inside:
            weights.update(_made(stored[name], bits.get(_owner(name))))
            show(names.index(name) + 1, len(names))
        checkpoint.write(weights, target / file)
        place.update(dict.fromkeys(weights, file))
    if len(files) > 1:
        total = sum((target / file).stat().st_size for file in files)
        _write(target / checkpoint.INDEX, {"metadata": {"total_size": total}, "weight_map": place})


def _made(tensor: StoredTensor, bits: int | None) -> dict[str, Tensor]:
    """What is stored for a tensor."""
    if bits is None or not tensor.name.endswith(".weight"):
        return {tensor.name: tensor.read(_CPU, torch.bfloat16)}
    weight, scale = quantize(tensor.read(_CPU, torch.float32), bits)
    return {tensor.name: weight, f"{_owner(tensor.name)}.scale": scale}


def _files(names: list[str], sizes: dict[str, int]) -> dict[str, list[str]]:
    """File names, each with the tensors that go there: as many in a row as there is room for."""
    groups: list[list[str]] = [[]]
    room = _FILE
    for name in names:
        size = sizes[name] + sizes.get(f"{_owner(name)}.scale", 0)
        if groups[-1] and size > room:
            groups.append([])
            room = _FILE
        groups[-1].append(name)
        room -= size
    if len(groups) == 1:
        return {checkpoint.SINGLE: groups[0]}
    count = len(groups)
    return {f"model-{i:05}-of-{count:05}.safetensors": g for i, g in enumerate(groups, 1)}


def _sizes(model: nn.Module) -> dict[str, int]:
    """Bytes of every tensor as it is stored."""
    return {
        name: p.numel() * (2 if p.is_floating_point() else p.element_size())
        for name, p in model.named_parameters()
    }


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
