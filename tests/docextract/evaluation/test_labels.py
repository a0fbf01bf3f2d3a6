import json
from pathlib import Path
from typing import Any

import pytest

from docextract.errors import InputError, MissingFileError, NothingToDoError
from docextract.evaluation import Labelled, load_labels


def labels_file(folder: Path, *lines: Any) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_labels_are_read_by_split(tmp_path: Path) -> None:
    path = labels_file(
        tmp_path,
        {"file": "a", "truth": {"total": "1"}, "split": "dev", "pages": 3},
        {"file": "b", "truth": {"total": None}, "split": "train", "group": "g"},
        {"file": "c", "truth": {}},
    )
    assert [one.file for one in load_labels(path)] == ["a", "b", "c"]
    assert load_labels(path, ["train"]) == [Labelled("b", {"total": None}, "train", "g")]
    with pytest.raises(NothingToDoError, match="no file is in the split test"):
        load_labels(path, ["dev", "test"])


@pytest.mark.parametrize("line", ["text", ["a"], {"file": "a"}, {"file": "a", "truth": "9"}])
def test_what_is_no_label_is_named_by_its_line(tmp_path: Path, line: Any) -> None:
    path = labels_file(tmp_path, {"file": "a", "truth": {}}, line)
    with pytest.raises(InputError, match="line 2"):
        load_labels(path)


def test_missing_labels_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        load_labels(tmp_path / "labels.jsonl")
    with pytest.raises(NothingToDoError):
        load_labels(labels_file(tmp_path))


def test_a_label_may_have_a_schema_of_its_own(tmp_path: Path) -> None:
    asked = {"type": "object", "properties": {"a": {"type": "string"}}}
    path = labels_file(
        tmp_path,
        {"file": "a", "truth": {}, "schema": "receipt"},
        {"file": "b", "truth": {}, "schema": asked},
    )
    named, whole = load_labels(path)
    assert named.schema == "receipt"
    assert whole.schema is not None and json.loads(whole.schema) == asked


def test_records_that_were_set_right_are_labels(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.pdf.json").write_text(
        '{"total": "9.00", "items": [{"amount": "9.00"}]}'
    )
    (tmp_path / "b.png.json").write_text('{"total": null}')
    assert load_labels(tmp_path) == [
        Labelled("b.png", {"total": None}, "all", None),
        Labelled("deep/a.pdf", {"total": "9.00", "items": [{"amount": "9.00"}]}, "all", None),
    ]
    (tmp_path / "c.json").write_text("[1]")
    with pytest.raises(InputError, match=r"c\.json: not a record"):
        load_labels(tmp_path)
