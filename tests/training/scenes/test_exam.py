import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.feed import Sources
from training.scenes.art import Art
from training.scenes.exam import BANDS, draw
from training.scenes.factory import SceneFactory
from training.synthetic.fonts import KEPT_OUT
from training.synthetic.words import is_kept_out

AMOUNT = 10


@pytest.fixture(scope="module")
def kept_out(drawn: Sources, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Typefaces and words as the exam wants them."""
    folder = tmp_path_factory.mktemp("kept_out")
    (folder / "fonts").mkdir()
    faces = sorted(drawn.fonts.iterdir())
    for name, face in zip(sorted(KEPT_OUT), faces, strict=False):
        (folder / "fonts" / name).write_bytes(face.read_bytes())
    syllables = ("ba", "co", "di", "fu", "ga", "le")
    made = [
        a + b + c
        for a in syllables
        for b in syllables
        for c in ("no", "mi", "ra", "st", *syllables)
    ]
    made += [word + "ent" for word in made] + [word + "ion" for word in made]
    (folder / "words").write_text("\n".join(made))
    return folder / "fonts", folder / "words"


@pytest.fixture(scope="module")
def exam(kept_out: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exam")
    draw(folder, *kept_out, AMOUNT)
    return folder


def test_marks_are_of_the_stored_pictures(exam: Path) -> None:
    labels = [json.loads(line) for line in (exam / "labels.jsonl").read_text().splitlines()]
    assert len({row["file"] for row in labels}) == AMOUNT
    for row in labels:
        high, wide = cv2.imread(str(exam / row["file"]), cv2.IMREAD_GRAYSCALE).shape
        assert row["count"] == len(row["marks"]) == len(row["boxes"])
        for (x, y), (left, top, right, bottom, name) in zip(
            row["marks"], row["boxes"], strict=True
        ):
            assert name == row["object"]
            assert left * wide < x < right * wide and top * high < y < bottom * high
        assert all(0 <= x < wide and 0 <= y < high for x, y in row["marks"])


def test_there_are_as_many_scenes_of_each_band(exam: Path) -> None:
    labels = [json.loads(line) for line in (exam / "labels.jsonl").read_text().splitlines()]
    most: dict[str, int] = {}
    for row in labels:
        most[row["file"]] = max(row["count"], most.get(row["file"], 0))
    for low, high in BANDS:
        assert sum(low <= count <= high for count in most.values()) == AMOUNT // len(BANDS)
    assert sum(not row["count"] for row in labels) == AMOUNT


def test_the_same_exam_comes_again(kept_out: tuple[Path, Path], tmp_path: Path) -> None:
    marks = [draw(tmp_path / name, *kept_out, 2) for name in ("one", "two")]
    assert marks[0] == marks[1]


def test_the_exam_prints_what_training_never_does(kept_out: tuple[Path, Path]) -> None:
    art = Art(*kept_out, kept_out=True)
    assert all(map(is_kept_out, art.words.words))
    rng = np.random.default_rng(0)
    assert {art.face(rng, 20)._path.name for _ in range(40)} <= KEPT_OUT
    with pytest.raises(FileNotFoundError):
        SceneFactory(*kept_out)
