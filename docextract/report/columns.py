"""Records laid out in columns: which there are, of what kind, and a record's values in them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from docextract.printed import CONVERTERS, NO_HINTS, AmbiguousError, Kind, NotReadableError
from docextract.schema import Field, Group, Leaf, Listing

Columns: TypeAlias = Mapping[str, Kind]
"""Kinds of values by their paths: `{"seller.name": "text", "total": "amount"}`."""

Layout: TypeAlias = Mapping[str, Kind | Columns]
"""Values, and lists with the columns of their rows; a list of plain values has one, called ""."""

Value: TypeAlias = str | Decimal | date | datetime | time | bool | int | float | None

_PLAIN_DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def layout_of(group: Group) -> Layout:
    """The columns of a schema's records."""
    return dict(_parts(group, ""))


def layout_of_records(records: Iterable[Mapping[str, Any]]) -> Layout:
    """The columns of records whose schema is not known: all of them text."""
    return joined(dict(_guessed(record, "")) for record in records)


def joined(layouts: Iterable[Layout]) -> Layout:
    """One layout for records of several schemas; what has two kinds in them is text."""
    whole: dict[str, Kind | Columns] = {}
    for layout in layouts:
        for path, part in layout.items():
            there = whole.get(path, part)
            if isinstance(there, Mapping) and isinstance(part, Mapping):
                columns = joined((there, part))
                whole[path] = {key: kind for key, kind in columns.items() if isinstance(kind, str)}
            else:
                whole[path] = there if there == part else "text"
    return whole


def lists_of(layout: Layout) -> dict[str, Columns]:
    """The lists alone."""
    return {path: part for path, part in layout.items() if isinstance(part, Mapping)}


def value_at(record: Any, path: str, kind: Kind) -> Value:
    """The value at a path of a record, as `typed` has it; what is not a single value, as JSON."""
    value = _at(record, path) if path else record
    if isinstance(value, list | Mapping):
        return json.dumps(value, ensure_ascii=False) if value else None
    return typed(value, kind)


def rows_at(record: Any, path: str) -> list[Any]:
    """The rows of a list."""
    rows = _at(record, path)
    return rows if isinstance(rows, list) else []


def _at(node: Any, path: str) -> Any:
    """What is at a path of nested objects, whose keys may hold dots themselves."""
    if not isinstance(node, Mapping):
        return None
    if path in node:
        return node[path]
    steps = path.split(".")
    for length in range(1, len(steps)):
        found = _at(node.get(".".join(steps[:length])), ".".join(steps[length:]))
        if found is not None:
            return found
    return None


def typed(value: Any, kind: Kind) -> Value:
    """A JSON value as what it means: amounts as Decimal, days as date; what means nothing of its
    kind stays text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value)) if kind in ("amount", "number") else value
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]
    try:
        return _EXACT[kind](value) if kind in _EXACT else value
    except ValueError:
        pass
    try:
        # A person who corrects a value may write it as it is printed.
        return CONVERTERS[kind](value, NO_HINTS)  # type: ignore[return-value]
    except (NotReadableError, AmbiguousError):
        return value


def _decimal(text: str) -> Decimal:
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


_EXACT: Mapping[Kind, Callable[[str], Value]] = {
    "amount": _decimal,
    "number": _decimal,
    "float": float,
    "integer": int,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
}


def _parts(field: Field, path: str) -> Iterator[tuple[str, Kind | Columns]]:
    if isinstance(field, Group):
        for key, inner in field.fields.items():
            yield from _parts(inner, f"{path}.{key}" if path else key)
    elif isinstance(field, Listing):
        inside = _parts(field.element, "")
        yield path, {key: kind if isinstance(kind, str) else "text" for key, kind in inside}
    else:
        yield path, _kind(field)


def _kind(leaf: Leaf) -> Kind:
    whole = all(isinstance(choice, str) for choice in leaf.choices)
    return leaf.kind if whole else "text"


def _guessed(value: Any, path: str) -> Iterator[tuple[str, Kind | Columns]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _guessed(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        keys = {key: "text" for row in value for key, _ in _guessed(row, "")}
        yield path, {key: "text" for key in keys}
    else:
        yield path, "text"
