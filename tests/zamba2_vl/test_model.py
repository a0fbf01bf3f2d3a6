import pytest
import torch
from torch import Tensor

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.errors import ConfigError, InputError
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.vision.windows import PackedLayout, WindowLayout


def page(config: Zamba2VLConfig, rows: int, columns: int) -> tuple[Tensor, WindowLayout]:
    assert config.vision is not None
    layout = WindowLayout.for_grid(rows, columns, config.vision)
    return torch.randn(1, layout.patches, config.vision.patch_values), layout


def test_text_only_configuration_is_refused(config: Zamba2VLConfig) -> None:
    with pytest.raises(ConfigError):
        VisionLanguageModel(Zamba2VLConfig(config.text))


@torch.inference_mode()
def test_images_take_their_places_in_order(model: VisionLanguageModel) -> None:
    image = model.config.image_token_index
    assert image is not None
    ids = torch.tensor([[7, image, image, 8, image], [image, 9, 7, image, 8]])
    images = torch.randn(2, 3, model.config.text.hidden_size)
    placed = model.place_images(ids, images)
    assert torch.equal(placed[0, [1, 2, 4]], images[0])
    assert torch.equal(placed[1, [0, 3]], images[1, :2])
    words = model.language_model.embed(ids)
    assert torch.equal(placed[0, [0, 3]], words[0, [0, 3]])
    assert torch.equal(placed[1, [1, 2, 4]], words[1, [1, 2, 4]])


@torch.inference_mode()
def test_several_pictures_follow_one_another(model: VisionLanguageModel) -> None:
    torch.manual_seed(0)
    pages = [page(model.config, 4, 6), page(model.config, 2, 2)]
    both = model.embed_images([p for p, _ in pages], [layout for _, layout in pages])
    assert both.shape == (1, 7, model.config.text.hidden_size)
    torch.testing.assert_close(both[:, :6], model.vision_tower(*pages[0]))
    torch.testing.assert_close(both[:, 6:], model.vision_tower(*pages[1]))


@torch.inference_mode()
def test_image_tokens_and_embeddings_must_agree(model: VisionLanguageModel) -> None:
    patches, layout = page(model.config, 4, 4)
    image = model.config.image_token_index
    assert image is not None
    fits = torch.tensor([[7, image, image, image, image, 8]])
    assert model(fits, [patches], [layout]).shape == (1, 6, model.config.text.vocab_size)
    with pytest.raises(InputError, match="4 image embeddings"):
        model(fits[:, :4], [patches], [layout])


# The tracer itself instantiates the autograd functions that it meets.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.slow
@pytest.mark.parametrize("autocast", [False, True])
def test_a_training_step_compiles_whole(model: VisionLanguageModel, autocast: bool) -> None:
    torch.manual_seed(0)
    pages = [page(model.config, 12, 10), page(model.config, 8, 4)]
    layout = PackedLayout.collate([layout for _, layout in pages], patches=128, windows=4)
    patches = torch.randn(2, 128, 588)
    ids = torch.randint(6, 200, (2, 50))
    for row, (_, one) in enumerate(pages):
        ids[row, 3 : 3 + one.tokens] = model.config.image_token_index

    def loss(patches: Tensor, layout: PackedLayout, ids: Tensor) -> Tensor:
        images = model.vision_tower(patches, layout)
        hidden = model.language_model(model.place_images(ids, images))
        logits = model.language_model.logits(hidden[:, 35:-1])
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), ids[:, 36:].flatten()
        )

    def step(function: object) -> tuple[Tensor, list[Tensor]]:
        assert callable(function)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            value = function(patches, layout, ids)
        return value, list(torch.autograd.grad(value, list(model.parameters())))

    plain, gradients = step(loss)
    compiled, same = step(torch.compile(loss, fullgraph=True, backend="aot_eager"))
    torch.testing.assert_close(compiled, plain)
    for ours, theirs in zip(same, gradients, strict=True):
        apart = (ours - theirs).norm() / theirs.norm().clamp(min=1e-9)
        assert apart < (0.05 if autocast else 1e-4)
