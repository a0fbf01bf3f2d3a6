import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from docextract.errors import ExitCode
from docextract.readers.scripted import SCRIPT
from training.calibrate import load_counts

Run = Callable[..., tuple[int, str, str]]
SCRIPTED = ("--model", "docextract.readers.scripted:reader")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "script.json"
    script.write_text(json.dumps("<loc_500><loc_200><loc_560><loc_800>"))
    monkeypatch.setenv(SCRIPT, str(script))
    lines = []
    for count in (2, 3):
        Image.new("RGB", (100, 100), "white").save(tmp_path / f"{count}.png")
        split = "dev" if count == 2 else "train"
        lines.append({"file": f"{count}.png", "count": count, "split": split})
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def test_counts_of_a_labelled_folder_are_scored(run: Run, folder: Path) -> None:
    words = (folder, "--truth", "labels.jsonl", "--object", "can", *SCRIPTED)
    code, out, _ = run("evaluate", *words, "--worst", "2")
    assert code == 0 and "dev: 1 counts" in out and "train: 1 counts" in out
    assert "3.png: can, 2 for 3" in out
    code, out, _ = run("evaluate", *words, "--split", "dev", "--format", "json")
    figures = json.loads(out)["ways"]["default"]["dev"]["bands"]["1 to 10"]
    assert (figures["counts"], figures["exact"]) == (1, 1.0)


def test_ways_to_count_are_compared_and_kept(run: Run, folder: Path, tmp_path: Path) -> None:
    out_file = tmp_path / "counted.jsonl"
    words = (folder, "--truth", "labels.jsonl", "--object", "can", "--absent", "jar", *SCRIPTED)
    ways = ("--tiles", "never", "--tiles", "always", "--budget", "20", "-o", out_file)
    code, out, _ = run("evaluate", *words, *ways)
    assert code == 0 and "budget 20, tiles never" in out and "  jar " in out
    lines = [json.loads(line) for line in out_file.read_text().splitlines()]
    assert len(lines) == 2 * 2 * 2
    assert {(line["object"], line["truth"]) for line in lines} == {
        ("can", 2), ("can", 3), ("jar", 0),
    }  # fmt: skip
    assert load_counts(out_file) == []  # a script knows no probabilities


def test_labels_of_counts_are_not_judged_as_records(run: Run, folder: Path) -> None:
    words = ("evaluate", folder, "--truth", "labels.jsonl", "--schema", "receipt", *SCRIPTED)
    code, out, err = run(*words, "--object", "can")
    assert code == 0 and "dev: 1 counts" in out and "receipt is not asked for" in err
    code, _, err = run(*words)
    assert code == ExitCode.NOTHING and "--object" in err
