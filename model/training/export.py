"""A checkpoint folder in the published layout."""

import json
from collections.abc import Callable
from pathlib import Path

import torch

from training import vocabulary
from training.bundled import DEFAULT_BUDGET
from training.scenes.objects import OBJECTS
from zamba2_vl import checkpoint
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.image import CLIP_MEAN, CLIP_STD
from zamba2_vl.model import VisionLanguageModel

TOKEN_PIXELS = 28 * 28


def save(model: VisionLanguageModel, folder: Path) -> None:
    """Write a model of the bundled kind as published ones are: bfloat16, tied weights once."""
    checkpoint.save(model, folder, torch.bfloat16)
    describe(model.config, folder)


def describe(config: Zamba2VLConfig, folder: Path) -> None:
    """Write everything of a checkpoint folder but its weights."""
    assert config.vision is not None
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "config.json", {**config.to_dict(), "torch_dtype": "bfloat16"})
    _write(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "Zamba2_VLImageProcessor",
            "processor_class": "Zamba2_VLProcessor",
            "patch_size": config.vision.patch_size,
            "merge_size": config.vision.spatial_merge_size,
            "temporal_patch_size": config.vision.temporal_patch_size,
            "min_pixels": 4 * TOKEN_PIXELS,
            "max_pixels": DEFAULT_BUDGET * TOKEN_PIXELS,
            "image_mean": CLIP_MEAN,
            "image_std": CLIP_STD,
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
    vocabulary.build().save(str(folder / "tokenizer.json"))
    roles = vocabulary.ROLES
    extra = [token for token in vocabulary.SPECIAL if token not in roles.values()]
    _write(folder / "special_tokens_map.json", {**roles, "additional_special_tokens": extra})
    _write(
        folder / "tokenizer_config.json",
        {
            **roles,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_max_length": config.text.max_position_embeddings,
        },
    )
    _write(folder / "objects.json", {name: list(others) for name, others in OBJECTS.items()})
    (folder / "chat_template.jinja").write_text(vocabulary.CHAT_TEMPLATE, encoding="utf-8")


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path` and rename, so that no half-written file is ever read."""
    beside = path.with_name(path.name + ".new")
    write(beside)
    beside.replace(path)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
