import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docextract.errors import ExitCode
from docextract.readers.scripted import SCRIPT
from docextract.resources import bundled

Run = Callable[..., tuple[int, str, str]]
SCRIPTED = ("--model", "docextract.readers.scripted:reader")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "script.json"
    path.write_text((bundled("samples") / "receipt.json").read_text("utf-8"))
    monkeypatch.setenv(SCRIPT, str(path))
    return path


def test_a_sound_installation_is_told_in_words_and_in_json(run: Run, script: Path) -> None:
    code, out, err = run("doctor", *SCRIPTED)
    assert (code, err) == (0, "")
    assert "the sample was read rightly" in out
    code, out, err = run("doctor", "--json", *SCRIPTED)
    assert (code, err) == (0, "")
    assert json.loads(out)["problems"] == []


def test_a_model_that_misreads_has_its_exit_code(run: Run, script: Path) -> None:
    script.write_text('{"total": "1.00"}')
    code, out, err = run("doctor", "--json", *SCRIPTED)
    assert code == ExitCode.MODEL
    assert json.loads(out)["problems"][0]["name"] == "model"
    assert err.startswith("error: ") and "misread the sample" in err
    assert len(err.splitlines()) == 2


def test_a_model_that_is_not_there_has_its_exit_code(run: Run, script: Path, no_hub: Path) -> None:
    code, out, err = run("doctor", "--model", "owner/model")
    assert code == ExitCode.MODEL
    assert err.splitlines()[1:] == ["hint: docextract model fetch owner/model"]
    assert "docextract" in out
