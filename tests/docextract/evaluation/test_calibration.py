import pytest

from docextract.evaluation import reliability


def test_confidence_is_held_against_the_share_that_is_right() -> None:
    figures = reliability([(0.9, True), (0.9, True), (0.9, False), (0.9, False), (0.1, False)])
    assert figures is not None
    assert (figures["values"], figures["right"]) == (5, 0.4)
    assert figures["ece"] == pytest.approx((4 * 0.4 + 1 * 0.1) / 5)
    assert figures["brier"] == pytest.approx((2 * 0.01 + 2 * 0.81 + 0.01) / 5)
    assert [one["values"] for one in figures["bins"]] == [1, 4]
    assert figures["above"][2:] == [
        {"confidence": 0.9, "share": 0.8, "right": 0.5},
        {"confidence": 0.95, "share": 0.0, "right": None},
    ]


def test_certainty_that_is_right_costs_nothing() -> None:
    figures = reliability([(1.0, True), (0.0, False)])
    assert figures is not None and (figures["ece"], figures["brier"]) == (0, 0)


def test_without_confidences_there_is_no_figure() -> None:
    assert reliability([]) is None
