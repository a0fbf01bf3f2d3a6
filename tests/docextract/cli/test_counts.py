import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from docextract.batch.inputs import File
from docextract.batch.job import Outcome
from docextract.cli import main
from docextract.cli.batches import Follower
from docextract.errors import ExitCode
from docextract.readers.scripted import SCRIPT

Run = Callable[..., tuple[int, str, str]]
TWO = "<loc_500><loc_250><loc_500><loc_750>"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Count in this process with a model that marks two places in every picture."""
    script = tmp_path / "script.json"
    script.write_text(json.dumps(TWO))
    monkeypatch.setenv(SCRIPT, str(script))
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["count", *map(str, words), "--model", "docextract.readers.scripted:reader"])
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    folder.mkdir()
    for number, name in enumerate(("b.png", "a.png")):
        Image.new("RGB", (200, 100), (number, 200, 200)).save(folder / name)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_picture_becomes_a_line(run: Run, shelf: Path) -> None:
    code, out, err = run("shelf/a.png", "--object", "can")
    line = json.loads(out)
    assert (code, line["count"], line["status"], line["page"]) == (0, 2, "ok", 1)
    assert len(line["marks"]) == line["count"] and not err


def test_details_say_what_the_answer_was(run: Run, shelf: Path) -> None:
    _, out, _ = run("shelf/a.png", "--object", "can", "--details")
    line = json.loads(out)
    assert (line["form"], line["size"], line["tiles"]) == ("points", [200, 100], [])


def test_each_form_says_the_same(run: Run, shelf: Path) -> None:
    words = ("shelf/a.png", "shelf/b.png", "--object", "can", "--object", "jar")
    _, lines, _ = run(*words)
    _, array, _ = run(*words, "--format", "json")
    _, table, _ = run(*words, "--format", "csv")
    counted = [json.loads(line) for line in lines.splitlines()]
    assert counted == json.loads(array) and len(counted) == 4
    found = [
        (row["file"], row["object"], row["count"]) for row in csv.DictReader(table.splitlines())
    ]
    assert found == [(one["file"], one["object"], str(one["count"])) for one in counted]


def test_what_is_no_picture_has_a_line_and_the_exit_code_tells(run: Run, shelf: Path) -> None:
    (shelf / "notes.txt").write_text("hello")
    code, out, err = run("shelf/notes.txt", "--object", "can")
    assert (code, json.loads(out)["error"]["name"]) == (ExitCode.INPUT, "not_a_document")
    assert "neither a PDF nor a picture" in err
    code, out, _ = run("shelf/notes.txt", "shelf/a.png", "--object", "can")
    assert code == ExitCode.SOME_FAILED and len(out.splitlines()) == 2


def test_a_sheet_a_summary_and_overlays_are_written(run: Run, shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("file,object,sku,expected\na.png,can,007,5\nz.png,can,,1\n")
    words = ("--csv", "report.csv", "--overlay", "seen", "--expected", "list.csv")
    code, _, err = run("shelf/a.png", "--object", "can", *words)
    assert code == 0 and "expected, but in no picture: can in z.png" in err
    [row] = rows(tmp_path / "report.csv")
    assert (row["sku"], row["count"], row["difference"]) == ("007", "2", "-3")
    [total] = rows(tmp_path / "report-summary.csv")
    assert (total["total"], total["difference"]) == ("2", "-3")
    assert (tmp_path / "seen/shelf/a.png.png").is_file()
    code, _, err = run("shelf/a.png", "--object", "can", "--csv", "report.csv")
    assert code == ExitCode.USAGE and "--overwrite" in err


@pytest.mark.slow
def test_a_folder_is_counted_once_and_told_in_order(run: Run, shelf: Path, tmp_path: Path) -> None:
    (shelf / "notes.txt").write_text("hello")
    (tmp_path / "zones.json").write_text('{"left": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}')
    words = ("shelf", "--object", "can", "--csv", "shelf/report.csv", "--overlay", "shelf/seen")
    code, out, err = run(*words)
    assert code == ExitCode.SOME_FAILED and "3 documents read" in err
    files = [json.loads(line)["file"] for line in out.splitlines()]
    assert files == ["shelf/a.png", "shelf/b.png", "shelf/notes.txt"]
    assert [row["file"] for row in rows(shelf / "report.csv")] == files
    assert len(list((shelf / "seen").rglob("*.png"))) == 2
    code, _, err = run(*words, "--zones", "zones.json")
    assert code == ExitCode.SOME_FAILED and "documents read" not in err
    assert [row["zone"] for row in rows(shelf / "report.csv")][:2] == ["left", "outside"]
    lines = (shelf / "report.jsonl").read_text().splitlines()
    assert [json.loads(line)["zone"] for line in lines].count("left") == 2
    (shelf / "report.csv").write_text("prices\n")
    code, _, err = run(*words)
    assert code == ExitCode.USAGE and "there is such a file" in err
    assert (shelf / "report.csv").read_text() == "prices\n"


@pytest.mark.slow
def test_several_files_whose_counts_are_kept_are_remembered(
    run: Run, shelf: Path, tmp_path: Path
) -> None:
    words = ("shelf/a.png", "shelf/b.png", "--object", "can", "--csv", "report.csv")
    assert run(*words)[0] == 0 and (tmp_path / "report.jsonl.ledger").is_file()
    code, out, err = run(*words)
    assert code == 0 and len(out.splitlines()) == 2 and "documents read" not in err


@pytest.mark.slow
def test_a_folder_without_a_place_for_results_leaves_none(
    run: Run, shelf: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = run("shelf", "--object", "can", "--format", "table")
    assert code == 0 and "visible facings" in out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_plan_is_told_and_nothing_is_counted(run: Run, shelf: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for words, pages in (
        (("shelf",), 2),
        (("shelf", "-o", "c.jsonl"), 2),
        (("shelf/a.png",), 1),
        (("shelf", "--ray"), 2),
    ):
        code, out, _ = run(*words, "--object", "can", "--dry-run")
        assert code == 0
        assert out.splitlines()[:2] == [f"files     {pages}", f"pages     {pages} to read"]
    assert sorted(tmp_path.rglob("*")) == before
    assert run("shelf", "--object", "can", "--csv", "c.csv")[0] == 0
    code, out, _ = run("shelf", "--object", "can", "--csv", "c.csv", "--dry-run")
    assert code == 0 and "2 read before" in out and len(rows(tmp_path / "c.csv")) == 2


@pytest.mark.slow
def test_pictures_that_arrive_are_counted(
    run: Run, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Visitor(Follower):
        """Brings another picture when one was counted, and leaves when that one is counted too."""

        def read(self, file: File, outcome: Outcome) -> None:
            super().read(file, outcome)
            if file.name.endswith("late.png"):
                self._interrupted = True
            elif not (shelf / "late.png").exists():
                Image.new("RGB", (200, 100), (9, 9, 9)).save(shelf / "late.png")

    monkeypatch.setattr("docextract.cli.counts.Follower", Visitor)
    code, out, _ = run("shelf", "--object", "can", "--csv", "report.csv", "--watch", "--jobs", 1)
    names = ["shelf/a.png", "shelf/b.png", "shelf/late.png"]
    assert code == 0 and [json.loads(line)["file"] for line in out.splitlines()] == names
    assert [row["file"] for row in rows(tmp_path / "report.csv")] == names


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing is to be counted"),
        (("--object", "can", "-o", "x.csv"), "JSON lines"),
        (("--object", "can", "--zones", "none.json"), "zones cannot be read"),
        (("--object", "can", "--expected", "none.csv"), "list cannot be read"),
        (("--object", "can", "--watch"), "add -o counts.jsonl"),
        (("--object", "can", "--gpu-share", "0.5"), "add --ray"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, shelf: Path, words: tuple[str, ...], said: str
) -> None:
    code, out, err = run("shelf/a.png", *words)
    assert (code, out) == (ExitCode.USAGE, "") and said in err
