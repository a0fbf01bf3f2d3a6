"""The labels of a folder: what stands in its files, as people wrote it down."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docextract.errors import InputError, MissingFileError, NothingToDoError


@dataclass(frozen=True)
class Labelled:
    """One labelled file: the truth as printed, the split it is in, and its group, if any.

    Files of a group are copies or releases of one document. `schema` is what to ask of this file
    where it has a schema of its own.
    """

    file: str
    truth: Mapping[str, Any]
    split: str
    group: str | None
    schema: str | None = None


def load_labels(path: Path, splits: Collection[str] = ()) -> list[Labelled]:
    """The lines of labels.jsonl, or the records in a folder, all or those of some splits.

    A line is `{"file": ..., "truth": {key: text or null}, "split": ..., "group": ..., "schema":
    ...}`; the last three may be left out. A truth may hold objects and lists of objects; a schema
    is a name, a file or a whole JSON Schema.

    In a folder, `a.pdf.json` holds the record of `a.pdf` as a person has set it right, in the form
    in which records are written.

    Raises:
        MissingFileError, InputError: there are no labels, or one is none.
        NothingToDoError: none is in one of the splits.
    """
    labels = list(_corrected(path) if path.is_dir() else _lines(path))
    if missing := set(splits) - {label.split for label in labels}:
        raise NothingToDoError(f"{path}: no file is in the split {', '.join(sorted(missing))}")
    chosen = [label for label in labels if not splits or label.split in splits]
    if not chosen:
        raise NothingToDoError(f"{path}: no labels")
    return chosen


def _lines(path: Path) -> Iterator[Labelled]:
    for number, line in enumerate(_read(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _label(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number}: not a label",
                hint='a line is {"file": "a.png", "truth": {"total": "9.00"}, "split": "dev"}',
            ) from error


def _corrected(folder: Path) -> Iterator[Labelled]:
    for path in sorted(folder.rglob("*.json")):
        try:
            record = dict(json.loads(_read(path)))
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{path}: not a record", hint='a record is an object, as in {"total": "9.00"}'
            ) from error
        yield Labelled(path.relative_to(folder).with_suffix("").as_posix(), record, "all", None)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFileError(
            f"{path}: cannot be read ({error})", hint="check the path given with --truth"
        ) from error


def _label(entry: Mapping[str, Any]) -> Labelled:
    file, truth, schema = str(entry["file"]), dict(entry["truth"]), entry.get("schema")
    return Labelled(
        file,
        truth,
        str(entry.get("split") or "all"),
        entry.get("group"),
        schema if schema is None or isinstance(schema, str) else json.dumps(schema),
    )
