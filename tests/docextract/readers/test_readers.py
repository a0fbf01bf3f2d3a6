import sys
from pathlib import Path
from types import ModuleType

import pytest

from docextract.errors import ModelError
from docextract.readers import Reader, open_reader
from docextract.readers.scripted import ScriptedReader


@pytest.fixture
def factories(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("my_readers")
    module.plain = lambda: ScriptedReader([])  # type: ignore[attr-defined]
    module.placed = lambda device: ScriptedReader([device])  # type: ignore[attr-defined]
    module.wrong = lambda: 3  # type: ignore[attr-defined]
    module.broken = lambda: 1 / 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_readers", module)
    return module


def test_a_factory_makes_a_reader(factories: ModuleType) -> None:
    assert isinstance(open_reader("my_readers:plain"), Reader)


def test_a_factory_is_told_the_device_if_it_asks(factories: ModuleType) -> None:
    reading = open_reader("my_readers:placed", "cpu").read([], "?", None, 1)
    assert reading.text == "cpu"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("my_readers:wrong", "made no reader, but a int"),
        ("my_readers:missing", "has no missing to call"),
        ("my_readers:broken", "failed: ZeroDivisionError"),
        ("no_such_module_here:make", "cannot be imported"),
        ("./nowhere", "there is no model './nowhere'"),
        ("nothing", "there is no model 'nothing'"),
        ("a/b/c", "there is no model"),
        ("", "there is no model"),
    ],
)
def test_a_spec_that_names_no_model_is_a_model_error(
    factories: ModuleType, spec: str, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        open_reader(spec)


def test_a_missing_folder_is_never_taken_for_a_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    with pytest.raises(ModelError, match="there is no model 'models/mine'"):
        open_reader("models/mine")


def test_weights_that_are_not_installed_are_a_model_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docextract.resources._PACKAGE", tmp_path / "docextract")
    with pytest.raises(ModelError, match="no model/weights folder"):
        open_reader()
