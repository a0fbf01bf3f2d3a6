import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    page = Image.new("L", (200, 120), 255)
    ImageDraw.Draw(page).text((20, 40), "Total 9.00", fill=0)
    page.save(tmp_path / "in" / "a.png")
    line = {"status": "ok", "record": {"total": "9.00"}, "error": None}
    files = [{**line, "file": "in/a.png"}, {**line, "file": "in/b.png"}]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, files)))
    return tmp_path / "r.jsonl"


def test_a_page_is_made_and_missing_documents_are_told(run: Run, results: Path) -> None:
    code, out, err = run("review", "r.jsonl", "-o", "review.html")
    assert (code, out) == (0, "")
    assert "without a picture: 1" in err
    page = (results.parent / "review.html").read_text("utf-8")
    assert page.count('"picture":') == 1
    assert "in/b.png: no such file" in page
    assert run("review", "r.jsonl", "-o", "review.html")[0] == 2


def test_a_file_that_became_another_is_not_shown(run: Run, results: Path) -> None:
    line = {"file": "in/a.png", "status": "ok", "record": {}, "sha256": "0" * 64}
    results.write_text(json.dumps(line))
    assert run("review", "r.jsonl", "-o", "review.html")[0] == 0
    assert "the file has changed" in (results.parent / "review.html").read_text("utf-8")


def test_documents_may_lie_elsewhere(
    run: Run, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "picture: 1" in run("review", results, "-o", "beside.html")[2]  # beside the results
    (tmp_path / "in").rename(elsewhere / "in")
    assert "picture: 1" in run("review", results, "-o", "named.html", "--folder", elsewhere)[2]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["r.jsonl"], 2, "add -o review.html"),
        (["none.jsonl", "-o", "x.html"], 3, "none.jsonl: cannot be read"),
        (["empty.jsonl", "-o", "x.html"], 9, "no results"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, results: Path, words: list[str], code: int, said: str
) -> None:
    (results.parent / "empty.jsonl").touch()
    ended, _, err = run("review", *words)
    assert ended == code
    assert said in err
    assert not (results.parent / "x.html").exists()


def test_help_shows_how_it_is_used(run: Run) -> None:
    assert "docextract review results.jsonl -o review.html" in run("review", "--help")[1]
