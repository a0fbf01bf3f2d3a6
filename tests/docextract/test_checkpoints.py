import json
import shutil
from pathlib import Path

import pytest

from docextract.checkpoints import describe, located, verify
from docextract.confidence import CALIBRATION, fingerprint
from docextract.errors import ModelError
from docextract.resources import bundled


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The bundled checkpoint, to be spoiled."""
    return Path(shutil.copytree(bundled("model/weights"), tmp_path / "copy"))


def test_the_bundled_checkpoint_is_described() -> None:
    folder = located("bundled")
    described = describe("bundled", folder)
    assert described["kind"] == "zamba2_vl"
    assert 15e6 < described["parameters"] < 25e6
    assert described["types"] == ["BF16"]
    assert described["weights"] == fingerprint(folder)
    assert described["calibrated"] is True
    assert Path(described["card"]).is_file()


def test_the_bundled_checkpoint_is_whole() -> None:
    words = list(verify("bundled", located("bundled")))
    assert any("parameters" in line for line in words)
    assert any(CALIBRATION in line for line in words)


def test_other_weights_than_were_calibrated_are_told(copied: Path) -> None:
    path = copied / CALIBRATION
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights": "sha256:0"}))
    assert describe("mine", copied)["calibrated"] is False
    with pytest.raises(ModelError, match="names other weights"):
        list(verify("mine", copied))
    path.unlink()
    assert describe("mine", copied)["calibrated"] is None
    assert len(list(verify("mine", copied))) == 1


def test_weights_that_are_cut_off_are_told(copied: Path) -> None:
    weights = copied / "model.safetensors"
    with weights.open("r+b") as file:
        file.truncate(weights.stat().st_size // 2)
    with pytest.raises(ModelError, match="damaged"):
        describe("mine", copied)
    with pytest.raises(ModelError, match="ends before its weights do"):
        list(verify("mine", copied))


def test_a_folder_of_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="describes no model"):
        describe("mine", located(str(tmp_path)))


def test_a_hub_id_that_was_never_fetched_is_not_fetched_now(no_hub: Path) -> None:
    with pytest.raises(ModelError, match="not kept here") as caught:
        located("owner/model")
    assert caught.value.hint == "docextract model fetch owner/model"


def test_files_that_the_hub_did_not_give_are_told(hub_with_files: Path, copied: Path) -> None:
    from docextract import hub

    folder = hub.fetch("owner/model")
    for path in copied.iterdir():
        if path.name not in ("config.json", "model.safetensors"):
            shutil.copy(path, folder)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(copied / name, (folder / name).resolve())
    with pytest.raises(ModelError, match=r"not what the hub gave: config.json, model.safetensors"):
        list(verify("owner/model", folder))
