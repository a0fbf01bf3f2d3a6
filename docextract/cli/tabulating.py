"""docextract table: results as a table for other programs, or for the eye."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docextract.cli.options import (
    DebugOption,
    ExplodeOption,
    OutOption,
    OverwriteOption,
    SchemaOption,
)
from docextract.console import data_stream, run, say
from docextract.errors import ExitCode, NothingToDoError, UsageError

if TYPE_CHECKING:
    from docextract.report.columns import Layout
    from docextract.report.results import Line

EXAMPLES = """\b
Examples:
  docextract table results.jsonl --schema invoice -o invoices.xlsx
  docextract table results.jsonl -o items.csv --explode line_items
  docextract table results.jsonl --corrections results.corrections.jsonl -o books.parquet
  docextract table results.jsonl

\b
An xlsx has a sheet of records and one for each list, with amounts as numbers and days as dates;
a parquet has lists of structs. Both want a package more, as in pip install 'docextract[xlsx]',
and to know the schema: results with --details name it.
"""


class TableFormat(StrEnum):
    """How a table is written."""

    table = "table"
    csv = "csv"
    xlsx = "xlsx"
    parquet = "parquet"


def table(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="JSON lines, as of docextract batch.")
    ],
    schema: SchemaOption = None,
    corrections: Annotated[
        Path | None,
        typer.Option(metavar="F", help="What a person corrected on the page of docextract review."),
    ] = None,
    form: Annotated[
        TableFormat | None,
        typer.Option("--format", help="Without it: as OUT is named, else table."),
    ] = None,
    explode: ExplodeOption = None,
    out: OutOption = None,
    overwrite: OverwriteOption = False,
    debug: DebugOption = False,
) -> None:
    """Write results as csv, xlsx or parquet, or show them."""

    def work() -> ExitCode:
        chosen = str(form or _format_of(out))
        if chosen in ("xlsx", "parquet") and out is None:
            raise UsageError(f"{chosen} goes to a file", hint=f"add -o out.{chosen}")
        with data_stream(out, overwrite, [results]) as stream:
            from docextract.report.counts import write_counts
            from docextract.report.results import (
                corrected,
                is_count,
                name_of,
                read_corrections,
                read_results,
            )
            from docextract.report.tables import open_writer

            right = read_corrections(corrections) if corrections else {}
            names = set()

            def lines() -> "Iterator[Line]":
                for line in read_results(results):
                    names.add(name_of(line))
                    yield corrected(line, right)

            if any(map(is_count, islice(read_results(results), 1))):
                if chosen in ("xlsx", "parquet"):
                    raise UsageError(f"counts are not written as {chosen}", hint="use --format csv")
                write_counts(stream, list(lines()), chosen)
            else:
                layout = _layout(results, schema, needed=chosen in ("xlsx", "parquet"))
                writer = open_writer(chosen, stream, layout, explode)
                for line in lines():
                    writer.write(line)
                writer.finish()
        if strangers := right.keys() - names:
            say(f"{len(strangers)} corrections are of no result, as of {min(strangers)}")
        return ExitCode.OK

    raise typer.Exit(run(work, debug))


def _layout(results: Path, schema: str | None, needed: bool) -> "Layout":
    """The columns: of the schema, else of those that the lines name, else of what is there.

    `needed`: whether the kinds of values must be known.
    """
    from docextract.report.columns import joined, layout_of, layout_of_records
    from docextract.report.results import read_results
    from docextract.schema import load_schema

    if schema is not None:
        return layout_of(load_schema(schema).fields)
    lines = 0
    named: dict[str, None] = {}
    for line in read_results(results):
        lines += 1
        if line.get("schema"):
            named[line["schema"]] = None
    if not lines:
        raise NothingToDoError(f"{results}: no results", hint="it is empty")
    if named:
        return joined(layout_of(load_schema(name).fields) for name in named)
    if needed:
        raise UsageError(
            "these results do not name their schema, so that amounts and dates are not known",
            hint="name it, as in --schema invoice",
        )
    return layout_of_records(_records(read_results(results)))


def _records(lines: "Iterator[Line]") -> "Iterator[Line]":
    yield from (line["record"] for line in lines if line.get("record"))


def _format_of(out: Path | None) -> TableFormat:
    if out is None:
        return TableFormat.table
    try:
        return TableFormat(out.suffix.lstrip(".").lower())
    except ValueError:
        raise UsageError(
            f"{out}: what is it to be?", hint="name it .csv, .xlsx or .parquet, or give --format"
        ) from None
