from pathlib import Path

import pytest
import torch

from training import depth, export
from training.bundled import configuration
from zamba2_vl import checkpoint
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.vision.windows import WindowLayout


@pytest.fixture
def model() -> VisionLanguageModel:
    torch.manual_seed(3)
    model = VisionLanguageModel(configuration(tiny=True))
    for parameter in model.vision_tower.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def seen(model: VisionLanguageModel) -> torch.Tensor:
    vision = model.vision_tower.config
    layout = WindowLayout.for_grid(18, 10, vision)
    patches = torch.randn(1, 180, 588, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        return model.vision_tower.merge(model.vision_tower.features(patches, layout), layout)


@pytest.mark.parametrize(("at", "full", "indexes"), [(0, True, (0, 2)), (1, False, (2,))])
def test_a_deeper_tower_sees_what_it_saw(
    model: VisionLanguageModel, at: int, full: bool, indexes: tuple[int, ...]
) -> None:
    deeper = depth.with_layer(model, at, full).eval()
    vision = deeper.vision_tower.config
    assert vision.depth == 3 and tuple(vision.fullatt_block_indexes) == indexes
    torch.testing.assert_close(seen(deeper), seen(model))
    # The new layer alone is silent, and can learn.
    output = deeper.vision_tower.blocks[at].attn.proj.weight
    assert not output.any() and output.requires_grad


def test_taking_the_new_layer_out_again_gives_the_model_back(model: VisionLanguageModel) -> None:
    again = depth.without_layer(depth.with_layer(model, 1, full=False), 1)
    assert again.config == model.config
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor)


def test_a_tower_without_a_layer_sees_something_else(model: VisionLanguageModel) -> None:
    shallower = depth.without_layer(model, 0).eval()
    vision = shallower.vision_tower.config
    assert vision.depth == 1 and tuple(vision.fullatt_block_indexes) == (0,)
    assert not torch.allclose(seen(shallower), seen(model))


def test_there_must_be_such_a_place(model: VisionLanguageModel) -> None:
    with pytest.raises(ValueError, match="no layer 3"):
        depth.with_layer(model, 3, full=True)
    with pytest.raises(ValueError, match="no layer 2"):
        depth.without_layer(model, 2)


@pytest.mark.parametrize(
    ("change", "layers", "full"),
    [(["--add", "2", "--full"], 3, (1, 2)), (["--drop", "0"], 1, (0,))],
)
def test_the_command_writes_a_model_to_go_on_from(
    model: VisionLanguageModel,
    tmp_path: Path,
    change: list[str],
    layers: int,
    full: tuple[int, ...],
) -> None:
    export.save(model, tmp_path / "model")
    depth.main([str(tmp_path / "model"), str(tmp_path / "other"), *change])
    vision = checkpoint.load(tmp_path / "other", torch.device("cpu")).vision_tower.config
    assert vision.depth == layers and tuple(vision.fullatt_block_indexes) == full
