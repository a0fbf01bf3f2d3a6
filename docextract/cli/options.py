"""Options and words that several commands take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from docextract.cli import completion
from docextract.errors import UsageError
from docextract.settings import BUDGETS, Settings

SETTINGS = Settings()
LIMITS = SETTINGS.limits


class Device(StrEnum):
    """Where the model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Evidence(StrEnum):
    """What values are held against."""

    words = "words"
    none = "none"


class Tiles(StrEnum):
    """Whether pictures are counted in parts."""

    auto = "auto"
    never = "never"
    always = "always"


SchemaOption = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="SPEC",
        autocompletion=completion.schemas,
        help="What to read: a bundled name, file.py:Model, schema.json, a JSON Schema in quotes, "
        "'name, age int, paid bool', or auto.",
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        metavar=f"N|{'|'.join(BUDGETS)}",
        autocompletion=completion.budgets,
        help="Visual tokens per page: more show finer print and take longer.",
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        metavar="M",
        autocompletion=completion.models,
        help="bundled, a folder, a hub id, openai:URL#MODEL (the pages go to that server), "
        "transformers:FOLDER, or package.module:factory.",
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where the model runs.")]
EvidenceOption = Annotated[
    Evidence,
    typer.Option(help="words: find values among the page's own words, and trust their letters."),
]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="OUT", help="Write to this file, not to stdout."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")]
PagesOption = Annotated[str | None, typer.Option(metavar="1-3,7", help="Only these pages.")]
PasswordOption = Annotated[str | None, typer.Option(metavar="WORD", help="Of encrypted PDFs.")]
PasswordFileOption = Annotated[
    Path | None, typer.Option(metavar="F", help="Each of its lines is a password to try.")
]
SplitOption = Annotated[
    bool, typer.Option("--split", help="A file may hold several documents: a record for each.")
]
DetailsOption = Annotated[
    bool, typer.Option("--details", help="With evidence, checks and timings.")
]
StrictOption = Annotated[
    bool, typer.Option("--strict/--no-strict", help="Exit with 12 where a person should look.")
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        metavar="P", min=0, max=1, help="Less likely right than this (0 to 1) wants a person."
    ),
]
MaxPagesOption = Annotated[int, typer.Option(metavar="N", min=1, help="Most pages of a document.")]
MaxPixelsOption = Annotated[int, typer.Option(metavar="N", min=1, help="Most pixels of a picture.")]
MaxBytesOption = Annotated[int, typer.Option(metavar="N", min=1, help="Most bytes of a file.")]
MaxAsksOption = Annotated[
    int, typer.Option(metavar="N", min=0, help="Most second questions about values that fail.")
]
ExplodeOption = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="csv: a row for each item of this list, as line_items."),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--jobs",
        metavar="N",
        min=1,
        help="Processes with the model. Without it: one for each processor, or one on a GPU.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Count files and pages, and read nothing.")
]
WatchOption = Annotated[bool, typer.Option("--watch", help="Go on with new files as they arrive.")]
RayOption = Annotated[
    str | None,
    typer.Option(
        metavar="[ADDRESS]",
        help="Read on the machines of a Ray cluster (host:6379, or auto); bare: on this one.",
    ),
]
GpuShareOption = Annotated[
    float | None,
    typer.Option(
        metavar="P", min=0, help="With --ray, of a GPU for each process. Without it: a whole."
    ),
]
MaxMemoryOption = Annotated[
    float, typer.Option(metavar="GIB", min=0.25, help="Most memory for opening a document.")
]
TimeoutOption = Annotated[
    float | None, typer.Option(metavar="S", min=0, help="Most seconds for a document.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]


def given(schema: str | None) -> str:
    """The schema, where one is named."""
    if schema is None:
        raise UsageError("no schema is given", hint="try --schema receipt; see docextract schemas")
    return schema


def passwords_of(password: str | None, file: Path | None) -> tuple[str, ...]:
    """The password that is given in words, or those in the lines of a file."""
    if file is None:
        return () if password is None else (password,)
    if password is not None:
        raise UsageError(
            "--password and --password-file exclude each other", hint="leave one of them out"
        )
    try:
        return tuple(filter(None, file.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"{file}: the password cannot be read ({reason})", hint="check the path"
        ) from error


def words(text: str | None) -> list[str]:
    """Words between commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]
