"""docextract schemas: what can be asked for by name."""

from typing import Annotated

import typer

from docextract.cli import completion
from docextract.cli.options import DebugOption
from docextract.console import data_stream, run
from docextract.errors import ExitCode

EXAMPLES = """\b
Examples:
  docextract schemas
  docextract schemas invoice > invoice.json   # to be changed, and used as --schema invoice.json
"""


def schemas(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this one, as JSON Schema.",
            show_default=False,
            autocompletion=completion.schemas,
        ),
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
