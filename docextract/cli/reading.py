"""docextract FILE...: documents into records."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docextract import __version__
from docextract.cli import completion
from docextract.cli.configuration import ShowConfigOption
from docextract.cli.documents import exit_code, read_each
from docextract.cli.options import (
    LIMITS,
    SETTINGS,
    BudgetOption,
    DebugOption,
    DetailsOption,
    Device,
    DeviceOption,
    Evidence,
    EvidenceOption,
    ExplodeOption,
    MaxAsksOption,
    MaxBytesOption,
    MaxPagesOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    OutOption,
    OverwriteOption,
    PagesOption,
    PasswordFileOption,
    PasswordOption,
    SchemaOption,
    SplitOption,
    StrictOption,
    given,
    passwords_of,
)
from docextract.console import complain, data_stream, run, say
from docextract.errors import ExitCode, UsageError
from docextract.settings import Limits, Settings, parse_budget

if TYPE_CHECKING:
    from docextract.records import Outcome


EXAMPLES = """\b
Examples:
  docextract receipt.jpg --schema receipt
  docextract *.pdf --schema invoice -o invoices.csv
  docextract letter.pdf --schema 'sender, date date, amount money' --pages 1
  docextract receipt.jpg --schema receipt --stream

\b
Other commands:
  docextract batch --help      folders of documents: resumed, isolated, counted
  docextract count --help      how many of a thing, and where, in pictures
  docextract evaluate --help   how right the records of a labelled folder are
  docextract review --help     results as a page on which they are corrected
  docextract schemas           the bundled schemas
  docextract doctor            whether this installation works
  docextract model --help      models: shown, fetched, verified, removed
  docextract table --help      results as csv, xlsx or parquet

\b
What is not said here may stand in DOCEXTRACT_MODEL and its like, in docextract.toml or
[tool.docextract] of pyproject.toml, or in your own config.toml; --show-config tells.
"""


class Format(StrEnum):
    """How results are written."""

    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    table = "table"
    xlsx = "xlsx"
    parquet = "parquet"


_TABLES = (Format.csv, Format.table, Format.xlsx, Format.parquet)
"""They have the columns of one schema."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"docextract {__version__}")
        raise typer.Exit


def read(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="PDFs and pictures; - is stdin.",
            autocompletion=completion.commands,
        ),
    ],
    schema: SchemaOption = None,
    budget: BudgetOption = None,
    pages: PagesOption = None,
    split: SplitOption = False,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    evidence: EvidenceOption = Evidence.words,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Without it: as OUT is named, else json for one file, jsonl for several.",
            show_default=False,
        ),
    ] = None,
    explode: ExplodeOption = None,
    details: DetailsOption = False,
    live: Annotated[
        bool,
        typer.Option(
            "--stream", help="A JSON line for each value as it is decoded, then the rest."
        ),
    ] = False,
    strict: StrictOption = False,
    min_confidence: MinConfidenceOption = None,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    max_pages: MaxPagesOption = LIMITS.max_pages,
    max_pixels: MaxPixelsOption = LIMITS.max_pixels,
    max_bytes: MaxBytesOption = LIMITS.max_bytes,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", min=0, help="Most seconds that reading a document may take."),
    ] = SETTINGS.timeout,
    max_asks: MaxAsksOption = SETTINGS.max_asks,
    debug: DebugOption = False,
    show_config: ShowConfigOption = False,
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
            passwords=passwords_of(password, password_file),
            limits=Limits(max_pages, max_pixels, max_bytes),
            min_confidence=min_confidence,
            timeout=timeout,
            evidence=evidence.value,
            max_asks=max_asks,
        )
        chosen = form or _format_of(out, several=len(files) > 1 or split)
        if details and chosen in _TABLES:
            raise UsageError(f"--details does not fit into {chosen}", hint="use --format jsonl")
        if live and chosen in _TABLES:
            raise UsageError(f"--stream writes JSON lines, not {chosen}", hint="use --format jsonl")
        if out is None and chosen in (Format.xlsx, Format.parquet):
            raise UsageError(f"{chosen} goes to a file", hint=f"add -o out.{chosen}")
        with data_stream(out, overwrite, files) as stream:
            from docextract.choosing import AUTO
            from docextract.cli.streaming import FieldStream
            from docextract.report.columns import layout_of
            from docextract.report.tables import JsonLines, open_writer, write_json
            from docextract.schema import load_schema

            auto = given(schema) == AUTO
            if auto and chosen in _TABLES:
                raise UsageError(
                    f"a {chosen} has the columns of one schema, which {AUTO} does not name",
                    hint="use --format jsonl, or name the schema",
                )
            loaded = None if auto else load_schema(given(schema))
            fields = FieldStream(stream) if live else None
            outcomes = read_each(files, loaded or AUTO, settings, model, device, split, fields)
            if chosen is Format.json and len(files) == 1 and not split:
                [outcome] = outcomes
                if outcome.error:
                    raise outcome.error
                line = outcome.to_dict(details)
                if auto:
                    _tell_choice(outcome)
                if not details:
                    _tell_doubts(outcome)
                said = line if details else line["record"]
                if fields and not fields.watched:
                    JsonLines(stream).write(said)
                else:
                    write_json(stream, said)
                return exit_code([outcome], strict)
            layout = layout_of(loaded.fields) if loaded else {}
            writer = open_writer(Format.jsonl if live else chosen, stream, layout, explode)
            # What is known about values shows in the colours of these.
            known = details or chosen in (Format.table, Format.xlsx)
            done = []
            for outcome in outcomes:
                writer.write(outcome.to_dict(known))
                if outcome.error:
                    complain(outcome.error)
                if auto:
                    _tell_choice(outcome)
                done.append(outcome)
            writer.finish()
            return exit_code(done, strict)

    raise typer.Exit(run(work, debug))


def _tell_choice(outcome: "Outcome") -> None:
    """Say on stderr which schema a document was read with, and why."""
    for check in outcome.extraction.checks if outcome.extraction else ():
        if check.name == "schema_chosen":
            say(f"{outcome.file}: {check.message}")


def _tell_doubts(outcome: "Outcome") -> None:
    """Say on stderr what a bare record cannot: that a person should look, and why."""
    checks = outcome.extraction.checks if outcome.extraction else ()
    for check in checks:
        if not check.passed:
            say(f"review: {check.message}")


def _format_of(out: Path | None, several: bool) -> Format:
    suffix = out.suffix.lstrip(".").lower() if out else ""
    if suffix in (Format.json, Format.jsonl, Format.csv, Format.xlsx, Format.parquet):
        return Format(suffix)
    return Format.jsonl if several else Format.json
