"""Weights in the published layout, and files that are whole or not there at all."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file

from training import vocabulary
from training.bundled import DEFAULT_BUDGET
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.model import VisionLanguageModel

TOKEN_PIXELS = 28 * 28


def save(model: VisionLanguageModel, config: Zamba2VLConfig, folder: Path) -> None:
    """Write a checkpoint folder as published ones are: bfloat16, tied weights once."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            tensors[name] = tensor.detach().to("cpu", torch.bfloat16).contiguous()
    replace(folder / "model.safetensors", lambda path: save_file(tensors, path, {"format": "pt"}))
    describe(config, folder)


def describe(config: Zamba2VLConfig, folder: Path) -> None:
    """Everything of a checkpoint folder but its weights."""
    vocabulary.save(folder)
    assert config.vision is not None
    _write(folder / "config.json", {**config.to_dict(), "torch_dtype": "bfloat16"})
    _write(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "Qwen2VLImageProcessor",
            "processor_class": "Qwen2_5_VLProcessor",
            "patch_size": config.vision.patch_size,
            "merge_size": config.vision.spatial_merge_size,
            "temporal_patch_size": config.vision.temporal_patch_size,
            "min_pixels": 4 * TOKEN_PIXELS,
            "max_pixels": DEFAULT_BUDGET * TOKEN_PIXELS,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
    )
    _write(
        folder / "generation_config.json",
        {
            "bos_token_id": config.text.bos_token_id,
            "eos_token_id": config.text.eos_token_id,
            "pad_token_id": config.text.pad_token_id,
            "do_sample": False,
        },
    )


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path` and rename, so that no half-written file is ever read."""
    beside = path.with_name(path.name + ".new")
    write(beside)
    beside.replace(path)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
