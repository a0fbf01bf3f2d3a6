import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.pointing import RULER, Point, location_text, points_of, ruled

SIDES = st.integers(1, 80).map(lambda units: 28 * units)


def test_marks_are_written_y_first_row_by_row() -> None:
    points = [(1000.0, 10.0), (100.0, 20.0), (5.0, 40.0)]
    assert location_text(points, 1400, 700) == ("<loc_28><loc_71><loc_14><loc_714><loc_57><loc_3>")


def test_what_is_level_but_for_a_little_is_one_row() -> None:
    points = [(300.0, 100.0), (100.0, 130.0), (200.0, 160.0), (50.0, 161.0)]
    assert location_text(points, 1000, 1000, row=61.0).count("<loc_") == 8
    read = points_of(location_text(points, 1000, 1000, row=61.0), 1000, 1000).points
    assert [int(x) for x, _ in read] == [100, 200, 300, 50]
    read = points_of(location_text(points, 1000, 1000, row=30.0), 1000, 1000).points
    assert [int(x) for x, _ in read] == [300, 100, 50, 200]


def test_two_channels_of_a_ruled_picture_tell_the_place() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (280, 560), dtype=np.uint8)
    picture = ruled(grey)
    assert picture.dtype == np.uint8 and (picture[..., 0] == grey).all()
    assert (ruled(grey) == picture).all()
    for patch in [(0, 0), (5, 20), (19, 39)]:
        y, x = (slice(14 * side, 14 * side + 14) for side in patch)
        told = (picture[y, x, 1:] - (1 - RULER) * grey[y, x, None]).mean((0, 1)) / RULER / 255
        place = (patch[1] + 0.5) / 40, (patch[0] + 0.5) / 20
        np.testing.assert_allclose(told, place, atol=0.002)


def test_nothing_to_point_at_is_no_text() -> None:
    assert location_text([], 280, 280) == ""
    assert points_of("", 280, 280) == ([], frozenset())
    assert points_of("</s>", 280, 280) == ([], frozenset())


def test_the_far_edges_are_within_the_picture() -> None:
    text = location_text([(280, 560)], 280, 560)
    assert text == "<loc_999><loc_999>"
    assert points_of(text, 280, 560).points == [(pytest.approx(279.86), pytest.approx(559.72))]


@pytest.mark.parametrize("point", [(-1.0, 5.0), (5.0, 281.0), (float("nan"), 5.0)])
def test_a_point_outside_the_picture_is_refused(point: Point) -> None:
    with pytest.raises(ValueError, match="is not within"):
        location_text([point], 280, 280)


@given(
    SIDES,
    SIDES,
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), unique=True, max_size=30),
)
def test_what_was_written_is_read_back(
    width: int, height: int, shares: list[tuple[float, float]]
) -> None:
    points = [(x * width, y * height) for x, y in shares]
    read = points_of(location_text(points, width, height), width, height)
    assert read.faults <= {"repeated"}  # two points may share one place
    for x, y in points:
        near = min(max(abs(x - p) / width, abs(y - q) / height) for p, q in read.points)
        assert near <= 0.00051


@pytest.mark.parametrize(
    ("text", "places", "fault"),
    [
        ("<loc_100><loc_200><loc_300>", [(200.5, 100.5)], "torn"),
        ("<loc_300><loc_7> <loc_400>", [(7.5, 300.5)], "torn"),
        ("<loc_500><loc_9><loc_500><loc_9>", [(9.5, 500.5), (9.5, 500.5)], "repeated"),
        ("two <loc_100><loc_200>", [(200.5, 100.5)], "foreign"),
        ("<loc_1000><loc_2>", [], "foreign"),
    ],
)
def test_faults_are_reported(text: str, places: list[Point], fault: str) -> None:
    read = points_of(text, 1000, 1000)
    assert read.points == places
    assert fault in read.faults
