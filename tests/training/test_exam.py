import json
from pathlib import Path
from typing import Any

import cv2
import pymupdf
import pytest

from docextract.evaluation import load_labels
from docextract.schema import load_schema
from training import exam
from training.synthetic.fonts import KEPT_OUT
from training.synthetic.words import is_kept_out

LETTERS = "bdfgklmnprst"
FACES = {"NotoMono-Regular.ttf": "cour", "Go-Regular.ttf": "helv", "P052-Roman.otf": "tiro"}


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MuPDF's faces under the names of faces that are kept out of the training."""
    folder = tmp_path_factory.mktemp("assets")
    (folder / "fonts").mkdir()
    assert set(FACES) <= KEPT_OUT
    for name, code in FACES.items():
        (folder / "fonts" / name).write_bytes(pymupdf.Font(code).buffer)
    listed = [f"{a}a{b}o{c}" for a in LETTERS for b in LETTERS for c in LETTERS]
    (folder / "words").write_text("\n".join(listed))
    return folder


@pytest.fixture(scope="session")
def drawn(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exam")
    exam.draw(folder, assets / "fonts", assets / "words", pages=4)
    return folder


@pytest.fixture(scope="session")
def lines(drawn: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (drawn / "labels.jsonl").read_text("utf-8").splitlines()]


def test_every_page_can_be_read_with_the_schema_it_brings(
    drawn: Path, lines: list[dict[str, Any]]
) -> None:
    labels = load_labels(drawn / "labels.jsonl")
    assert len(labels) == 5 * 4
    for label, line in zip(labels, lines, strict=True):
        picture = cv2.imread(str(drawn / label.file), cv2.IMREAD_GRAYSCALE)
        assert picture is not None and picture.shape[0] * picture.shape[1] <= 3136 * 784
        assert label.schema is not None
        assert list(load_schema(label.schema).tree) == list(line["schema"]["properties"])
        assert set(label.truth) <= set(line["schema"]["properties"])


def test_each_split_examines_what_it_says(lines: list[dict[str, Any]]) -> None:
    truths: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        truths.setdefault(line["split"], []).append(line["truth"])
    assert {tuple(truth) for truth in truths["currency"]} == {("currency",)}
    assert all(value is None for truth in truths["absent"] for value in truth.values())
    assert all(value for truth in truths["labels"] for value in truth.values())
    labels = [key for truth in truths["labels"] for key in truth]
    assert all(is_kept_out(word) for key in labels for word in exam.words_of(key))
    counts = sorted(len(truth["line_items"]) for truth in truths["rows"])
    assert counts[0] <= 3 < counts[1] <= 8 < counts[2] <= 15 < counts[3] <= 30
    assert not any(
        isinstance(value, list) for truth in truths["unseen"] for value in truth.values()
    )


def test_the_exam_is_the_same_every_time(assets: Path, drawn: Path, tmp_path: Path) -> None:
    marks = [
        exam.draw(tmp_path / name, assets / "fonts", assets / "words", pages=1) for name in "ab"
    ]
    assert marks[0] == marks[1]
    assert (tmp_path / "a/labels.jsonl").read_bytes() == (tmp_path / "b/labels.jsonl").read_bytes()


@pytest.mark.parametrize("key", ["meterReading", "meter_reading", "meter reading", "Meter Reading"])
def test_words_of_a_key_in_any_style(key: str) -> None:
    assert exam.words_of(key) == ["meter", "reading"]
