import math

import pytest
from llguidance import LLTokenizer

from docextract.counting.answers import grammar, marked, parsed
from docextract.errors import AnswerError
from docextract.pointing import location_text
from docextract.readers import Reading
from docextract.readers.zamba2 import GrammarConstraint
from docextract.resources import bundled
from zamba2_vl.tokenizer import Tokenizer

TWO = "<loc_100><loc_250><loc_500><loc_750>"


def test_the_bundled_words_have_nothing_to_write_but_pairs_of_places() -> None:
    folder = bundled("model/weights")
    words = Tokenizer.from_folder(folder)
    end = words.id_of("</s>")
    inner = LLTokenizer((folder / "tokenizer.json").read_text("utf-8"), eos_token=[end])
    constraint = GrammarConstraint(inner, grammar())
    places = {words.id_of(f"<loc_{place}>") for place in range(1000)}
    assert set(constraint.allowed().nonzero()[0]) == places | {end}
    constraint.accept(words.id_of("<loc_7>"))
    assert set(constraint.allowed().nonzero()[0]) == places
    assert not constraint.forced()
    constraint.accept(words.id_of("<loc_999>"))
    constraint.accept(end)
    assert constraint.finished()


def test_marks_have_the_probability_of_both_their_tokens() -> None:
    reading = Reading(TWO, range(5), [-0.1, -0.2, -0.3, -0.4, -0.5])
    found = marked(reading, 560, 280)
    assert found.points == (pytest.approx((140.28, 28.14)), pytest.approx((420.28, 140.14)))
    assert found.logprobs == (pytest.approx(-0.3), pytest.approx(-0.7))
    assert found.stop == -0.5
    assert not found.doubts


def test_no_marks_are_an_answer() -> None:
    found = marked(Reading("", [2], [math.log(0.9)]), 280, 280)
    assert found.points == () and found.stop == math.log(0.9) and not found.doubts


def test_a_reader_that_tells_no_probabilities_has_marks_all_the_same() -> None:
    found = marked(Reading(TWO), 280, 280)
    assert len(found.points) == 2 and found.logprobs == () and found.stop is None


def test_what_is_wrong_with_marks_is_said() -> None:
    cut = marked(Reading(TWO + "<loc_1>", range(5), [-0.1] * 5, finish="length"), 280, 280)
    assert cut.doubts == ("the answer reached its token limit", "a mark was broken off")
    assert cut.stop is None
    twice = marked(Reading(TWO + TWO, range(9), [-0.1] * 9), 280, 280)
    assert (
        twice.doubts == ("marks were repeated",) and len(twice.points) == len(twice.logprobs) == 2
    )
    near = "<loc_500><loc_500><loc_505><loc_510>"
    assert marked(Reading(near), 280, 280).doubts == ("marks were repeated",)
    assert not marked(Reading(near), 1400, 1400).doubts
    row = [(200 * at, 700) for at in range(1, 6)]
    stuttered = location_text([*row, (420, 710)], 1400, 1400)
    assert len(marked(Reading(stuttered), 1400, 1400).points) == 5
    crowd = location_text([(24 * at, 700) for at in range(1, 20)], 1400, 1400)
    assert len(marked(Reading(crowd), 1400, 1400).points) == 19
    assert "something else" in marked(Reading("two bottles"), 280, 280).doubts[0]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('[{"point_2d": [10, 20]}, {"point_2d": [30, 40]}]', "points"),
        ('```json\n[{"point": [10, 20], "label": "a"}, {"point": [30, 40]}]\n```', "points"),
        ('Sure! {"points": [[10, 20], [30, 40]]}', "points"),
        ('[{"x": 10, "y": 20}, {"x": 30, "y": 40}]', "points"),
        ("[[0.05, 0.2], [0.15, 0.4]]", "points"),
        ('<points x1="5.0" y1="20.0" x2="15" y2="40.0" alt="a">a</points>', "points"),
        ('[{"bbox_2d": [0, 10, 20, 30]}, {"bbox_2d": [20, 30, 40, 50]}]', "boxes"),
        ('[{"x1": 0, "y1": 10, "x2": 20, "y2": 30}, {"box": [20, 30, 40, 50]}]', "boxes"),
        ('[{"point_2d": [10, 20]}, {"point_2d": [30, 40]}, {"poi', "points"),
    ],
)
def test_points_and_boxes_come_in_many_dresses(text: str, form: str) -> None:
    found = parsed(Reading(text), 200, 100)
    assert found.form == form
    assert found.points == (pytest.approx((10, 20)), pytest.approx((30, 40)))


@pytest.mark.parametrize(
    "text", ["7", "There are 7 bottles.", "1, 2, 3, 4, 5, 6, 7", '{"count": 7}']
)
def test_a_bare_number_has_no_marks(text: str) -> None:
    found = parsed(Reading(text), 200, 100)
    assert (found.form, found.points, found.stated) == ("number", (), 7)


def test_an_empty_list_is_zero_marks() -> None:
    for text in ("[]", "```json\n[]\n```", '{"points": [], "count": 0}'):
        found = parsed(Reading(text), 200, 100)
        assert (found.form, found.points) == ("points", ())


def test_a_number_beside_marks_is_kept_to_be_compared() -> None:
    assert parsed(Reading('{"count": 3, "points": [[10, 20]]}'), 200, 100).stated == 3


def test_marks_outside_the_picture_are_left_out_and_told() -> None:
    found = parsed(Reading("[[10, 20], [10, 20], [300, 40]]"), 200, 100)
    assert len(found.points) == 1
    assert found.doubts == ("marks lay outside the picture", "marks were repeated")


@pytest.mark.parametrize(
    "text", ["", "I see nothing of the kind.", "{}", '[{"point_2d": ["a", 2]}]']
)
def test_an_answer_without_marks_or_number_is_none(text: str) -> None:
    with pytest.raises(AnswerError, match="neither"):
        parsed(Reading(text), 200, 100)
