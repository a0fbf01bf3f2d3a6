"""How much arithmetic and memory traffic a model asks for, counted from its configuration."""

import torch

from zamba2_vl.config import TextConfig, VisionConfig, Zamba2VLConfig
from zamba2_vl.ops.quantized.packing import GROUP
from zamba2_vl.vision.windows import WindowLayout

# A multiply and an addition.
_OPERATIONS = 2


def prefill_operations(config: Zamba2VLConfig, rows: int, columns: int) -> dict[str, float]:
    """Floating-point operations of reading one page of `rows` x `columns` visual tokens.

    Matrix products only, which is all but a percent; causal products counted as half; the output
    head is left out, since only one token of a prompt needs it. Keys name the parts.
    """
    vision = config.vision
    if vision is None:
        raise ValueError("a text-only model reads no page")
    merge = vision.spatial_merge_size
    layout = WindowLayout.for_grid(rows * merge, columns * merge, vision)
    return {
        "vision linear": _OPERATIONS * _vision_linear(vision) * layout.patches,
        "vision windows": _OPERATIONS * _vision_windows(vision, layout),
        "vision full attention": _OPERATIONS * _vision_full(vision) * layout.patches**2,
        **text_operations(config.text, rows * columns),
    }


def text_operations(config: TextConfig, tokens: int) -> dict[str, float]:
    """The part of `prefill_operations` that the language model has, for a prompt of `tokens`."""
    return {
        "text linear": _OPERATIONS * text_weights_used(config) * tokens,
        "text attention": _OPERATIONS * _text_attention(config) * tokens**2 / 2,
        "text scan": _OPERATIONS * _scan(config) * tokens,
    }


def text_weights_used(config: TextConfig) -> int:
    """Weights of matrices that one token meets on its way, output head left out; a shared block
    counts at each use."""
    hidden, inner = config.hidden_size, config.mamba_inner
    mamba = hidden * (inner + config.conv_channels + config.n_mamba_heads) + inner * hidden
    mamba += config.conv_channels * config.mamba_d_conv
    wide = config.attention_hidden_size
    keys = config.num_key_value_heads * config.attention_head_dim
    rank, middle = config.adapter_rank, config.intermediate_size
    shared = wide * (wide + 2 * keys) + wide * hidden + hidden * hidden
    shared += hidden * 2 * middle + rank * (hidden + 2 * middle) + middle * hidden
    if config.use_shared_attention_adapter:
        shared += 3 * 2 * rank * wide
    return config.num_hidden_layers * mamba + len(config.hybrid_layer_ids) * shared


def decode_bytes(config: TextConfig, size: int, bits: int | None = None) -> int:
    """Bytes of weights that one decoding step reads, output head included; `size` is one's. With
    `bits`, projections are held as integers of so many, and those of four bits have a scale for
    each group."""
    head = size * config.vocab_size * config.hidden_size
    weights = text_weights_used(config)
    if bits is None:
        return head + size * weights
    scales = 0 if bits == 8 else 2 * weights // GROUP
    return head + bits * weights // 8 + scales


def step_bytes(
    config: TextConfig, rows: int, context: int, size: int, bits: int | None = None
) -> int:
    """Bytes that one decoding step of `rows` answers must move, each after `context` tokens.

    Weights as in `decode_bytes`, once for all rows; of each row the float32 states read and
    written, and the keys and values of what came before read, `size` bytes each.
    """
    states = config.num_hidden_layers * config.mamba_inner * config.mamba_d_state
    keys = config.num_key_value_heads * config.attention_head_dim
    seen = len(config.hybrid_layer_ids) * 2 * keys * context
    row = 2 * torch.float32.itemsize * states + size * seen
    return decode_bytes(config, size, bits) + rows * row


def _vision_linear(config: VisionConfig) -> float:
    """Weights that one patch meets; the merger's are shared out over a unit's patches."""
    width = config.hidden_size
    layer = width * 3 * width + width * width + 3 * width * config.intermediate_size
    unit = config.unit_patches * width
    merger = unit * unit + unit * config.out_hidden_size
    return config.patch_values * width + config.depth * layer + merger / config.unit_patches


def _vision_windows(config: VisionConfig, layout: WindowLayout) -> int:
    layers = config.depth - len(config.fullatt_block_indexes)
    return layers * 2 * len(layout.slots) * layout.window * config.hidden_size


def _vision_full(config: VisionConfig) -> int:
    return len(config.fullatt_block_indexes) * 2 * config.hidden_size


def _text_attention(config: TextConfig) -> int:
    return len(config.hybrid_layer_ids) * 2 * config.attention_hidden_size


def _scan(config: TextConfig) -> float:
    """Per token: the causal products inside a chunk, and the state's way in and out."""
    inside = (config.mamba_ngroups * config.mamba_d_state + config.mamba_inner) / 2
    across = 2 * config.mamba_inner * config.mamba_d_state
    return config.num_hidden_layers * (inside * config.chunk_size + across)
