import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from docextract import diagnosis
from docextract.diagnosis import diagnose
from docextract.errors import DeviceError, ModelError
from docextract.readers.scripted import SCRIPT
from docextract.resources import bundled

SCRIPTED = "docextract.readers.scripted:reader"
REQUIRED = ["torch>=2", "ray[data]>=2; extra == 'ray'", "docextract[ray]; extra == 'dev'"]
RIGHT = json.loads((bundled("samples") / "receipt.json").read_text("utf-8"))


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the scripted reader says of the sample."""
    path = tmp_path / "script.json"
    monkeypatch.setenv(SCRIPT, str(path))
    monkeypatch.setattr(metadata, "requires", lambda _: REQUIRED)
    path.write_text(json.dumps(RIGHT))
    return path


def silent(words: str) -> None:
    pass


def test_a_sound_installation_has_no_problems(answer: Path) -> None:
    found = diagnose(SCRIPTED, "cpu", silent)
    assert found["problems"] == []
    assert found["packages"] == {"torch": metadata.version("torch")}
    assert found["devices"][0]["device"] == "cpu"
    assert found["kernels"]["ssd_scan"] == "pytorch"
    assert found["places"]["temporary"]["free"] > 0
    assert found["test"]["right"] == ["date", "currency", "total"]
    assert found["model"] is None  # a factory has no weights
    json.dumps(found)


def test_extras_are_told_with_the_way_to_them(
    answer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", version)
    found = diagnose(SCRIPTED, "cpu", silent)
    missing = {"installed": False, "install": "pip install 'docextract[ray]'"}
    assert found["extras"] == {"ray": missing}
    assert found["packages"] == {"torch": None}


def test_a_misread_sample_is_a_problem_of_the_model(answer: Path) -> None:
    answer.write_text(json.dumps({**RIGHT, "total": "1.00"}))
    [problem] = diagnose(SCRIPTED, "cpu", silent)["problems"]
    assert isinstance(problem, ModelError)
    assert 'misread the sample: {"total": "1.00"}' in problem.message


def test_damaged_weights_are_told_and_the_rest_is_still_looked_at(
    answer: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(bundled("model/weights"), tmp_path / "copy")
    with (copied / "model.safetensors").open("r+b") as file:
        file.truncate(1_000_000)
    found = diagnose(str(copied), "cpu", silent)
    assert found["places"] and found["devices"]
    [problem] = found["problems"]
    assert isinstance(problem, ModelError)
    assert "model.safetensors" in problem.message


def test_an_absent_device_is_told(answer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(spec: str, device: str) -> None:
        raise DeviceError(f"there is no {device}")

    monkeypatch.setattr(diagnosis, "open_reader", gone)
    [problem] = diagnose(SCRIPTED, "cuda", silent)["problems"]
    assert problem.message == "there is no cuda"


def test_a_fault_of_ours_is_one_problem_among_others(
    answer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "_places", lambda: 1 / 0)
    [problem] = diagnose(SCRIPTED, "cpu", silent)["problems"]
    assert problem.message.startswith("ZeroDivisionError")
