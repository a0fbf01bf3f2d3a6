import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.errors import ArchitectureError, ConfigError, NotACheckpointError


def test_round_trip(config: Zamba2VLConfig) -> None:
    described = json.loads(json.dumps(config.to_dict()))
    assert Zamba2VLConfig.from_dict(described) == config
    text_only = replace(config, vision=None, image_token_index=None)
    assert Zamba2VLConfig.from_dict(text_only.to_dict()) == text_only


def test_layer_names_of_any_age_are_understood(config: Zamba2VLConfig) -> None:
    text = config.text.to_dict()
    newer = [k.replace("mamba", "linear_attention") for k in text["layers_block_type"]]
    assert Zamba2VLConfig.from_dict({**text, "layers_block_type": newer}).text == config.text
    del text["layers_block_type"]
    assert Zamba2VLConfig.from_dict(text).text == config.text


def test_rope_parameters_of_any_age_are_understood(config: Zamba2VLConfig) -> None:
    text = config.text.to_dict()
    del text["rope_theta"]
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 5e5}
    assert Zamba2VLConfig.from_dict(text).text.rope_theta == 5e5


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_act": "silu"},
        {"attention_dropout": 0.1},
        {"use_conv_bias": False},
        {"time_step_limit": [0.0, 0.5]},
        {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
        {"layers_block_type": ["mamba", "hybrid", "hybrid", "moe", "hybrid"]},
        {"hybrid_layer_ids": [1, 2]},
        {"mamba_headdim": 7},
        {"attention_head_dim": 7},
        {"n_mamba_heads": 5},
        {"num_key_value_heads": 2},
        {"hidden_size": "32"},
    ],
)
def test_what_is_not_implemented_is_refused(config: Zamba2VLConfig, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Zamba2VLConfig.from_dict({**config.text.to_dict(), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_act": "gelu"},
        {"num_heads": 3},
        {"window_size": 100},
        {"fullatt_block_indexes": [2]},
        {"out_hidden_size": 31},
        {"model_type": "siglip"},
        {"rope_parameters": {"rope_type": "axial", "rope_theta": 5e5}},
        {"rope_parameters": {"rope_type": "dynamic"}},
    ],
)
def test_vision_that_is_not_implemented_is_refused(
    config: Zamba2VLConfig, change: dict[str, Any]
) -> None:
    whole = config.to_dict()
    whole["vision_config"] |= change
    with pytest.raises(ConfigError):
        Zamba2VLConfig.from_dict(whole)


def test_a_refusal_names_the_option(config: Zamba2VLConfig) -> None:
    with pytest.raises(ConfigError, match="use_conv_bias"):
        Zamba2VLConfig.from_dict({**config.text.to_dict(), "use_conv_bias": False})


def test_folders_that_hold_no_model(tmp_path: Path) -> None:
    with pytest.raises(NotACheckpointError):
        Zamba2VLConfig.from_folder(tmp_path)
    for content in ("{", "[]"):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(NotACheckpointError):
            Zamba2VLConfig.from_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ArchitectureError, match="llama"):
        Zamba2VLConfig.from_folder(tmp_path)
