import json
from pathlib import Path

import pytest

from docextract.counting.zones import OUTSIDE, Zones, fits, load_zones
from docextract.errors import UsageError
from docextract.records import Count, Mark

SHELF = Count(
    file="shop/shelf.jpg",
    object="bottle",
    page=1,
    count=4,
    status="ok",
    marks=tuple(Mark(x, 50.0) for x in (10.0, 30.0, 60.0, 90.0)),
    size=(100.0, 100.0),
)


def zones(tmp_path: Path, content: object) -> Zones:
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(content))
    return load_zones(path)


def halves(*names: str) -> dict[str, object]:
    left = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
    right = [[50, 0], [80, 0], [80, 100], [50, 100]]
    return dict(zip(names, (left, right), strict=True))


def test_marks_are_counted_by_zone_in_fractions_and_in_pixels(tmp_path: Path) -> None:
    found = zones(tmp_path, halves("left", "right")).divide(SHELF)
    assert [(one.zone, one.count, len(one.marks)) for one in found] == [
        ("left", 2, 2),
        ("right", 1, 1),
        (OUTSIDE, 1, 1),
    ]


def test_a_mark_in_two_zones_counts_in_the_first(tmp_path: Path) -> None:
    everything = [[0, 0], [1, 0], [1, 1], [0, 1]]
    found = zones(tmp_path, {"all": everything, **halves("left", "right")}).divide(SHELF)
    assert [(one.zone, one.count) for one in found] == [("all", 4), ("left", 0), ("right", 0)]


def test_a_hollow_zone_does_not_hold_what_is_in_its_hollow(tmp_path: Path) -> None:
    around = [[0, 0], [100, 0], [100, 100], [70, 100], [70, 20], [20, 20], [20, 100], [0, 100]]
    [inside, outside] = zones(tmp_path, {"u": around}).divide(SHELF)
    assert [mark.x for mark in inside.marks] == [10, 90]
    assert [mark.x for mark in outside.marks] == [30, 60]


def test_zones_of_some_pictures_are_not_those_of_others(tmp_path: Path) -> None:
    some = zones(tmp_path, {"shelf.jpg": halves("left", "right"), "b.jpg": halves("x", "y")})
    assert [one.zone for one in some.divide(SHELF)] == ["left", "right", OUTSIDE]
    assert zones(tmp_path, {"b.jpg": halves("x", "y")}).divide(SHELF) == [SHELF]


def test_what_was_not_counted_has_no_zones(tmp_path: Path) -> None:
    failed = Count("a.txt", "bottle", error={"name": "input"})
    assert zones(tmp_path, halves("left", "right")).divide(failed) == [failed]


def test_a_path_fits_whatever_ends_with_it() -> None:
    assert fits("", "a/b.jpg") and fits("b.jpg", "a/b.jpg") and fits("a/b.jpg", "/x/a/b.jpg")
    assert not fits("b.jpg", "a/ab.jpg") and not fits("c/b.jpg", "a/b.jpg")


@pytest.mark.parametrize("content", [3, {}, {"a": 3}, {"a": [[0, 0], [1, 1]]}, {"a": ["xy"]}])
def test_what_is_no_file_of_zones_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="zones"):
        zones(tmp_path, content)
