"""Labelled files read and judged, one after the other or by several processes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from docextract.errors import DocextractError, ModelError, SchemaError, UsageError, our_fault
from docextract.evaluation.judging import DateOrder, Judge, Judged
from docextract.evaluation.labels import Labelled
from docextract.evaluation.pool import work_through
from docextract.extraction import extract
from docextract.pages import open_document
from docextract.readers import Reader
from docextract.records import Outcome
from docextract.schema import Schema, load_schema
from docextract.settings import Settings


@dataclass(frozen=True)
class _Read:
    outcome: Outcome
    pages: int


def judge_folder(
    folder: Path,
    labels: Sequence[Labelled],
    schema: str | None,
    renamed: Mapping[str, str],
    date_order: DateOrder = "day first",
    *,
    settings: Settings = Settings(),
    model: str = "bundled",
    device: str = "auto",
    jobs: int = 1,
) -> Iterator[Judged]:
    """Read the labelled files of `folder` in their order and hold them against their truths.

    `schema` is for labels without one of their own. More than one of `jobs` are processes of a
    thread each, which together are faster than one process with as many threads. A file that cannot
    be read is judged as such.

    Raises:
        UsageError: labels and schemas do not fit.
        SchemaError, ModelError: a schema or the model is broken.
    """
    judges = _judges(labels, schema, renamed, date_order)
    tasks = [(str(folder / label.file), label.schema or schema or "") for label in labels]
    readings = work_through(tasks, _read, settings, model, device, jobs)
    for label, read in zip(labels, readings, strict=True):
        yield judges[label.schema or schema or ""].judge(label, read.outcome, read.pages)


def not_scored(
    labels: Sequence[Labelled], schema: str | None, renamed: Mapping[str, str]
) -> list[str]:
    """Keys of the truths that no schema has.

    Raises as `judge_folder` does.
    """
    judges = _judges(labels, schema, renamed, "day first")
    return sorted({key for judge in judges.values() for key in judge.not_scored})


def _judges(
    labels: Sequence[Labelled],
    schema: str | None,
    renamed: Mapping[str, str],
    date_order: DateOrder,
) -> dict[str, Judge]:
    """A judge for each schema that is asked."""
    members: dict[str, list[Labelled]] = {}
    for label in labels:
        reference = label.schema or schema
        if reference is None:
            raise UsageError(
                f"{label.file} has no schema of its own", hint="name one for all: --schema receipt"
            )
        members.setdefault(reference, []).append(label)
    return {
        reference: Judge(_schema(reference), some, renamed, date_order)
        for reference, some in members.items()
    }


@cache
def _schema(reference: str) -> Schema[Any]:
    return load_schema(reference)


_Task = tuple[str, str]
"""A file and the schema to read it with."""


def _read(task: _Task, reader: Reader, settings: Settings) -> _Read:
    file, schema = task
    pages = 0
    try:
        path = Path(file)
        with open_document(path, settings.limits, settings.passwords, file) as document:
            pages = len(document.numbers(settings.pages))
            extraction = extract(document, _schema(schema), reader, settings)
    except (SchemaError, ModelError):
        raise
    except DocextractError as error:
        return _Read(Outcome(file, error=error), pages)
    except Exception as error:
        # A fault of ours that one file brings out shall not cost the others.
        return _Read(Outcome(file, error=our_fault(error)), pages)
    # The object of the schema's class cannot travel: the class was made here.
    return _Read(Outcome(file, replace(extraction, record=None)), pages)
