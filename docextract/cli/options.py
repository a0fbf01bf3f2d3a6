"""Options and words that several commands take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from docextract.errors import UsageError
from docextract.settings import BUDGETS


class Device(StrEnum):
    """Where the model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Evidence(StrEnum):
    """What values are held against."""

    words = "words"
    none = "none"


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
EvidenceOption = Annotated[
    Evidence,
    typer.Option(help="words: find values among the page's own words, and trust their letters."),
]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="OUT", help="Write to this file, not to stdout."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]


def given(schema: str | None) -> str:
    """The schema, where one is named."""
    if schema is None:
        raise UsageError("no schema is given", hint="try --schema receipt; see docextract schemas")
    return schema


def words(text: str | None) -> list[str]:
    """Words between commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]
