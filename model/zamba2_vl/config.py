"""The published configuration files as frozen dataclasses.

A configuration that asks for something unknown is refused by name, never read past: a model with
a silently ignored option computes nonsense that looks like an answer.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from zamba2_vl.errors import ArchitectureError, ConfigError, NotACheckpointError

# Names of a plain Mamba2 layer in layers_block_type, old and new.
_MAMBA_NAMES = ("mamba", "linear_attention")
_HYBRID_NAME = "hybrid"

# Zamba2-2.7B's layout, which transformers takes where a file names no layers.
_DEFAULT_HYBRID_LAYERS = (6, 12, 18, 24, 30, 36, 42, 47, 51)
_DEFAULT_LAYERS = 54

_LONG_CONTEXT_POSITIONS = 16384


@dataclass(frozen=True)
class TextConfig:
    """The Zamba2 language model. Field names are the published ones where a published one exists.

    `hybrid_layer_ids` are the layers in front of which a shared block runs; the n-th of them uses
    block n modulo `num_mem_blocks`.
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    hybrid_layer_ids: tuple[int, ...]
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    num_mem_blocks: int = 1
    use_shared_attention_adapter: bool = False
    adapter_rank: int = 128
    use_mem_rope: bool = False
    rope_theta: float = 10000.0
    use_long_context: bool = False
    max_position_embeddings: int = 4096
    mamba_d_state: int = 64
    mamba_d_conv: int = 4
    mamba_expand: int = 2
    mamba_ngroups: int = 1
    n_mamba_heads: int = 8
    chunk_size: int = 256
    time_step_min: float = 0.001
    time_step_max: float = 0.1
    time_step_floor: float = 1e-4
    add_bias_linear: bool = False
    rms_norm_eps: float = 1e-5
    initializer_range: float = 0.02
    tie_word_embeddings: bool = True
    bos_token_id: int | None = 1
    eos_token_id: int | None = 2
    pad_token_id: int | None = 0

    @property
    def mamba_inner(self) -> int:
        """Width of the Mamba2 branch."""
        return self.mamba_expand * self.hidden_size

    @property
    def mamba_headdim(self) -> int:
        return self.mamba_inner // self.n_mamba_heads

    @property
    def conv_channels(self) -> int:
        """Channels of the causal convolution: x, B and C side by side."""
        return self.mamba_inner + 2 * self.mamba_ngroups * self.mamba_d_state

    @property
    def attention_hidden_size(self) -> int:
        """Width of concat(hidden, embeddings), which the shared attention reads."""
        return 2 * self.hidden_size

    @property
    def attention_head_dim(self) -> int:
        return self.attention_hidden_size // self.num_attention_heads

    def __post_init__(self) -> None:
        _check_kinds(self)
        _divides("n_mamba_heads", self.n_mamba_heads, "mamba width", self.mamba_inner)
        _divides("mamba_ngroups", self.mamba_ngroups, "n_mamba_heads", self.n_mamba_heads)
        _divides(
            "num_attention_heads",
            self.num_attention_heads,
            "attention width",
            self.attention_hidden_size,
        )
        _divides(
            "num_key_value_heads",
            self.num_key_value_heads,
            "num_attention_heads",
            self.num_attention_heads,
        )
        outside = [i for i in self.hybrid_layer_ids if not 0 <= i < self.num_hidden_layers]
        if outside or list(self.hybrid_layer_ids) != sorted(set(self.hybrid_layer_ids)):
            raise ConfigError(f"hybrid layers {list(self.hybrid_layer_ids)} do not name layers")
        if self.use_shared_attention_adapter and (
            self.num_key_value_heads != self.num_attention_heads
        ):
            raise ConfigError(
                "use_shared_attention_adapter needs num_key_value_heads = num_attention_heads"
            )

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> Self:
        """Read a published `zamba2` configuration. Raises ConfigError."""
        _expect(source, "model_type", "zamba2")
        _expect(source, "hidden_act", "gelu")
        _expect(source, "attention_dropout", 0.0)
        _expect(source, "use_conv_bias", True)
        hidden = _integer(source, "hidden_size")
        heads = _integer(source, "num_attention_heads")
        long_context = bool(source.get("use_long_context", False))
        layers, hybrid = _layers(source)
        config = cls(
            vocab_size=_integer(source, "vocab_size"),
            hidden_size=hidden,
            num_hidden_layers=layers,
            hybrid_layer_ids=hybrid,
            intermediate_size=source.get("intermediate_size") or 4 * hidden,
            num_attention_heads=heads,
            num_key_value_heads=source.get("num_key_value_heads") or heads,
            rope_theta=_rope_theta(source),
            use_long_context=long_context,
            max_position_embeddings=(
                _LONG_CONTEXT_POSITIONS
                if long_context
                else source.get("max_position_embeddings", cls.max_position_embeddings)
            ),
            **_given(
                source,
                "num_mem_blocks",
                "use_shared_attention_adapter",
                "adapter_rank",
                "use_mem_rope",
                "mamba_d_state",
                "mamba_d_conv",
                "mamba_expand",
                "mamba_ngroups",
                "n_mamba_heads",
                "chunk_size",
                "time_step_min",
                "time_step_max",
                "time_step_floor",
                "add_bias_linear",
                "rms_norm_eps",
                "initializer_range",
                "tie_word_embeddings",
                "bos_token_id",
                "eos_token_id",
                "pad_token_id",
            ),
        )
        # Derived figures that some files also spell out must agree with what they derive from.
        _expect(source, "mamba_headdim", config.mamba_headdim)
        _expect(source, "attention_hidden_size", config.attention_hidden_size)
        _expect(source, "attention_head_dim", config.attention_head_dim)
        if source.get("time_step_limit") not in (None, [0.0, float("inf")]):
            raise ConfigError(f"time_step_limit {source['time_step_limit']!r} is not implemented")
        return config

    def to_dict(self) -> dict[str, Any]:
        """The published layout of a `zamba2` configuration."""
        layers = [
            _HYBRID_NAME if i in self.hybrid_layer_ids else _MAMBA_NAMES[0]
            for i in range(self.num_hidden_layers)
        ]
        return {
            "model_type": "zamba2",
            "hidden_act": "gelu",
            "attention_dropout": 0.0,
            "use_conv_bias": True,
            **asdict(self),
            "hybrid_layer_ids": list(self.hybrid_layer_ids),
            "layers_block_type": layers,
            "mamba_headdim": self.mamba_headdim,
            "attention_hidden_size": self.attention_hidden_size,
            "attention_head_dim": self.attention_head_dim,
        }


@dataclass(frozen=True)
class VisionConfig:
    """The Qwen2.5-VL vision tower. `window_size` and `patch_size` are in pixels."""

    depth: int
    hidden_size: int
    intermediate_size: int
    num_heads: int
    out_hidden_size: int
    fullatt_block_indexes: tuple[int, ...]
    window_size: int = 112
    patch_size: int = 14
    spatial_merge_size: int = 2
    temporal_patch_size: int = 1
    in_channels: int = 3
    initializer_range: float = 0.02
    # Of the turning angles; no file states another.
    rope_theta: ClassVar[float] = 10000.0

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def patch_values(self) -> int:
        """Numbers in one patch: channels x frames x rows x columns."""
        return self.in_channels * self.temporal_patch_size * self.patch_size**2

    @property
    def unit_patches(self) -> int:
        """Patches that the merger makes into one visual token."""
        return self.spatial_merge_size**2

    @property
    def window_units(self) -> int:
        """Merge units along one side of an attention window."""
        return self.window_size // self.patch_size // self.spatial_merge_size

    @property
    def window_patches(self) -> int:
        """Patches in one whole attention window."""
        return self.window_units**2 * self.unit_patches

    def __post_init__(self) -> None:
        _check_kinds(self)
        _divides("num_heads", self.num_heads, "vision hidden_size", self.hidden_size)
        # Two axes, each turning pairs of features.
        _divides("4", 4, "vision head size", self.head_dim)
        _divides(
            "patch_size x spatial_merge_size",
            self.patch_size * self.spatial_merge_size,
            "window_size",
            self.window_size,
        )
        outside = [i for i in self.fullatt_block_indexes if not 0 <= i < self.depth]
        if outside:
            raise ConfigError(f"fullatt_block_indexes {outside} name no layer of {self.depth}")

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> Self:
        """Read a published `qwen2_5_vl` vision configuration. Raises ConfigError."""
        if source.get("model_type", "qwen2_5_vl") not in ("qwen2_5_vl", "qwen2_5_vl_vision"):
            raise ConfigError(f"vision model_type {source['model_type']!r} is not implemented")
        _expect(source, "hidden_act", "silu")
        rope = source.get("rope_parameters") or {}
        _expect(rope, "rope_type", "axial")
        _expect(rope, "rope_theta", cls.rope_theta)
        return cls(
            depth=_integer(source, "depth"),
            hidden_size=_integer(source, "hidden_size"),
            intermediate_size=_integer(source, "intermediate_size"),
            num_heads=_integer(source, "num_heads"),
            out_hidden_size=_integer(source, "out_hidden_size"),
            fullatt_block_indexes=tuple(source.get("fullatt_block_indexes", ())),
            **_given(
                source,
                "window_size",
                "patch_size",
                "spatial_merge_size",
                "temporal_patch_size",
                "in_channels",
                "initializer_range",
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """The published layout of a `qwen2_5_vl` vision configuration."""
        return {
            "model_type": "qwen2_5_vl",
            "hidden_act": "silu",
            **asdict(self),
            "fullatt_block_indexes": list(self.fullatt_block_indexes),
        }


@dataclass(frozen=True)
class Quantization:
    """Large matrices of weights held as integers, of four or eight bits, with scales."""

    language_bits: int
    vision_bits: int

    METHOD: ClassVar[str] = "zamba2_vl_weight_only"
    GROUP_SIZE: ClassVar[int] = 64

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> Self:
        """Read a `quantization_config`. Raises ConfigError for anything but our own."""
        method = source.get("quant_method")
        if method != cls.METHOD:
            raise ConfigError(
                f"weights quantised by {method!r} are not implemented",
                "take the model as published; docextract model convert makes it smaller",
            )
        _expect(source, "group_size", cls.GROUP_SIZE)
        bits = _integer(source, "language_bits"), _integer(source, "vision_bits")
        if not {4, 8}.issuperset(bits):
            raise ConfigError(f"weights of {bits} bits are not implemented (only 4 and 8)")
        return cls(*bits)

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` reads."""
        return {"quant_method": self.METHOD, **asdict(self), "group_size": self.GROUP_SIZE}


@dataclass(frozen=True)
class Zamba2VLConfig:
    """A whole model: a language model, and a vision tower unless the checkpoint is text only.

    `image_token_index` is the token id whose positions the image embeddings take; None for a
    text-only model.
    """

    text: TextConfig
    vision: VisionConfig | None = None
    image_token_index: int | None = None
    quantization: Quantization | None = None

    def __post_init__(self) -> None:
        if self.vision is None:
            return
        if self.image_token_index is None:
            raise ConfigError("a model with a vision tower needs image_token_index")
        if self.vision.out_hidden_size != self.text.hidden_size:
            raise ConfigError(
                f"the vision tower gives {self.vision.out_hidden_size} features a token, "
                f"the language model takes {self.text.hidden_size}"
            )

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> Self:
        """Read a published config.json, `zamba2_vl` or text-only `zamba2`.

        Raises ArchitectureError for another model, ConfigError for options that are not
        implemented.
        """
        kind = source.get("model_type")
        stated = source.get("quantization_config")
        quantization = None if stated is None else Quantization.from_dict(stated)
        if kind == "zamba2":
            return cls(TextConfig.from_dict(source), quantization=quantization)
        if kind != "zamba2_vl":
            raise ArchitectureError(
                f"config.json describes a model of type {kind!r}",
                "this package reads model_type zamba2_vl and zamba2",
            )
        _expect(source, "projector_hidden_act", "gelu")
        return cls(
            text=TextConfig.from_dict(_section(source, "text_config")),
            vision=VisionConfig.from_dict(_section(source, "vision_config")),
            image_token_index=_integer(source, "image_token_index"),
            quantization=quantization,
        )

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Read `folder`/config.json. Raises NotACheckpointError, ArchitectureError, ConfigError."""
        path = Path(folder) / "config.json"
        try:
            source = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise NotACheckpointError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise NotACheckpointError(f"{path} is not JSON: {error}") from error
        if not isinstance(source, dict):
            raise NotACheckpointError(f"{path} does not hold a JSON object")
        return cls.from_dict(source)

    def to_dict(self) -> dict[str, Any]:
        """The published config.json."""
        quantized = (
            {"quantization_config": self.quantization.to_dict()} if self.quantization else {}
        )
        if self.vision is None:
            return {"architectures": ["Zamba2ForCausalLM"], **self.text.to_dict(), **quantized}
        return {
            "architectures": ["Zamba2_VLForConditionalGeneration"],
            "model_type": "zamba2_vl",
            "image_token_index": self.image_token_index,
            "projector_hidden_act": "gelu",
            "tie_word_embeddings": self.text.tie_word_embeddings,
            "text_config": self.text.to_dict(),
            "vision_config": self.vision.to_dict(),
            **quantized,
        }


def _layers(source: Mapping[str, Any]) -> tuple[int, tuple[int, ...]]:
    """Number of layers, and which of them are hybrid."""
    kinds = source.get("layers_block_type") or source.get("layer_types")
    if kinds is None:
        count = source.get("num_hidden_layers", _DEFAULT_LAYERS)
        hybrid = source.get("hybrid_layer_ids", _DEFAULT_HYBRID_LAYERS)
        return count, tuple(hybrid)
    unknown = sorted({kind for kind in kinds if kind not in (*_MAMBA_NAMES, _HYBRID_NAME)})
    if unknown:
        raise ConfigError(f"layers of type {', '.join(unknown)} are not implemented")
    _expect(source, "num_hidden_layers", len(kinds))
    hybrid = [i for i, kind in enumerate(kinds) if kind == _HYBRID_NAME]
    _expect(source, "hybrid_layer_ids", hybrid)
    return len(kinds), tuple(hybrid)


def _rope_theta(source: Mapping[str, Any]) -> float:
    rope = source.get("rope_parameters") or source.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ConfigError(f"rotary embeddings of type {kind!r} are not implemented")
    theta = rope.get("rope_theta", source.get("rope_theta"))
    return TextConfig.rope_theta if theta is None else float(theta)


def _given(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named options that the file states; where it is silent the dataclass has the default."""
    return {name: source[name] for name in names if name in source}


def _section(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = source.get(name)
    if not isinstance(section, Mapping):
        raise ConfigError(f"config.json lacks {name}")
    return section


def _integer(source: Mapping[str, Any], name: str) -> int:
    value = source.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(f"config.json: {name} is {value!r}, not a whole number")
    return value


def _expect(source: Mapping[str, Any], name: str, only: object) -> None:
    """Refuse a stated value other than the only one implemented."""
    value = source.get(name)
    if value is not None and value != only:
        raise ConfigError(f"{name} = {value!r} is not implemented (only {only!r})")


def _check_kinds(config: "TextConfig | VisionConfig") -> None:
    """Sizes are whole numbers from 1, switches true or false, and the rest are numbers.

    A file may say anything, and torch would complain in its own words, or not at all.
    """
    for one in fields(config):
        value = getattr(config, one.name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = {
            int: whole and value >= 1,
            bool: isinstance(value, bool),
            float: whole or isinstance(value, float),
        }.get(one.type, True)  # type: ignore[arg-type]  # annotations are types in this file
        if not fits:
            raise ConfigError(f"{one.name} = {value!r} makes no sense")


def _divides(name: str, part: int, whole_name: str, whole: int) -> None:
    if part < 1 or whole % part:
        raise ConfigError(f"{name} = {part} does not divide the {whole_name} = {whole}")
