import numpy as np

from docextract.pointing import points_of
from training.counting import UNSURE, ask_count, count_exercise, object_glyphs
from training.scenes.objects import OBJECTS, code_point
from training.scenes.stage import Scene

KINGS = np.array([(10, 10), (30, 200), (20, 100)], np.float32)
CARDS = np.vstack([KINGS, [(300, 280)]]).astype(np.float32)
TABLE = Scene(
    np.zeros((280, 308), np.uint8),
    {"king": KINGS, "playing card": CARDS},
    {"king": np.full(3, 9, np.float32), "playing card": np.full(4, 9, np.float32)},
)
EMPTY = Scene(np.zeros((28, 28), np.uint8), {}, {})


def test_the_answer_is_the_marks() -> None:
    task = count_exercise("king", TABLE)
    assert task.counts and task.question == "<|count|>king"
    text = "".join(piece.text for piece in task.answer)
    read = points_of(text, 308, 280)
    assert text.endswith("</s>") and not read.faults
    np.testing.assert_allclose(read.points, [(10, 10), (20, 100), (30, 200)], atol=0.3)
    assert all(piece.chosen for piece in task.answer)


def test_what_is_not_there_is_answered_by_the_end() -> None:
    assert [piece.text for piece in count_exercise("bottle", TABLE).answer] == ["</s>"]


def test_a_third_of_the_questions_ask_for_what_is_not_there() -> None:
    rng = np.random.default_rng(0)
    asked = [ask_count(TABLE, rng) for _ in range(600)]
    names = [task.question.removeprefix("<|count|>") for task in asked if task]
    absent = [name for name in names if name not in TABLE.marks]
    assert 0.27 < len(absent) / len(names) < 0.4
    alike = sum(name in {"ace", "queen", "jack", "ten", "nine", "stamp", "book"} for name in absent)
    assert alike > 0.5 * len(absent)
    assert 0 < names.count("king") < names.count("playing card")


def test_what_may_be_there_without_a_mark_is_not_asked_for() -> None:
    rng, unsure = np.random.default_rng(0), set(OBJECTS) - {"coin"}
    asked = {task.question for _ in range(30) if (task := ask_count(EMPTY, rng, unsure))}
    assert asked == {"<|count|>coin"}
    assert ask_count(EMPTY, rng, OBJECTS) is None


def test_things_are_glyphs_of_their_names() -> None:
    glyphs = object_glyphs(TABLE)
    assert glyphs[:, 2].tolist() == [code_point("king")] * 3 + [code_point("playing card")] * 4
    assert glyphs[0].tolist() == [10, 10, code_point("king")]
    assert object_glyphs(EMPTY).shape == (0, 3)


def test_large_things_are_glyphs_of_several_patches() -> None:
    for size, patches in ((40, 1), (100, 4), (180, 16), (900, 25)):
        marks = {"box": np.array([(147, 147)], np.float32)}
        sizes = {"box": np.array([size], np.float32)}
        glyphs = object_glyphs(Scene(np.zeros((280, 308), np.uint8), marks, sizes))
        assert len({(x // 14, y // 14) for x, y, _ in glyphs.tolist()}) == patches


def test_things_of_a_row_are_answered_from_left_to_right() -> None:
    marks = {"box": np.array([(250, 60), (150, 100), (50, 90), (20, 140)], np.float32)}
    for size, order in ((100, [50, 150, 250, 20]), (30, [250, 50, 150, 20])):
        scene = Scene(np.zeros((280, 308), np.uint8), marks, {"box": np.full(4, size, np.float32)})
        text = "".join(piece.text for piece in count_exercise("box", scene).answer)
        read = points_of(text, 308, 280).points
        np.testing.assert_allclose([x for x, _ in read], order, atol=0.3)


def test_all_names_are_taught() -> None:
    assert set().union(*UNSURE.values(), UNSURE) <= OBJECTS.keys()
