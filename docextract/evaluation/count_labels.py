"""The labels of counted pictures: how many there are of what, and where."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docextract.errors import InputError, MissingFileError, NothingToDoError

_HINT = (
    'a line is {"file": "a.jpg", "count": 3}, with "split", "object", "by_class": {name: count} '
    'and "boxes": [[left, top, right, bottom, class], ...] in fractions of the sides'
)

Fractions = tuple[float, float, float, float]


@dataclass(frozen=True)
class CountLabel:
    """One question and its answer: the `count` of an `object` on a page, and the things' boxes.

    Boxes are left, top, right and bottom in fractions of the picture as a person sees it; None
    where nobody drew any. Files of a `group` show the same things.
    """

    file: str
    object: str
    count: int
    split: str
    group: str | None
    boxes: tuple[Fractions, ...] | None
    page: int = 1


def load_count_labels(
    path: Path,
    objects: Sequence[str] = (),
    absent: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
    splits: Collection[str] = (),
) -> list[CountLabel]:
    """What the lines of labels.jsonl say about some objects, all or those of some splits.

    Lines of results that a person has set right are labels, too: zones of a page are put together
    again, and what nobody could count is left out.

    `objects`: of each the label's count, or, where a class of the labels is called so, that of the
    class. Where a line names its own `object` it speaks of that alone, and counts if it is one of
    them or there are none. `absent`: what no picture shows.
    `renamed`: names of classes here, by those of the labels.

    Raises:
        MissingFileError, InputError: there are no labels, or one is none.
        NothingToDoError: none is in one of the splits.
    """
    try:
        rows = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFileError(
            f"{path}: cannot be read ({error})", hint="check the path given with --truth"
        ) from error
    every = (_line(path, number, row) for number, row in enumerate(rows, 1) if row.strip())
    lines = _whole(line for line in every if line["count"] is not None)
    if missing := set(splits) - {_split(line) for line in lines}:
        raise NothingToDoError(f"{path}: no file is in the split {', '.join(sorted(missing))}")
    chosen = [line for line in lines if not splits or _split(line) in splits]
    classes = {name: (renamed or {}).get(name, name) for line in lines for name in _classes(line)}
    try:
        labels = [
            label for line in chosen for label in _labels(line, objects, set(absent), classes)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a label of a count ({error})", hint=_HINT) from error
    if not labels:
        raise NothingToDoError(f"{path}: no labels", hint="name what was counted: --object die")
    return labels


def holds_counts(path: Path) -> bool:
    """Whether the first label is one of a count."""
    try:
        with path.open(encoding="utf-8") as file:
            return "count" in json.loads(file.readline())
    except (OSError, ValueError, TypeError):
        return False


def _line(path: Path, number: int, row: str) -> Mapping[str, Any]:
    try:
        line = json.loads(row)
        if isinstance(line["file"], str) and isinstance(line["count"], int | None):
            return dict(line)
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(f"{path}, line {number}: not a label of a count", hint=_HINT)


def _whole(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The lines, those of zones as one of their page."""
    whole: list[Mapping[str, Any]] = []
    pages: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in lines:
        place = line["file"], line.get("page"), line.get("object")
        if line.get("zone") is None:
            whole.append(line)
        elif place in pages:
            pages[place]["count"] += line["count"]
        else:
            pages[place] = dict(line)
            whole.append(pages[place])
    return whole


def _split(line: Mapping[str, Any]) -> str:
    return str(line.get("split") or "all")


def _classes(line: Mapping[str, Any]) -> Mapping[str, int]:
    return line.get("by_class") or {}


def _labels(
    line: Mapping[str, Any],
    objects: Sequence[str],
    absent: Collection[str],
    classes: Mapping[str, str],
) -> Iterator[CountLabel]:
    own = line.get("object")
    asked = objects if own is None else [own] if own in (objects or (own,)) else ()
    boxes = line.get("boxes")
    for name in dict.fromkeys([*asked, *absent]):
        mine = {theirs for theirs, ours in classes.items() if ours == name}
        kept: Sequence[Any] | None
        if name in absent:
            count, kept = 0, []
        elif mine:
            count = sum(int(number) for theirs, number in _classes(line).items() if theirs in mine)
            kept = None if boxes is None else [box for box in boxes if box[4] in mine]
        else:
            count, kept = line["count"], boxes
        yield CountLabel(
            line["file"],
            name,
            count,
            _split(line),
            line.get("group"),
            None if kept is None else tuple(_fractions(box) for box in kept),
            line.get("page") or 1,
        )


def _fractions(box: Sequence[Any]) -> Fractions:
    left, top, right, bottom = map(float, box[:4])
    return left, top, right, bottom
