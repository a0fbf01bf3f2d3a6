import json
from pathlib import Path
from typing import Any

import pytest

from docextract.errors import InputError, MissingFileError
from docextract.report.results import corrected, read_corrections, read_results

OK = {"file": "ok.png", "status": "ok", "record": {"total": "1.00"}, "error": None}
PART = {**OK, "file": "pile.pdf", "pages": [3, 4], "status": "review"}


def lines(folder: Path, *rows: dict[str, Any] | str) -> Path:
    texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "r.jsonl").write_text("\n".join(texts))
    return folder / "r.jsonl"


def test_results_are_read(tmp_path: Path) -> None:
    assert list(read_results(lines(tmp_path, OK, "", PART))) == [OK, PART]
    with pytest.raises(MissingFileError):
        list(read_results(tmp_path / "none.jsonl"))


@pytest.mark.parametrize("line", ["no", "{", "[]", '{"file": 1, "status": "ok"}', '{"file": "a"}'])
def test_other_files_are_refused_by_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        list(read_results(lines(tmp_path, OK, line)))


def test_corrections_take_the_place_of_records(tmp_path: Path) -> None:
    truth = {"file": "pile.pdf", "pages": [3, 4], "truth": {"total": "2.00"}, "checked": True}
    corrections = read_corrections(lines(tmp_path, truth))
    assert corrected(OK, corrections) is OK
    assert corrected({**PART, "pages": [1, 2]}, corrections)["record"] == PART["record"]
    known = {**PART, "fields": {"total": {}}, "checks": []}
    assert corrected(known, corrections) == {**PART, "status": "ok", "record": {"total": "2.00"}}


def test_what_is_not_checked_off_stays_for_review(tmp_path: Path) -> None:
    truth = {"file": "pile.pdf", "pages": [3, 4], "truth": {"total": "2.00"}, "checked": False}
    assert corrected(PART, read_corrections(lines(tmp_path, truth)))["status"] == "review"


def test_results_are_no_corrections(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: not a correction"):
        read_corrections(lines(tmp_path, OK))
