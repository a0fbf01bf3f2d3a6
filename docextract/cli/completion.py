"""What a shell may complete: names that we know, where a file will not do."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from docextract.settings import BUDGETS

READ = "read"
"""Stands for the command without a name."""


class FirstWordDecides(TyperGroup):
    """All commands as one, for completion alone: without a command's name, files are read."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if named else [READ, *args])


def schemas(incomplete: str) -> Iterator[tuple[str, str]]:
    """The bundled schemas, and auto."""
    from docextract.resources import bundled_schemas

    known = {**bundled_schemas(), "auto": "The bundled one that suits."}
    yield from ((name, words) for name, words in known.items() if name.startswith(incomplete))


def budgets(incomplete: str) -> Iterator[tuple[str, str]]:
    """The named budgets."""
    for name, tokens in BUDGETS.items():
        if name.startswith(incomplete):
            yield name, f"{tokens} tokens a page"


def models(incomplete: str) -> Iterator[str]:
    """The bundled model; folders are completed by the shell."""
    if "bundled".startswith(incomplete):
        yield "bundled"


def commands(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Names of commands, as long as no file is given."""
    group = context.parent.command if context.parent else None
    if isinstance(group, TyperGroup) and incomplete and not context.params.get("files"):
        yield from (name for name in group.commands if name != READ and name.startswith(incomplete))
