"""The published shapes against the published sizes."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.published import PEERS, SIZES, zamba2_vl
from zamba2_vl.config import TextConfig
from zamba2_vl.model import VisionLanguageModel

# Bytes of the bfloat16 files on huggingface.co, in GB: Zyphra/Zamba2-1.2B, twice the 2.69 billion
# parameters that the page of Zyphra/Zamba2-2.7B names, and the three parts of Zamba2-7B (of a copy,
# adamo1139/Zamba2-7B-ungated).
PUBLISHED = {"1.2B": 2.43, "2.7B": 2 * 2.69, "7B": 4.92 + 4.97 + 4.93}


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def surplus_adapters(config: TextConfig) -> int:
    """The files hold adapters for every pair of a block and a use; a use needs its own block's."""
    one = config.adapter_rank * (config.hidden_size + 2 * config.intermediate_size)
    return (config.num_mem_blocks - 1) * len(config.hybrid_layer_ids) * one


@pytest.mark.parametrize("size", SIZES)
def test_models_have_the_published_size(size: str) -> None:
    config = zamba2_vl(size)
    text = config.text
    with torch.device("meta"):
        model = VisionLanguageModel(config)
    count = parameters(model.language_model) + surplus_adapters(text)
    # The files are of before the vocabulary was padded for pictures.
    count -= (text.vocab_size - 32_000) * text.hidden_size
    assert 2 * count / 1e9 == pytest.approx(PUBLISHED[size], abs=0.02)
    # Qwen2.5-VL-3B's tower: 669 million, with two frames a patch and 2,048 features at its end.
    one_frame, end = 3 * 14 * 14 * 1280, (5120 + 1) * (text.hidden_size - 2048)
    tower = parameters(model.vision_tower)
    assert tower == pytest.approx(668.7e6 - one_frame + end, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Qwen3-VL-2B", 1.7206), ("Qwen2.5-VL-3B", 3.0859), ("Qwen3-VL-8B", 8.1907)],
)
def test_peers_have_the_published_size(name: str, billions: float) -> None:
    kind, options = PEERS[name]
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **options))
    assert parameters(model) / 1e9 == pytest.approx(billions, abs=1e-4)
