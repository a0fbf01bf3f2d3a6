from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from training import counted
from training.counted.album import _look, pieces
from training.counted.edit import edited
from training.counted.store import CUTOUTS
from training.scenes.stage import Scene, Sprite


def dark_at_marks(scene: Scene) -> np.ndarray:
    """For every mark, whether the picture is darker there than it is in general."""
    usual = float(np.median(scene.pixels))
    soft = cv2.blur(scene.pixels, (9, 9))
    places = scene.marks["die"].astype(int)
    return soft[places[:, 1], places[:, 0]] < usual - 8


def test_a_photo_shown_plainly_is_only_resized(photos: Path) -> None:
    photo = counted.load(photos, "dev")[0]
    scene = photo.plain(500)
    height, width = scene.pixels.shape
    assert (height % 28, width % 28) == (0, 0) and height * width <= 500 * 784
    assert scene.marks.keys() == {"die", "die showing 2"}
    assert len(scene.marks["die"]) == 3 and dark_at_marks(scene).all()
    np.testing.assert_allclose(scene.sizes["die"], 42 * width / 400, rtol=0.1)


def test_a_photo_is_shown_otherwise_each_time_and_its_marks_follow(photos: Path) -> None:
    album, rng = counted.Album(photos), np.random.default_rng(0)
    counts, right = set(), []
    for _ in range(60):
        scene, kind = album.scene(rng, 400)
        assert scene.pixels.size <= 400 * 784
        if kind == "die" and "die" in scene.marks:
            counts.add(len(scene.marks["die"]))
            right += dark_at_marks(scene).tolist()
    assert len(counts) > 8
    assert len(right) > 150 and np.mean(right) > 0.97


def test_things_come_and_go_and_are_known(photos: Path) -> None:
    photo = counted.load(photos, "train")[0]
    own = pieces(photos / CUTOUTS)
    rng, counts = np.random.default_rng(1), []
    for _ in range(40):
        pixels, things, boxes = edited(rng, photo, {"die showing 2": own["die showing 2"]})
        assert len(things) == len(boxes)
        far = boxes + (-10, -10, 10, 10)
        meet = (far[:, None, 2:] > boxes[:, :2]) & (far[:, None, :2] < boxes[:, 2:])
        alone = int((meet.all(2).sum(1) == 1).sum())
        dark = (cv2.blur(pixels, (15, 15)) < 130).astype(np.uint8)  # pips do not part a die
        assert alone <= cv2.connectedComponents(dark)[0] - 1 <= len(boxes)
        counts.append(len(boxes))
    assert min(counts) < 5 < max(counts)


def test_strange_things_hide_a_side_of_a_card_at_most_and_nothing_else(photos: Path) -> None:
    def grey_board(rng: np.random.Generator, side: int) -> Sprite:
        return Sprite(np.full((side, side), 128, np.uint8), np.full((side, side), 255, np.uint8))

    photo = replace(counted.load(photos, "train")[0], kind="playing card")
    usual, shrunk, laid = np.ptp(photo.boxes.reshape(-1, 2, 2), axis=1), 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pixels, _, boxes = edited(rng, photo, {}, grey_board)
        sides = np.ptp(boxes.reshape(-1, 2, 2), axis=1)
        shrunk += int((sides.min(1) < 0.85 * usual.min()).sum())
        assert (sides > 0.35 * usual.min()).all()
        laid += bool((np.abs(pixels.astype(int) - photo.grey()) > 9).any())
        for x0, y0, x1, y1 in boxes.round().astype(int):
            assert pixels[y0:y1, x0:x1].std() > 3  # not under a board
    assert shrunk > 5 and laid > 20


def test_the_stored_photo_stays_as_it_was(photos: Path) -> None:
    photo = counted.load(photos, "train")[0]
    before = photo.boxes.copy()
    for seed in range(5):
        edited(np.random.default_rng(seed), photo, pieces(photos / CUTOUTS))
    assert (photo.boxes == before).all()


def test_cards_are_not_mirrored() -> None:
    rng, middle, part = np.random.default_rng(0), np.array([50.0, 80.0]), np.array([90.0, 150.0])
    for quarter in range(4):
        for mirrored in (False, True):
            matrix = _look(rng, middle, part, quarter, (280, 420), mirrored)
            assert (np.linalg.det(matrix[:2, :2]) < 0) == mirrored


def test_without_photos_there_is_nothing_to_draw_from(tmp_path: Path, photos: Path) -> None:
    assert not counted.Album(tmp_path)
    assert counted.Album(photos)
    assert counted.load(tmp_path, "train") == []


def test_a_stored_photo_is_what_was_saved(photos: Path) -> None:
    [first, *_] = counted.load(photos, "train")
    again = counted.CountedPhoto.of(first.row(), first.path.parent)
    assert replace(again, boxes=first.boxes) == first
    assert (again.boxes == first.boxes).all()
