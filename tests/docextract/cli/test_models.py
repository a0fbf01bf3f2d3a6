import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docextract.errors import ExitCode

Run = Callable[..., tuple[int, str, str]]


def test_the_bundled_model_is_shown(run: Run) -> None:
    code, out, err = run("model", "show")
    assert (code, err) == (0, "")
    assert "zamba2_vl" in out and "MODEL_CARD.md" in out
    code, out, _ = run("model", "show", "--json")
    assert json.loads(out)["model"] == "bundled"


def test_a_model_is_fetched_shown_and_removed(run: Run, hub_with_files: Path) -> None:
    # The stub's file is no model: fetching verifies, and says so.
    code, out, err = run("model", "fetch", "owner/model")
    assert (code, out) == (ExitCode.MODEL, "")
    assert err.startswith("error: "), err
    code, out, _ = run("model", "show", "owner/model", "--json")
    assert code == 0
    assert Path(json.loads(out)["card"]).read_text() == "A card."
    code, _, err = run("model", "remove", "owner/model")
    assert (code, err) == (ExitCode.USAGE, "error: nobody is there to be asked\nhint: add --yes\n")
    assert run("model", "remove", "owner/model", "--yes")[0] == 0
    assert run("model", "remove", "owner/model", "--yes")[0] == ExitCode.NOTHING
    assert run("model", "show", "owner/model")[0] == ExitCode.MODEL


@pytest.mark.parametrize("action", ["fetch", "remove"])
def test_only_published_models_come_and_go(run: Run, action: str) -> None:
    code, _, err = run("model", action)
    assert code == ExitCode.USAGE
    assert f"docextract model {action} owner/model" in err


def test_the_bundled_model_is_verified(run: Run) -> None:
    code, out, err = run("model", "verify")
    assert code == 0
    assert Path(out.strip()).is_dir()
    assert "confidence.json" in err


def test_a_model_is_converted(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "small"
    code, said, err = run("model", "convert", "bundled", str(out), "--weights", "int4")
    assert (code, said) == (0, f"{out}\n")
    assert "MODEL_CARD.md, confidence.json" in err
    code, said, _ = run("model", "show", str(out), "--json")
    shown = json.loads(said)
    assert shown["bits"] == {"language": 4, "vision": 8}
    assert shown["bytes"] < 16e6 and shown["calibrated"] is None
    assert shown["parameters"] == json.loads(run("model", "show", "--json")[1])["parameters"]
    assert "integers of 4 bits" in run("model", "show", str(out))[1]
    assert run("model", "verify", str(out))[0] == 0
    code, _, err = run("model", "convert", "bundled", str(out), "--weights", "int8")
    assert code == ExitCode.USAGE and "there is such a folder" in err
    code, _, err = run("model", "convert", str(out), str(tmp_path / "again"), "--weights", "int8")
    assert code == ExitCode.MODEL and "quantised already" in err
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize("words", [("convert",), ("convert", "bundled", "o"), ("show", "a", "b")])
def test_what_to_convert_must_be_said(run: Run, words: tuple[str, ...]) -> None:
    code, _, err = run("model", *words)
    assert code == ExitCode.USAGE and "docextract model" in err
