import json
from pathlib import Path

import pytest
import torch

from training import export
from training.bundled import configuration
from zamba2_vl import checkpoint
from zamba2_vl.api import Zamba2VL
from zamba2_vl.model import VisionLanguageModel

WEIGHTS = Path(__file__).parents[2] / "model" / "weights"


def test_the_shipped_folder_was_written_by_this_code(tmp_path: Path) -> None:
    export.describe(configuration(), tmp_path)
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert len(written) == 8
    assert written == {name: (WEIGHTS / name).read_text("utf-8") for name in written}


def test_a_model_comes_back_in_bfloat16(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = VisionLanguageModel(configuration(tiny=True))
    export.save(model, tmp_path)
    read = checkpoint.load(tmp_path)
    assert isinstance(read, VisionLanguageModel) and read.config == configuration(tiny=True)
    for (name, here), there in zip(model.named_parameters(), read.parameters(), strict=True):
        assert here.bfloat16().float().equal(there), name


def test_pictures_are_held_to_the_default_budget(tmp_path: Path) -> None:
    export.save(VisionLanguageModel(configuration(tiny=True)), tmp_path)
    images = Zamba2VL.from_pretrained(tmp_path).images
    assert images is not None and images.max_pixels == 1568 * 784


def test_transformers_finds_its_special_tokens(tmp_path: Path) -> None:
    export.describe(configuration(tiny=True), tmp_path)
    roles = json.loads((tmp_path / "special_tokens_map.json").read_text("utf-8"))
    assert (roles["bos_token"], roles["eos_token"], roles["pad_token"]) == ("<s>", "</s>", "[PAD]")
    assert "<|image_pad|>" in roles["additional_special_tokens"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state"
    export.replace(path, lambda beside: beside.write_text("old"))

    def breaks(beside: Path) -> None:
        beside.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        export.replace(path, breaks)
    assert path.read_text() == "old"
