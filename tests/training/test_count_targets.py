import json
from pathlib import Path

import pytest
from PIL import Image

from docextract.evaluation import CountLabel, JudgedCount
from docextract.records import Count, Mark
from training.count_targets import count_measures
from training.measure import Measure, table
from training.targets import main


def judged(truth: int, counted: int, found: int | None = None, seconds: float = 1.0) -> JudgedCount:
    label = CountLabel("a.png", "die", truth, "dev", None, None)
    marks = tuple(Mark(float(at), 0.0) for at in range(counted))
    return JudgedCount(label, Count("a.png", "die", 1, counted, "ok", marks=marks), seconds, found)


def figures(**counted: list[JudgedCount]) -> dict[tuple[str, str], Measure]:
    return {(one.what, one.field): one for one in count_measures(counted)}


def test_photos_are_measured_by_what_they_show_and_by_what_they_lack() -> None:
    some = [judged(3, 3, 3), judged(5, 4, 4), judged(0, 0, 0), judged(0, 2, 0)]
    found = figures(dice=some, coins=[judged(30, 31), judged(30, 20)])
    assert found["dice", "exact"].value == 0.5
    assert found["dice", "marks, precision"].value == 1.0
    assert found["dice", "marks, recall"].value == 0.875
    assert found["dice, absent", "answered 0"].value == 0.5
    assert found["coins", "within one"].value == 0.5
    assert ("coins", "exact") not in found and ("coins, absent", "answered 0") not in found


def test_scenes_are_measured_by_how_much_there_is_to_count() -> None:
    found = figures(scenes=[judged(5, 5), judged(20, 19), judged(21, 25), judged(90, 80)])
    assert found["scenes", "MAE, 1 to 20 things"].value == 0.5
    assert found["scenes", "MAE, 1 to 20 things"].reached
    assert found["scenes", "MAE, 21 to 60 things"].value == 4.0
    assert not found["scenes", "MAE, 61 and more"].reached


def test_seconds_are_those_of_few_marks() -> None:
    some = [judged(3, 3, seconds=2.0), judged(30, 30, seconds=60.0)]
    seconds = figures(scenes=some)["up to 20 marks, untiled", "seconds"]
    assert (seconds.value, seconds.count) == (2.0, "1")
    row = "| up to 20 marks, untiled | seconds | 1 | ≤ 5 | 2.00 |  | reached |"
    assert row in table([seconds])


def test_folders_are_counted_by_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out, script = tmp_path / "dice", tmp_path / "out", tmp_path / "script.json"
    folder.mkdir()
    lines = []
    for number in range(3):
        Image.new("L", (100, 100), 255).save(folder / f"{number}.png")
        box = [[0.4, 0.4, 0.6, 0.6, "one"]]
        lines.append({"file": f"{number}.png", "split": "dev", "count": 1, "boxes": box})
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    script.write_text(json.dumps(["<loc_500><loc_500>", "", "", "<loc_500><loc_500>", "", ""]))
    monkeypatch.setenv("DOCEXTRACT_SCRIPT", str(script))
    scripted = "docextract.readers.scripted:reader"
    main(["--dice", str(folder), "--out", str(out), "--model", scripted, "--limit", "2"])
    printed = capsys.readouterr().out
    assert "| dice | exact | 2 | 90% | 100.0% |" in printed
    assert "| dice, absent | answered 0 | 4 | 98% | 100.0% |" in printed
    assert "dev: 6 counts" in printed
    kept = [json.loads(line) for line in (out / "dice.jsonl").read_text().splitlines()]
    assert [line["found"] for line in kept if line["object"] == "die"] == [1, 1]
