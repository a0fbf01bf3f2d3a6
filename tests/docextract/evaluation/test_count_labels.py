import json
from pathlib import Path
from typing import Any

import pytest

from docextract.errors import InputError, MissingFileError, NothingToDoError
from docextract.evaluation import holds_counts, load_count_labels

LINES = [
    {
        "file": "a.jpg",
        "count": 3,
        "by_class": {"king": 2, "ace": 1},
        "boxes": [[0, 0, 0.1, 0.1, "king"], [0.2, 0, 0.3, 0.1, "king"], [0.5, 0, 0.6, 0.1, "ace"]],
        "split": "dev",
    },
    {"file": "b.jpg", "count": 1, "by_class": {"ten": 1}, "split": "train"},
]


def labels(tmp_path: Path, lines: Any, *rest: Any, **options: Any) -> list[tuple[Any, ...]]:
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    found = load_count_labels(path, *rest, **options)
    return [(one.file, one.object, one.count, one.boxes and len(one.boxes)) for one in found]


def test_an_object_is_everything_unless_a_class_is_called_so(tmp_path: Path) -> None:
    assert labels(tmp_path, LINES, ["playing card"]) == [
        ("a.jpg", "playing card", 3, 3),
        ("b.jpg", "playing card", 1, None),
    ]
    assert labels(tmp_path, LINES, ["king"]) == [
        ("a.jpg", "king", 2, 2),
        ("b.jpg", "king", 0, None),
    ]


def test_classes_may_have_other_names_here(tmp_path: Path) -> None:
    found = labels(tmp_path, LINES, ["10"], renamed={"ten": "10"}, splits=["train"])
    assert found == [("b.jpg", "10", 1, None)]


def test_what_no_picture_shows_is_asked_for_too(tmp_path: Path) -> None:
    found = labels(tmp_path, LINES, ["ace"], ["coin"], splits=["dev"])
    assert found == [("a.jpg", "ace", 1, 1), ("a.jpg", "coin", 0, ())]


def test_lines_may_name_their_own_objects(tmp_path: Path) -> None:
    own = [
        {"file": "a.png", "object": "can", "count": 4},
        {"file": "a.png", "object": "jar", "count": 0},
    ]
    assert labels(tmp_path, own) == [("a.png", "can", 4, None), ("a.png", "jar", 0, None)]
    assert labels(tmp_path, own, ["jar"]) == [("a.png", "jar", 0, None)]


def test_results_that_were_set_right_are_labels(tmp_path: Path) -> None:
    line = {"file": "a.pdf", "page": 2, "object": "can", "count": 4, "zone": None, "marks": []}
    zones = [
        {**line, "page": 1, "zone": name, "count": count} for name, count in (("x", 2), ("y", 1))
    ]
    unread = {**line, "file": "b.pdf", "page": None, "count": None}
    path = tmp_path / "corrections.jsonl"
    path.write_text("\n".join(map(json.dumps, [*zones, line, unread])))
    found = [(one.page, one.count) for one in load_count_labels(path)]
    assert found == [(1, 3), (2, 4)]


def test_what_is_no_label_is_refused(tmp_path: Path) -> None:
    for lines in ([3], [{"file": "a"}], [{"file": "a", "count": "3"}]):
        with pytest.raises(InputError, match="line 1: not a label"):
            labels(tmp_path, lines, ["can"])
    with pytest.raises(InputError, match="not a label"):
        labels(tmp_path, [{"file": "a", "count": 3, "boxes": [[1]]}], ["can"])
    with pytest.raises(NothingToDoError, match="no labels"):
        labels(tmp_path, LINES)
    with pytest.raises(NothingToDoError, match="split seen"):
        labels(tmp_path, LINES, ["ace"], splits=["seen"])
    with pytest.raises(MissingFileError):
        load_count_labels(tmp_path / "none.jsonl")


def test_labels_of_counts_are_known(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    for text, counts in (
        ('{"count": 3}', True),
        ('{"truth": {}}', False),
        ("x", False),
        ("", False),
    ):
        path.write_text(text)
        assert holds_counts(path) is counts
    assert not holds_counts(tmp_path / "none")
