"""Documents read one after the other in this process, and the exit code that tells of them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docextract.cli.options import Device
from docextract.console import Progress
from docextract.errors import DocextractError, ExitCode, ModelError, SchemaError, our_fault
from docextract.settings import Limits, Settings

if TYPE_CHECKING:
    from docextract.records import Outcome
    from docextract.schema import Schema


def read_each(
    files: Sequence[str],
    schema: "Schema[Any] | str",
    settings: Settings,
    model: str,
    device: Device,
    split: bool = False,
) -> "Iterator[Outcome]":
    """What becomes of each file in turn, with `split` of each document in it.

    Each document is opened before the model is, since most that cannot be read shows at once.
    Errors of the schema or the model are no file's own and are raised.
    """
    from docextract.asking import Progress as Step
    from docextract.extraction import extract, extract_each
    from docextract.pages import open_document, parse_selection
    from docextract.readers import Reader, open_reader
    from docextract.records import Outcome

    if settings.pages is not None:
        parse_selection(settings.pages)

    @cache
    def reader() -> Reader:
        return stack.enter_context(closing(open_reader(model, device)))

    def read_one(file: str, show: Callable[[str], None]) -> list[Outcome]:
        def tell(step: Step) -> None:
            show(step.words)

        try:
            source = _source(file, settings.limits)
            with open_document(source, settings.limits, settings.passwords, file) as document:
                document.numbers(settings.pages)
                show("loading the model")
                if split:
                    found = extract_each(document, schema, reader(), settings, progress=tell)
                else:
                    found = [extract(document, schema, reader(), settings, progress=tell)]
        except (SchemaError, ModelError):
            raise
        except DocextractError as error:
            return [Outcome(file, error=error)]
        except Exception as error:
            # A fault of ours that one file brings out shall not cost the others.
            return [Outcome(file, error=our_fault(error))]
        return [Outcome(file, extraction) for extraction in found]

    with ExitStack() as stack:
        for number, file in enumerate(files, 1):
            place = f"{file} ({number} of {len(files)})" if len(files) > 1 else file
            with Progress(place) as progress:
                outcomes = read_one(file, progress.show)
            yield from outcomes  # the line of progress is gone: data may go to the same terminal


def _source(file: str, limits: Limits) -> Path | bytes:
    """A path, or what comes from stdin for `-`, one byte more than allowed at most."""
    return sys.stdin.buffer.read(limits.max_bytes + 1) if file == "-" else Path(file)


def exit_code(outcomes: "Sequence[Outcome]", strict: bool) -> ExitCode:
    """What the process says about these at its end; `strict`: that some want a person, too."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if not failed:
        doubtful = any(outcome.status == "review" for outcome in outcomes)
        return ExitCode.REVIEW if strict and doubtful else ExitCode.OK
    if len(outcomes) == 1:
        return failed[0].error.exit_code if failed[0].error else ExitCode.ANSWER
    return ExitCode.ALL_FAILED if len(failed) == len(outcomes) else ExitCode.SOME_FAILED
