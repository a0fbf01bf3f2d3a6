import numpy as np
import pytest

from training.scenes.objects import GENERAL, OBJECTS, code_point, look_alikes, names
from training.scenes.stage import Sprite, Stage


def square(side: int, tone: int = 200) -> Sprite:
    return Sprite(np.full((side, side), tone, np.uint8), np.full((side, side), 255, np.uint8))


def stage() -> Stage:
    return Stage(np.zeros((280, 280), np.uint8))


def test_a_thing_is_marked_in_the_middle_of_what_is_seen() -> None:
    made = stage()
    made.put(square(40), 100, 60, "box")
    made.put(square(40), 280, 100, "box")
    scene = made.scene()
    assert np.allclose(scene.marks["box"], [[99.5, 59.5], [269.5, 99.5]])
    assert np.allclose(scene.sizes["box"], [40, 30])


@pytest.mark.parametrize(("shift", "seen"), [(10, 0), (15, 0), (17, 1), (30, 1)])
def test_what_is_hidden_too_far_does_not_count(shift: int, seen: int) -> None:
    made = stage()
    made.put(square(40), 100, 100, "box")
    made.put(square(40), 100 + shift, 100)
    assert len(made.scene().marks.get("box", ())) == seen


def test_the_edge_of_the_picture_hides_too() -> None:
    made = stage()
    made.put(square(40), -6, 100, "box")
    made.put(square(40), 0, 200, "box")
    made.put(square(40), 500, 500, "box")
    assert np.allclose(made.scene().marks["box"], [[9.5, 199.5]])


def test_boards_hide_what_stands_behind_them() -> None:
    made = stage()
    made.put(square(40), 100, 100, "box")
    made.cover(np.zeros((30, 280), np.uint8), 0, 90)
    assert made.scene().marks == {}


def test_marks_and_what_counts_follow_the_view() -> None:
    made = stage()
    for x in (60, 220):
        made.put(square(40), x, 100, "box")
    zoom = np.array([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 1]])
    made.warp(zoom)
    scene = made.scene()
    assert np.allclose(scene.marks["box"], [[119.5, 199.5]], atol=1)
    assert np.allclose(scene.sizes["box"], 80, atol=2)
    assert scene.pixels[200, 120] == 200


def test_ink_counts_by_its_body() -> None:
    made = stage()
    ring = Sprite(np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8))
    ring.alpha[0] = 255
    made.put(ring, 100, 100, "stamp", body=np.full((40, 40), 255, np.uint8))
    assert np.allclose(made.scene().marks["stamp"], [[99.5, 99.5]])


def test_a_turned_thing_keeps_its_middle() -> None:
    for angle in (0, 30, 90, 200):
        made = stage()
        made.put(square(60).turned(angle), 140, 140, "box")
        assert np.allclose(made.scene().marks["box"], 139.5, atol=1.5)


def test_a_fine_name_counts_for_the_general_one() -> None:
    made = stage()
    made.put(square(40), 60, 60, "king")
    made.put(square(40), 160, 60, "playing card")
    marks = made.scene().marks
    assert {name: len(places) for name, places in marks.items()} == {"king": 1, "playing card": 2}


def test_every_object_has_its_own_words_and_code_point() -> None:
    words = [word for name, others in OBJECTS.items() for word in (name, *others)]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)
    assert len({code_point(name) for name in OBJECTS}) == len(OBJECTS)
    assert all(names(name)[-1] in OBJECTS for name in GENERAL)


def test_what_looks_like_another_is_looked_like_by_it() -> None:
    for name in OBJECTS:
        assert look_alikes(name)
        for other in look_alikes(name):
            assert other != name
            assert name in look_alikes(other)
