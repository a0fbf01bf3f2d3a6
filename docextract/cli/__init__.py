"""The command line: parse, call, exit. One file for each command.

The first word decides: the name of a command, or else files to read. Everything heavy is imported
inside the commands, so that --help is quick.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

import typer

from docextract.cli.batches import EXAMPLES as BATCH_EXAMPLES
from docextract.cli.batches import batch
from docextract.cli.catalogue import schemas
from docextract.cli.evaluation import evaluate
from docextract.cli.reading import read

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "batch": batch,
    "evaluate": evaluate,
    "schemas": schemas,
}
_EPILOGS = {"batch": BATCH_EXAMPLES}
_EXAMPLES = """\b
Examples:
  docextract receipt.jpg --schema receipt
  docextract *.pdf --schema invoice -o invoices.csv
  docextract letter.pdf --schema 'sender, date date, amount money' --pages 1

\b
Other commands:
  docextract batch --help      folders of documents: resumed, isolated, counted
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
        app.command(epilog=_EPILOGS.get(command))(_COMMANDS[command])
        name = f"{name} {command}"
    else:
        app.command(epilog=_EXAMPLES, no_args_is_help=True)(read)
    app(words, prog_name=name)
