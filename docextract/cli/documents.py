"""Documents read one after the other in this process, and the exit code that tells of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from docextract.cli.options import Device
from docextract.console import Progress
from docextract.errors import DocextractError, ExitCode, ModelError, SchemaError, our_fault
from docextract.settings import Limits, Settings

if TYPE_CHECKING:
    from docextract.cli.streaming import FieldStream
    from docextract.pages import Document
    from docextract.readers import Reader
    from docextract.records import Extraction, Outcome, Status
    from docextract.schema import Schema

T = TypeVar("T")
Show = Callable[[str], None]


def read_each(
    files: Sequence[str],
    schema: "Schema[Any] | str",
    settings: Settings,
    model: str,
    device: Device,
    split: bool = False,
    live: "FieldStream | None" = None,
) -> "Iterator[Outcome]":
    """What becomes of each file in turn, with `split` of each document in it.

    `live` hears of every step.

    Each document is opened before the model is, since most that cannot be read shows at once.
    Errors of the schema or the model are no file's own and are raised.
    """
    from docextract.asking import Progress as Step
    from docextract.extraction import extract, extract_each
    from docextract.records import Outcome

    def read(document: "Document", reader: "Reader", show: Show) -> "list[Extraction[Any]]":
        def tell(step: Step) -> None:
            # In a terminal, values take the place of the line of progress.
            show("" if live and live.watched and step.text else step.words)
            if live:
                live.hear(document.name, step)

        if split:
            return extract_each(document, schema, reader, settings, progress=tell)
        return [extract(document, schema, reader, settings, progress=tell)]

    for file, found in visit_each(files, settings, model, device, read):
        if isinstance(found, DocextractError):
            yield Outcome(file, error=found)
        else:
            yield from (Outcome(file, extraction) for extraction in found)


def visit_each(
    files: Sequence[str],
    settings: Settings,
    model: str,
    device: Device,
    visit: "Callable[[Document, Reader, Show], T]",
) -> "Iterator[tuple[str, T | DocextractError]]":
    """What a visit makes of each file in turn, or why there is none.

    Each document is opened before the model is, since most that cannot be read shows at once.
    Errors of the schema or the model are no file's own and are raised.
    """
    from docextract.pages import open_document, parse_selection
    from docextract.readers import Reader, open_reader

    if settings.pages is not None:
        parse_selection(settings.pages)

    @cache
    def reader() -> Reader:
        return stack.enter_context(closing(open_reader(model, device)))

    def visit_one(file: str, show: Show) -> "T | DocextractError":
        try:
            source = _source(file, settings.limits)
            with open_document(source, settings.limits, settings.passwords, file) as document:
                document.numbers(settings.pages)
                show("loading the model")
                return visit(document, reader(), show)
        except (SchemaError, ModelError):
            raise
        except DocextractError as error:
            return error
        except Exception as error:
            # A fault of ours that one file brings out shall not cost the others.
            return our_fault(error)

    with ExitStack() as stack:
        for number, file in enumerate(files, 1):
            place = f"{file} ({number} of {len(files)})" if len(files) > 1 else file
            with Progress(place) as progress:
                found = visit_one(file, progress.show)
            yield file, found  # the line of progress is gone: data may go to the same terminal


def _source(file: str, limits: Limits) -> Path | bytes:
    """A path, or what comes from stdin for `-`, one byte more than allowed at most."""
    return sys.stdin.buffer.read(limits.max_bytes + 1) if file == "-" else Path(file)


def exit_code(outcomes: "Sequence[Outcome]", strict: bool) -> ExitCode:
    """What the process says about these at its end; `strict`: that some want a person, too."""
    error = outcomes[0].error if len(outcomes) == 1 else None
    alone = error.exit_code if error else ExitCode.ANSWER
    return code_of([outcome.status for outcome in outcomes], alone, strict)


def code_of(statuses: "Sequence[Status]", alone: ExitCode, strict: bool) -> ExitCode:
    """As `exit_code`, of statuses; `alone`: why the only file failed, if it did."""
    failed = statuses.count("failed")
    if not failed:
        return ExitCode.REVIEW if strict and "review" in statuses else ExitCode.OK
    if len(statuses) == 1:
        return alone
    return ExitCode.ALL_FAILED if failed == len(statuses) else ExitCode.SOME_FAILED
