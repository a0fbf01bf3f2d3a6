"""The bundled model's shape, in the published configuration layout."""

import json
from pathlib import Path
from typing import Any

from training.vocabulary import SPECIAL, VOCABULARY_SIZE
from zamba2_vl.config import Zamba2VLConfig

DEFAULT_BUDGET = 1568


def configuration(tiny: bool = False) -> Zamba2VLConfig:
    """About 19 million parameters and 200 GFLOP a page; `tiny` is the same in a few thousand."""
    return Zamba2VLConfig.from_dict(published_layout(tiny))


def exported_configuration(folder: Path) -> Zamba2VLConfig:
    """The shape of an exported model."""
    return Zamba2VLConfig.from_dict(json.loads((folder / "config.json").read_text("utf-8")))


def published_layout(tiny: bool = False) -> dict[str, Any]:
    """config.json of the bundled model."""
    hidden, width = (64, 32) if tiny else (384, 256)
    layers = 4 if tiny else 8
    hybrid = list(range(1, layers, 2))
    return {
        "architectures": ["Zamba2_VLForConditionalGeneration"],
        "model_type": "zamba2_vl",
        "image_token_index": SPECIAL.index("<|image_pad|>"),
        "tie_word_embeddings": True,
        "vision_config": {
            "model_type": "qwen2_5_vl",
            "depth": 2 if tiny else 8,
            "hidden_size": width,
            "hidden_act": "silu",
            "intermediate_size": 64 if tiny else 480,
            "num_heads": width // 64 or 1,
            "in_channels": 3,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 1,
            "tokens_per_second": 4,
            "window_size": 112,
            "fullatt_block_indexes": [1 if tiny else 4],
            "out_hidden_size": hidden,
        },
        "text_config": {
            "model_type": "zamba2",
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": hidden,
            "hidden_act": "gelu",
            "intermediate_size": 128 if tiny else 960,
            "num_hidden_layers": layers,
            "layers_block_type": ["hybrid" if i in hybrid else "mamba" for i in range(layers)],
            "hybrid_layer_ids": hybrid,
            "num_attention_heads": 2 * hidden // 64,
            "num_key_value_heads": 2 * hidden // 64,
            "attention_hidden_size": 2 * hidden,
            "attention_head_dim": 64,
            "num_mem_blocks": 1,
            "use_shared_attention_adapter": False,
            "adapter_rank": 8 if tiny else 32,
            "use_mem_rope": True,
            "rope_theta": 10000,
            "use_long_context": False,
            "max_position_embeddings": 8192,
            "mamba_d_state": 16 if tiny else 64,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
            "mamba_headdim": 64,
            "mamba_ngroups": 1,
            "n_mamba_heads": 2 * hidden // 64,
            "chunk_size": 128,
            "use_conv_bias": True,
            "add_bias_linear": False,
            "rms_norm_eps": 1e-5,
            "bos_token_id": SPECIAL.index("<s>"),
            "eos_token_id": SPECIAL.index("</s>"),
            "pad_token_id": SPECIAL.index("[PAD]"),
            "tie_word_embeddings": True,
        },
    }
