"""docextract review: results as one page on which a person corrects them."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docextract.cli.options import (
    DebugOption,
    OverwriteOption,
    PasswordFileOption,
    PasswordOption,
    passwords_of,
)
from docextract.console import Board, data_stream, run, say
from docextract.errors import ExitCode, MissingFileError, NothingToDoError, UsageError
from docextract.settings import Settings

if TYPE_CHECKING:
    from docextract.pages import Document

EXAMPLES = """\b
Examples:
  docextract batch inbox/ --schema invoice --details -o results.jsonl
  docextract review results.jsonl -o review.html
  docextract review results.jsonl -o review.html --folder /archive/2026
  docextract review counts.jsonl -o counts.html

\b
The page is one file that works offline in any browser. With --details, results say what is
doubtful about each value, and where it stands. Counts show their marks, to be added and
dropped. The button "Save corrections" writes a file for
  docextract evaluate . --schema invoice --truth results.corrections.jsonl
  docextract table results.jsonl --corrections results.corrections.jsonl -o books.xlsx
"""

_MEMORY = 4 * 2**30  # bytes for opening a document


def review(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="JSON lines, as of docextract batch.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="OUT", help="The page, as review.html. Needed."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the documents are, if not where they were read."),
    ] = None,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    overwrite: OverwriteOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a page of results: pictures with boxes, doubtful values first, corrections by keyboard.

    It shows the worst documents first.
    """

    def work() -> ExitCode:
        if out is None:
            raise UsageError("no file for the page is given", hint="add -o review.html")
        settings = Settings(passwords=passwords_of(password, password_file))
        with data_stream(out, overwrite, [results]) as stream:
            from docextract.batch.inputs import File
            from docextract.batch.job import Task
            from docextract.batch.opener import Opener
            from docextract.report.results import read_results
            from docextract.report.review import write_review

            lines = list(read_results(results))
            if not lines:
                raise NothingToDoError(f"{results}: no results", hint="it is empty")
            homes = [*([folder] if folder else []), Path(), results.parent]
            with closing(Opener(_MEMORY)) as opener, Board("documents") as board:

                def open_line(line: Mapping[str, Any]) -> "Document":
                    file, known = line["file"], line.get("sha256")
                    return opener.open(Task(known or "", File(_place(file, homes), file)), settings)

                missing = write_review(
                    stream, lines, results.name, open_line, lambda n: board.show(n, len(lines), "")
                )
        if missing:
            say(f"documents without a picture: {missing}; the page says why")
        return ExitCode.OK

    raise typer.Exit(run(work, debug))


def _place(file: str, homes: list[Path]) -> str:
    """Where a document lies: its name is taken from any of these folders."""
    for home in homes:
        if (home / file).is_file():
            return str(home / file)
    raise MissingFileError(
        f"{file}: no such file", hint="say where the documents are with --folder"
    )
