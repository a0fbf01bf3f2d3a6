from pathlib import Path

import pytest
import torch

from training import deepen, export
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
    deeper = deepen.deepened(model, at, full).eval()
    vision = deeper.vision_tower.config
    assert vision.depth == 3 and tuple(vision.fullatt_block_indexes) == indexes
    torch.testing.assert_close(seen(deeper), seen(model))
    # The new layer alone is silent, and can learn.
    output = deeper.vision_tower.blocks[at].attn.proj.weight
    assert not output.any() and output.requires_grad


def test_there_must_be_such_a_place(model: VisionLanguageModel) -> None:
    with pytest.raises(ValueError, match="no layer 3"):
        deepen.deepened(model, 3, full=True)


def test_the_command_writes_a_model_to_go_on_from(
    model: VisionLanguageModel, tmp_path: Path
) -> None:
    export.save(model, tmp_path / "model")
    deepen.main([str(tmp_path / "model"), str(tmp_path / "deeper"), "--at", "2", "--full"])
    deeper = checkpoint.load(tmp_path / "deeper", torch.device("cpu"))
    assert deeper.vision_tower.config.depth == 3
    assert tuple(deeper.vision_tower.config.fullatt_block_indexes) == (1, 2)
