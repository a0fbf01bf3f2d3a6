"""The command line: parse, call, exit.

The first word decides: the name of a command, or else files to read. Everything heavy is imported
inside the commands, so that --help is quick.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docextract import __version__
from docextract.console import Progress, complain, data_stream, our_fault, run, say
from docextract.errors import DocextractError, ExitCode, ModelError, SchemaError, UsageError
from docextract.settings import BUDGETS, Limits, Settings, parse_budget

if TYPE_CHECKING:
    from docextract.records import Outcome
    from docextract.schema import Schema


class Format(StrEnum):
    """How results are written."""

    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    table = "table"


class ScoreFormat(StrEnum):
    """How scores are written."""

    table = "table"
    json = "json"


class Device(StrEnum):
    """Where the model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


_LIMITS = Limits()

SchemaOption = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="SPEC",
        help="What to read: a bundled name, file.py:Model, schema.json, a JSON Schema in quotes, "
        "or 'name, age int, paid bool'.",
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        metavar=f"N|{'|'.join(BUDGETS)}",
        help="Visual tokens per page: more show finer print and take longer.",
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(metavar="M", help="bundled, a folder, a hub id, or package.module:factory."),
]
DeviceOption = Annotated[Device, typer.Option(help="Where the model runs.")]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="OUT", help="Write to this file, not to stdout."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"docextract {__version__}")
        raise typer.Exit


def read(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="PDFs and pictures; - is stdin.")
    ],
    schema: SchemaOption = None,
    budget: BudgetOption = None,
    pages: Annotated[str | None, typer.Option(metavar="1-3,7", help="Only these pages.")] = None,
    password: Annotated[str | None, typer.Option(metavar="WORD", help="Of encrypted PDFs.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="F", help="Its first line is the password.")
    ] = None,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Without it: as OUT is named, else json for one file, jsonl for several.",
            show_default=False,
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="With evidence, checks and timings.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 12 where a person should look.")
    ] = False,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    max_pages: Annotated[
        int, typer.Option(metavar="N", min=1, help="Most pages of a document.")
    ] = _LIMITS.max_pages,
    max_pixels: Annotated[
        int, typer.Option(metavar="N", min=1, help="Most pixels of a picture.")
    ] = _LIMITS.max_pixels,
    max_bytes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Most bytes of a file.")
    ] = _LIMITS.max_bytes,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", min=0, help="Most seconds that reading a document may take."),
    ] = None,
    debug: DebugOption = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show it and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Read documents into records of a schema.

    The record of one file, as JSON, or a line for each of several files goes to stdout.
    """

    def work() -> ExitCode:
        settings = Settings(
            budget=parse_budget(budget) if budget else None,
            pages=pages,
            password=_password(password, password_file),
            limits=Limits(max_pages, max_pixels, max_bytes),
            timeout=timeout,
        )
        chosen = form or _format_of(out, several=len(files) > 1)
        if details and chosen in (Format.csv, Format.table):
            raise UsageError(f"--details does not fit into {chosen}", hint="use --format jsonl")
        with data_stream(out, overwrite) as stream:
            from docextract.report.tables import open_writer, write_json
            from docextract.schema import load_schema

            loaded = load_schema(_given(schema))
            outcomes = _read_each(files, loaded, settings, model, device)
            if chosen is Format.json and len(files) == 1:
                [outcome] = outcomes
                if outcome.error:
                    raise outcome.error
                line = outcome.to_dict(details)
                write_json(stream, line if details else line["record"])
                return _exit_code([outcome], strict)
            writer = open_writer(chosen, stream, loaded.tree)
            done = []
            for outcome in outcomes:
                writer.write(outcome.to_dict(details))
                if outcome.error:
                    complain(outcome.error)
                done.append(outcome)
            writer.finish()
            return _exit_code(done, strict)

    raise typer.Exit(run(work, debug))


def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="Where the files are.", exists=True, file_okay=False)
    ],
    schema: SchemaOption,
    truth: Annotated[
        Path,
        typer.Option(
            help='Lines of {"file", "truth": {key: text}, "split"}; also looked for in FOLDER.'
        ),
    ],
    renamed: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="THEIRS=OURS,...", help="Keys of truth and schema that pair."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only the files of these splits.")
    ] = None,
    month_first: Annotated[
        bool, typer.Option("--month-first", help="The truth's 03/04/2018 is a day of March.")
    ] = False,
    budget: BudgetOption = None,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    form: Annotated[ScoreFormat, typer.Option("--format")] = (ScoreFormat.table),
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="OUT", help="Each file's record and verdicts, as JSON lines."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    debug: DebugOption = False,
) -> None:
    """Read a labelled folder and say how much of it was right."""

    def work() -> ExitCode:
        settings = Settings(budget=parse_budget(budget) if budget else None)
        with ExitStack() as stack:
            stream = stack.enter_context(data_stream())
            lines = stack.enter_context(data_stream(out, overwrite)) if out else None
            from docextract.evaluation import Judge, load_labels, score_table, scores
            from docextract.report.tables import JsonLines, write_json
            from docextract.schema import load_schema

            beside = folder / truth
            labels = load_labels(beside if beside.exists() else truth, _words(split))
            loaded = load_schema(_given(schema))
            judge = Judge(
                loaded, labels, _pairs(renamed), "month first" if month_first else "day first"
            )
            if judge.not_scored:
                say(f"not scored: {', '.join(judge.not_scored)}")
            files = [str(folder / label.file) for label in labels]
            outcomes = _read_each(files, loaded, settings, model, device)
            judged, done = [], []
            for label, outcome in zip(labels, outcomes, strict=True):
                if outcome.error:
                    complain(outcome.error)
                one = judge.judge(label, outcome)
                judged.append(one)
                done.append(outcome)
                if lines:
                    JsonLines(lines).write(
                        {**outcome.to_dict(), "split": label.split}
                        | {"truth": label.truth, "verdicts": one.verdicts}
                    )
            figures = scores(judged)
            if form is ScoreFormat.json:
                write_json(stream, {"schema": loaded.name, "model": model, "splits": figures})
            else:
                stream.write(score_table(figures) + "\n")
            return _exit_code(done, strict=False)

    raise typer.Exit(run(work, debug))


def schemas(
    name: Annotated[
        str | None, typer.Argument(help="Show this one, as JSON Schema.", show_default=False)
    ] = None,
    debug: DebugOption = False,
) -> None:
    """List the bundled schemas, or show one."""

    def work() -> ExitCode:
        with data_stream() as stream:
            from docextract.report.tables import write_json
            from docextract.schema import bundled_schemas, load_schema

            summaries = bundled_schemas()
            if name is None:
                width = max(map(len, summaries))
                for schema, summary in summaries.items():
                    stream.write(f"{schema:<{width}}  {summary}\n")
            else:
                write_json(stream, load_schema(name).model.model_json_schema())
            return ExitCode.OK

    raise typer.Exit(run(work, debug))


def _read_each(
    files: Sequence[str], schema: "Schema[Any]", settings: Settings, model: str, device: Device
) -> "Iterator[Outcome]":
    """What becomes of each file in turn.

    Each document is opened before the model is, since most that cannot be read shows at once.
    Errors of the schema or the model are no file's own and are raised.
    """
    from docextract.extraction import extract
    from docextract.pages import open_document, parse_selection
    from docextract.readers import Reader, open_reader
    from docextract.records import Outcome

    if settings.pages is not None:
        parse_selection(settings.pages)

    @cache
    def reader() -> Reader:
        return stack.enter_context(closing(open_reader(model, device)))

    def read_one(file: str, show: Callable[[str], None]) -> Outcome:
        try:
            source = _source(file, settings.limits)
            with open_document(source, settings.limits, settings.password, file) as document:
                document.numbers(settings.pages)
            show("loading the model")
            extraction = extract(
                source,
                schema,
                reader=reader(),
                settings=settings,
                name=file,
                progress=lambda step: show(step.words),
            )
        except (SchemaError, ModelError):
            raise
        except DocextractError as error:
            return Outcome(file, error=error)
        except Exception as error:
            # A fault of ours that one file brings out shall not cost the others.
            return Outcome(file, error=our_fault(error))
        return Outcome(file, extraction)

    with ExitStack() as stack:
        for number, file in enumerate(files, 1):
            place = f"{file} ({number} of {len(files)})" if len(files) > 1 else file
            with Progress(place) as progress:
                outcome = read_one(file, progress.show)
            yield outcome  # the line of progress is gone: data may go to the same terminal


def _source(file: str, limits: Limits) -> Path | bytes:
    """A path, or what comes from stdin for `-`, one byte more than allowed at most."""
    return sys.stdin.buffer.read(limits.max_bytes + 1) if file == "-" else Path(file)


def _exit_code(outcomes: "Sequence[Outcome]", strict: bool) -> ExitCode:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if not failed:
        doubtful = any(outcome.status == "review" for outcome in outcomes)
        return ExitCode.REVIEW if strict and doubtful else ExitCode.OK
    if len(outcomes) == 1:
        return failed[0].error.exit_code if failed[0].error else ExitCode.ANSWER
    return ExitCode.ALL_FAILED if len(failed) == len(outcomes) else ExitCode.SOME_FAILED


def _format_of(out: Path | None, several: bool) -> Format:
    suffix = out.suffix.lstrip(".").lower() if out else ""
    if suffix in (Format.json, Format.jsonl, Format.csv):
        return Format(suffix)
    return Format.jsonl if several else Format.json


def _password(password: str | None, file: Path | None) -> str | None:
    if file is None:
        return password
    if password is not None:
        raise UsageError("--password and --password-file exclude each other")
    try:
        return (file.read_text("utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: the password cannot be read ({error})") from error


def _given(schema: str | None) -> str:
    if schema is None:
        raise UsageError("no schema is given", hint="try --schema receipt; see docextract schemas")
    return schema


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _pairs(text: str | None) -> dict[str, str]:
    pairs = [word.partition("=") for word in _words(text)]
    if not all(theirs and ours for theirs, _, ours in pairs):
        raise UsageError(f"not a map: {text}", hint="write it like company=merchant_name,sum=total")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}


_COMMANDS: Mapping[str, Callable[..., None]] = {"evaluate": evaluate, "schemas": schemas}
_EXAMPLES = """\b
Examples:
  docextract receipt.jpg --schema receipt
  docextract *.pdf --schema invoice -o invoices.csv
  docextract letter.pdf --schema 'sender, date date, amount money' --pages 1

\b
Other commands:
  docextract evaluate --help   how right the records of a labelled folder are
  docextract schemas           the bundled schemas
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    name = "docextract"
    if words and words[0] in _COMMANDS:
        command = words.pop(0)
        app.command()(_COMMANDS[command])
        name = f"{name} {command}"
    else:
        app.command(epilog=_EXAMPLES, no_args_is_help=True)(read)
    app(words, prog_name=name)
