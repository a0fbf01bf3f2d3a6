"""The same checkpoints through transformers' Auto classes. Importing this module registers them.

    import zamba2_vl.hf
    from transformers import AutoModelForImageTextToText, AutoProcessor

The classes bear the published names, so that a folder's `architectures` and `processor_class` find
them. Upstream transformers 5 is enough. The model is the one of this package: the wrapper below
only speaks transformers' dialect of inputs, outputs and caches.
"""

# transformers is typed in part only, and its overrides are looser than their bases.
# mypy: disable-error-code="misc, no-untyped-call, override"

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    BatchFeature,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
    ProcessorMixin,
    Qwen2_5_VLVisionConfig,
    Zamba2Config,
)
from transformers.image_processing_base import ImageProcessingMixin
from transformers.modeling_outputs import CausalLMOutputWithPast

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.engine.cache import Cache
from zamba2_vl.errors import InputError, WeightsMismatchError
from zamba2_vl.image import ImageProcessor, Picture
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.linear import Embedding
from zamba2_vl.vision.windows import WindowLayout


class Zamba2_VLConfig(PreTrainedConfig):
    """config.json as transformers wants it; `Zamba2VLConfig` is what the model is built from."""

    model_type = "zamba2_vl"

    def __init__(
        self,
        text_config: dict[str, Any] | Zamba2Config | None = None,
        vision_config: dict[str, Any] | Qwen2_5_VLVisionConfig | None = None,
        image_token_index: int = 0,
        projector_hidden_act: str = "gelu",
        **kwargs: Any,
    ) -> None:
        self.text_config = _section(Zamba2Config, text_config)
        self.vision_config = _section(Qwen2_5_VLVisionConfig, vision_config)
        self.image_token_index = image_token_index
        self.projector_hidden_act = projector_hidden_act
        # For transformers this turns every tie on, those of the shared blocks too. Whether the
        # head is tied to the embedding stands in text_config.
        kwargs["tie_word_embeddings"] = True
        super().__init__(**kwargs)

    def published(self) -> Zamba2VLConfig:
        """The same configuration as this package reads it. Raises ConfigError."""
        return Zamba2VLConfig.from_dict(self.to_dict())


class Memory(Cache):
    """The state of a batch between the calls of `generate`; it grows as the answers do."""

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens that the longest row has seen."""
        return int(self.first(self.rows).filled.max()) if self.rows else 0

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Let row i go on from what row beam_idx[i] remembers, as beam search wants it."""
        state = self.first(self.rows)
        state.filled.copy_(state.filled[beam_idx.cpu()])
        for rows in (state.conv, state.ssm, state.keys, state.values):
            rows.copy_(rows.index_select(1, beam_idx))


class Zamba2_VLForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """Zamba2-VL behind transformers' interface, with the published parameter names."""

    config_class = Zamba2_VLConfig
    main_input_name = "input_ids"
    _is_stateful = True
    _supports_sdpa = True

    def __init__(self, config: Zamba2_VLConfig) -> None:
        super().__init__(config)
        core = VisionLanguageModel(config.published())
        self.vision_tower = core.vision_tower
        self.language_model = core.language_model
        # In a tuple, so that its parameters are not registered a second time.
        self._core = (core,)
        names = core.named_parameters(remove_duplicate=False)
        first = {id(parameter): name for name, parameter in core.named_parameters()}
        self._tied_weights_keys = {
            name: first[id(parameter)] for name, parameter in names if name != first[id(parameter)]
        }
        self.post_init()

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """As in transformers, but a checkpoint that does not fit raises WeightsMismatchError."""
        loaded: Any = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        model, info = loaded
        misfits = {kind: sorted(map(str, info[kind])) for kind in info if info[kind]}
        if misfits:
            raise WeightsMismatchError(f"the weights do not fit the configuration: {misfits}")
        return (model, info) if output_loading_info else model

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Nothing: the modules have started themselves, and a checkpoint has to be complete."""

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.language_model.model.embed_tokens

    def set_input_embeddings(self, value: torch.nn.Module) -> None:
        if not isinstance(value, torch.nn.Embedding):
            raise InputError("input embeddings must be an Embedding")
        table = Embedding(*value.weight.shape, device="meta")
        table.weight = value.weight
        self.language_model.model.embed_tokens = table

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_grid_thw: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        past_key_values: Any = None,
        labels: Tensor | None = None,
        use_cache: bool = False,
        logits_to_keep: int = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits, and the loss where `labels` (batch, length) are given, -100 for no label.

        input_ids: (batch, length), padded on either side under `attention_mask` (batch, length so
        far). pixel_values: (patches of all pictures, values), merge unit by merge unit;
        image_grid_thw: (pictures, 3), one frame and the patches per side, in the order in which
        the image tokens stand. `logits_to_keep`: the last positions whose logits are wanted, 0
        for all. With `use_cache` the output carries a memory to pass on with the next tokens.
        """
        if inputs_embeds is None:
            inputs_embeds = self._embed(input_ids, pixel_values, image_grid_thw)
        batch, length = inputs_embeds.shape[:2]
        order, lengths = _compact(attention_mask, length)
        if order is not None:
            inputs_embeds = _reorder(inputs_embeds, order)
        state = None
        if use_cache or past_key_values is not None:
            if past_key_values is None:
                text = self._core[0].config.text
                past_key_values = Memory(text, inputs_embeds.device, inputs_embeds.dtype)
            past_key_values.grow(batch, [past_key_values.get_seq_length() + length])
            state = past_key_values.first(batch)
        hidden = self.language_model(inputs_embeds, state, lengths)
        if order is not None:
            hidden = _reorder(hidden, order.argsort(dim=1))
        logits = self.language_model.logits(hidden[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, logits.shape[-1], **kwargs)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        past_key_values: Any = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_grid_thw: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 1,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The whole prompt first, then one token at a time."""
        inputs: dict[str, Any] = {
            "attention_mask": attention_mask,
            "past_key_values": past_key_values,
            "use_cache": bool(use_cache),
            "logits_to_keep": logits_to_keep,
        }
        if past_key_values is not None:
            return {"input_ids": input_ids[:, -1:], **inputs}
        if inputs_embeds is not None and input_ids.shape[1] == 0:
            return {"inputs_embeds": inputs_embeds, **inputs}
        pictures = {"pixel_values": pixel_values, "image_grid_thw": image_grid_thw}
        return {"input_ids": input_ids, **pictures, **inputs}

    def _expand_inputs_for_generation(
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: Any = None,
        pixel_values: Tensor | None = None,
        image_grid_thw: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Any]]:
        """Repeat each row for its beams, and its pictures as a whole, not patch by patch."""
        expanded, kwargs = super()._expand_inputs_for_generation(
            expand_size, is_encoder_decoder, input_ids, **kwargs
        )
        if input_ids is None or pixel_values is None or image_grid_thw is None:
            return expanded, kwargs
        sizes = image_grid_thw.prod(1)
        tokens = (sizes // self._core[0].vision_tower.config.unit_patches).cumsum(0)
        image = self.config.image_token_index
        # The row whose last image token lies at or behind the last token of a picture has it.
        row = torch.searchsorted(input_ids.eq(image).sum(1).cumsum(0), tokens)
        order = [
            picture
            for one in range(len(input_ids))
            for picture in (row == one).nonzero().flatten().tolist() * expand_size
        ]
        parts = pixel_values.split(sizes.tolist())
        kwargs["pixel_values"] = torch.cat([parts[picture] for picture in order])
        kwargs["image_grid_thw"] = image_grid_thw[order]
        return expanded, kwargs

    def _embed(self, ids: Tensor | None, pixels: Tensor | None, grids: Tensor | None) -> Tensor:
        if ids is None:
            raise InputError("neither input_ids nor inputs_embeds were given")
        core = self._core[0]
        if pixels is None or grids is None:
            return core.language_model.embed(ids)
        layouts = [_layout(core, *grid) for grid in grids.tolist()]
        patches = pixels.to(ids.device).split([layout.patches for layout in layouts])
        packed = [layout.pack(part)[None] for layout, part in zip(layouts, patches, strict=True)]
        images = core.embed_images(packed, [layout.to(ids.device) for layout in layouts])
        places = int(ids.eq(core.config.image_token_index or 0).sum())
        if places != images.shape[1]:
            raise InputError(
                f"input_ids hold {places} image tokens, the pictures give {images.shape[1]}"
            )
        # Pictures follow each other as their tokens do, row after row.
        return core.place_images(ids.reshape(1, -1), images).view(*ids.shape, -1)


class Zamba2_VLImageProcessor(ImageProcessingMixin):
    """preprocessor_config.json as transformers wants it; `ImageProcessor` does the work."""

    model_input_names = ["pixel_values", "image_grid_thw"]

    def __call__(self, images: Any, return_tensors: str | None = None) -> BatchFeature:
        """Patches of all pictures, one picture after the other, and their grids."""
        cut = ImageProcessor.from_dict(self.to_dict())
        grids = [cut(picture) for picture in _flat(images)]
        return BatchFeature(
            {
                "pixel_values": torch.cat([grid.patches for grid in grids]),
                "image_grid_thw": torch.tensor([[1, grid.height, grid.width] for grid in grids]),
            },
            tensor_type=return_tensors,
        )


class Zamba2_VLProcessor(ProcessorMixin):
    """Words and pictures to the inputs of the model."""

    def __init__(
        self,
        image_processor: Zamba2_VLImageProcessor,
        tokenizer: Any,
        image_token: str,
        chat_template: str | None = None,
    ) -> None:
        self.image_token = image_token
        self.image_token_id = tokenizer.convert_tokens_to_ids(image_token)
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, **kwargs: Any) -> Self:
        """Read tokenizer, chat template and picture settings; patch sizes come from the model."""
        name = pretrained_model_name_or_path
        own = {key: kwargs.pop(key) for key in ("min_pixels", "max_pixels") if key in kwargs}
        config = AutoConfig.from_pretrained(name, **kwargs)
        vision = config.vision_config
        tokenizer = AutoTokenizer.from_pretrained(name, **kwargs)
        given, _ = Zamba2_VLImageProcessor.get_image_processor_dict(name, **kwargs)
        sizes = {
            "patch_size": vision.patch_size,
            "temporal_patch_size": vision.temporal_patch_size,
            "merge_size": vision.spatial_merge_size,
        }
        image_processor = Zamba2_VLImageProcessor(**{**given, **sizes, **own})
        image_token = str(tokenizer.convert_ids_to_tokens(config.image_token_index))
        return cls(image_processor, tokenizer, image_token, tokenizer.chat_template)

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        return_tensors: str | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Encode prompts, each image token spread over the merge units of its picture.

        `images`: pictures in the order in which the prompts name them, nested or flat. Further
        arguments go to the tokenizer.
        """
        unseen = [name for name in ("videos", "audio") if kwargs.pop(name, None) is not None]
        if unseen:
            raise InputError(f"Zamba2-VL reads pictures, no {' and no '.join(unseen)}")
        prompts = [text or ""] if isinstance(text, str) or text is None else list(text)
        pictures: dict[str, Any] = {}
        if images is not None:
            pictures = self.image_processor(images, return_tensors=return_tensors)
            unit = self.image_processor.merge_size**2
            counts = [int(h) * int(w) // unit for _, h, w in pictures["image_grid_thw"]]
            prompts = self._spread(prompts, counts)
        words = self.tokenizer(prompts, return_tensors=return_tensors, **kwargs)
        return BatchFeature({**words, **pictures}, tensor_type=return_tensors)

    def _spread(self, prompts: Sequence[str], counts: Sequence[int]) -> list[str]:
        named = sum(prompt.count(self.image_token) for prompt in prompts)
        if named != len(counts):
            raise InputError(f"the prompts name {named} pictures, {len(counts)} were given")
        left = iter(counts)
        spread = []
        for prompt in prompts:
            head, *tails = prompt.split(self.image_token)
            spread.append(head + "".join(self.image_token * next(left) + tail for tail in tails))
        return spread


def _section(kind: type[PreTrainedConfig], given: Any) -> Any:
    """A part of the configuration as transformers' own class for it."""
    if isinstance(given, PreTrainedConfig):
        return given
    # The published vision section bears the model type of the whole Qwen2.5-VL.
    return kind(**{key: value for key, value in (given or {}).items() if key != "model_type"})


def _compact(attention_mask: Tensor | None, length: int) -> tuple[Tensor | None, Tensor | None]:
    """How to bring the valid ones of the last `length` tokens of each row to its front.

    Returns the order (batch, length) and the number of valid tokens (batch,); None and None where
    all are valid.
    """
    if attention_mask is None:
        return None, None
    valid = attention_mask[:, -length:].bool()
    if bool(valid.all()):
        return None, None
    return valid.logical_not().to(torch.uint8).argsort(dim=1, stable=True), valid.sum(1)


def _reorder(x: Tensor, order: Tensor) -> Tensor:
    """x: (batch, length, features), order: (batch, length)."""
    return x.gather(1, order[..., None].expand_as(x))


def _layout(core: VisionLanguageModel, frames: int, height: int, width: int) -> WindowLayout:
    if frames != 1:
        raise InputError(f"a picture has one frame, not {frames}")
    return WindowLayout.for_grid(height, width, core.vision_tower.config)


def _flat(images: Any) -> list[Picture]:
    if isinstance(images, list | tuple):
        return [picture for part in images for picture in _flat(part)]
    return [images]


AutoConfig.register(Zamba2_VLConfig.model_type, Zamba2_VLConfig, exist_ok=True)
for auto_class in (AutoModel, AutoModelForImageTextToText):
    auto_class.register(Zamba2_VLConfig, Zamba2_VLForConditionalGeneration, exist_ok=True)
AutoProcessor.register(Zamba2_VLConfig, Zamba2_VLProcessor, exist_ok=True)
