"""The model's arithmetic is counted in tests/benchmarks."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from training.bundled import configuration, published_layout
from training.vocabulary import SPECIAL
from zamba2_vl.config import Zamba2VLConfig

WEIGHTS = Path(__file__).parents[2] / "model" / "weights"


def test_the_shipped_weights_have_this_shape() -> None:
    assert Zamba2VLConfig.from_folder(WEIGHTS) == configuration()
    with safe_open(WEIGHTS / "model.safetensors", "pt") as stored:
        assert stored.get_slice("vision_tower.patch_embed.proj.weight").get_shape()[0] == 256
        names = list(stored.keys())
        assert {stored.get_slice(name).get_dtype() for name in names} == {"BF16"}
    assert (WEIGHTS / "model.safetensors").stat().st_size <= 40e6


@pytest.mark.parametrize("tiny", [False, True])
def test_it_is_described_in_the_published_layout(tiny: bool) -> None:
    described = json.loads(json.dumps(published_layout(tiny)))
    assert described["architectures"] == ["Zamba2_VLForConditionalGeneration"]
    assert Zamba2VLConfig.from_dict(described) == configuration(tiny)


def test_special_tokens_are_those_of_the_vocabulary() -> None:
    config = configuration()
    assert config.image_token_index == SPECIAL.index("<|image_pad|>")
    assert SPECIAL[2] == "</s>" and config.text.eos_token_id == 2
