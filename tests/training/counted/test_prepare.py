import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training import counted
from training.counted.prepare import CLASSES
from training.counted.store import CUTOUTS
from training.scenes.objects import OBJECTS


def test_photos_are_kept_where_it_is_known_what_is_in_them(
    photographed: Path, tmp_path: Path
) -> None:
    tally = counted.prepare([photographed], tmp_path)
    assert tally == {
        "die, train": 2,
        "die, dev": 1,
        "coin, train": 1,
        "coin, dev": 1,
        "die showing 2, cut out": 14,
        "coin, cut out": 8,
    }
    by_split = [[p.kind for p in counted.load(tmp_path, s)] for s in ("train", "dev")]
    assert by_split == [["die", "die", "coin"], ["die", "coin"]]


def test_boxes_hold_the_things_in_the_picture_as_a_person_sees_it(photos: Path) -> None:
    dice, *_, coins = counted.load(photos, "train")
    assert dice.grey().shape == (300, 400)
    assert dice.things == ["die showing 2"] * 5 and coins.things == ["coin"] * 8
    for photo in (dice, coins):
        grey, found = photo.grey(), np.zeros(0)
        for x0, y0, x1, y1 in photo.boxes.round().astype(int):
            # A fifth of a round thing's box is ground.
            found = np.append(found, (grey[y0:y1, x0:x1] < 170).mean())
        assert (found > 0.7).all()
        dark = cv2.connectedComponents((grey < 170).astype(np.uint8))[0] - 1
        assert dark == len(photo.boxes)


def test_cut_outs_are_tight_and_solid(photos: Path) -> None:
    names = {path.parent.name for path in (photos / CUTOUTS).glob("*/*.webp")}
    assert names == {"coin", "die showing 2"}
    for path in (photos / CUTOUTS).glob("*/*.webp"):
        alpha = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., 3]
        assert 0.7 < (alpha > 127).mean() < 1.0
        assert alpha[len(alpha) // 2, alpha.shape[1] // 2] == 255


def test_all_that_is_labelled_is_taught() -> None:
    assert set(CLASSES.values()) <= OBJECTS.keys()


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    label = {"file": "a.jpg", "count": 1, "by_class": {"1e": 1}, "split": "train"}
    (tmp_path / "labels.jsonl").write_text(json.dumps(label))
    with pytest.raises(ValueError, match="a.jpg is no picture"):
        counted.prepare([tmp_path], tmp_path / "out")
