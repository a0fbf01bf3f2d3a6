"""The shapes of the published models, for random weights.

Sources, file by file:

- Zamba2: the config.json of Zyphra/Zamba2-1.2B (4f8e85c) and Zyphra/Zamba2-2.7B-instruct-v2 (main)
  on huggingface.co. Zamba2-7B's is not public in every revision; hidden size, layers, heads and
  groups are those of Zyphra/Zamba2-7B-Instruct, and the places of the shared blocks follow from its
  `layers_block_type`.
- The vision language models keep their language model's shape; embedding rows are padded from
  32,005 tokens to 32,064, and the tower is Qwen2.5-VL's (vision_config of
  Qwen/Qwen2.5-VL-3B-Instruct over the defaults of transformers' Qwen2_5_VLVisionConfig) with one
  frame a patch and the language model's width at its end.
- The peers: text_config of Qwen/Qwen3-VL-2B-Instruct and Qwen/Qwen3-VL-8B-Instruct, whose language
  models are Qwen3-1.7B and Qwen3-8B with a longer context, and config.json of
  Qwen/Qwen2.5-VL-3B-Instruct.
"""

from dataclasses import replace
from typing import Any, Final

from zamba2_vl.config import TextConfig, VisionConfig, Zamba2VLConfig

_VOCABULARY = 32_064
_IMAGE_TOKEN = 32_004

_TEXTS: Final = {
    "1.2B": TextConfig(
        vocab_size=_VOCABULARY,
        hidden_size=2048,
        num_hidden_layers=38,
        hybrid_layer_ids=(5, 11, 17, 23, 29, 35),
        intermediate_size=8192,
        num_attention_heads=32,
        num_key_value_heads=32,
        num_mem_blocks=1,
        use_shared_attention_adapter=True,
        use_mem_rope=True,
        mamba_d_state=128,
        n_mamba_heads=64,
    ),
    "2.7B": TextConfig(
        vocab_size=_VOCABULARY,
        hidden_size=2560,
        num_hidden_layers=54,
        hybrid_layer_ids=(6, 12, 18, 24, 30, 36, 42, 47, 51),
        intermediate_size=10240,
        num_attention_heads=32,
        num_key_value_heads=32,
        num_mem_blocks=2,
        n_mamba_heads=80,
    ),
    "7B": TextConfig(
        vocab_size=_VOCABULARY,
        hidden_size=3584,
        num_hidden_layers=81,
        hybrid_layer_ids=(6, 11, 17, 23, 29, 35, 41, 47, 53, 59, 65, 71, 77),
        intermediate_size=14336,
        num_attention_heads=32,
        num_key_value_heads=32,
        num_mem_blocks=2,
        use_mem_rope=True,
        mamba_ngroups=2,
        n_mamba_heads=112,
    ),
}

_TOWER: Final = VisionConfig(
    depth=32,
    hidden_size=1280,
    intermediate_size=3420,
    num_heads=16,
    out_hidden_size=2048,
    fullatt_block_indexes=(7, 15, 23, 31),
)

SIZES: Final = tuple(_TEXTS)

_QWEN: Final = {"vocab_size": 151_936, "rms_norm_eps": 1e-6, "max_position_embeddings": 128_000}

# model_type and options of transformers' configuration classes.
PEERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Qwen3-VL-2B": (
        "qwen3",
        _QWEN
        | {
            "hidden_size": 2048,
            "num_hidden_layers": 28,
            "intermediate_size": 6144,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "tie_word_embeddings": True,
        },
    ),
    "Qwen2.5-VL-3B": (
        "qwen2",
        _QWEN
        | {
            "hidden_size": 2048,
            "num_hidden_layers": 36,
            "intermediate_size": 11008,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
        },
    ),
    "Qwen3-VL-8B": (
        "qwen3",
        _QWEN
        | {
            "hidden_size": 4096,
            "num_hidden_layers": 36,
            "intermediate_size": 12288,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "tie_word_embeddings": False,
        },
    ),
}


def zamba2_vl(size: str) -> Zamba2VLConfig:
    """The published vision language model of a size in SIZES. Raises KeyError."""
    text = _TEXTS[size]
    tower = replace(_TOWER, out_hidden_size=text.hidden_size)
    return Zamba2VLConfig(text, tower, _IMAGE_TOKEN)


def zamba2(size: str) -> Zamba2VLConfig:
    """Its language model alone. Raises KeyError."""
    return Zamba2VLConfig(_TEXTS[size])
