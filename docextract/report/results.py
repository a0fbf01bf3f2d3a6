"""Lines of results as they stand in files, and what people have corrected in them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from docextract.errors import InputError, MissingFileError

Line: TypeAlias = Mapping[str, Any]
"""What became of a document: `file, status, record, error`, or with details a whole extraction; or
a count."""


def read_results(path: Path) -> Iterator[Line]:
    """The lines of a file of results, one by one.

    Raises:
        MissingFileError: it cannot be read.
        InputError: a line is no result.
    """
    for number, line in _objects(path):
        if line.get("status") not in ("ok", "review", "failed") or not _has_file(line):
            raise InputError(
                f"{path}, line {number}: not a result",
                hint="results are JSON lines, as docextract batch and --format jsonl write them",
            )
        yield line


def read_corrections(path: Path) -> dict[str, Line]:
    """What the review page saved, by the names that `name_of` gives.

    Raises:
        MissingFileError: it cannot be read.
        InputError: a line is no correction.
    """
    corrections = {}
    for number, line in _objects(path):
        known = isinstance(line.get("truth"), dict) or isinstance(line.get("marks"), list)
        if not known or not _has_file(line):
            raise InputError(
                f"{path}, line {number}: not a correction",
                hint="the page that docextract review makes saves such a file",
            )
        corrections[name_of(line)] = line
    return corrections


def corrected(line: Line, corrections: Mapping[str, Line]) -> Line:
    """A line with the record that a person set right, if one did; checked off, it is `ok`."""
    correction = corrections.get(name_of(line))
    if correction is None:
        return line
    if is_count(line):
        return {key: correction.get(key, line[key]) for key in line}
    status = "ok" if correction.get("checked") else line["status"]
    # What was known about the values was known about those before.
    kept = {key: line[key] for key in line if key not in ("fields", "checks", "error")}
    return {**kept, "status": status, "record": correction["truth"], "error": None}


def is_count(line: Line) -> bool:
    """Whether a line tells how many of something there are, and holds no record."""
    return "object" in line


def name_of(line: Line) -> str:
    """The file, and the pages where it holds several documents: `scan.pdf#pages=3-4`.

    Of a count also what was counted, and where.
    """
    if is_count(line):
        parts = (line.get(key) for key in ("page", "object", "sku", "zone"))
        return f"{line['file']}#{','.join(str(part) for part in parts if part is not None)}"
    pages = line.get("pages")  # of a batch, their number
    return (
        f"{line['file']}#pages={pages[0]}-{pages[1]}" if isinstance(pages, list) else line["file"]
    )


def _has_file(line: Line) -> bool:
    return isinstance(line.get("file"), str)


def _objects(path: Path) -> Iterator[tuple[int, Line]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, row in enumerate(file, 1):
                if not row.strip():
                    continue
                try:
                    line = json.loads(row)
                except ValueError:
                    line = None
                yield number, line if isinstance(line, dict) else {}
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFileError(
            f"{path}: cannot be read ({error})", hint="check the path; docextract batch writes one"
        ) from error
