"""The command line: parse, call, exit. One file for each command.

The first word decides: the name of a command, or else files to read. Everything heavy is imported
inside the commands, so that --help is quick.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer

from docextract.cli import (
    batches,
    catalogue,
    counts,
    diagnosis,
    evaluation,
    models,
    reading,
    reviewing,
    tabulating,
)
from docextract.cli.completion import READ, FirstWordDecides
from docextract.cli.configuration import Configuration, configuration
from docextract.console import run
from docextract.errors import ExitCode, MissingFileError, UsageError, did_you_mean

_NAME = "docextract"
COMMANDS: Mapping[str, tuple[Callable[..., None], str]] = {
    "batch": (batches.batch, batches.EXAMPLES),
    "count": (counts.count, counts.EXAMPLES),
    "doctor": (diagnosis.doctor, diagnosis.EXAMPLES),
    "evaluate": (evaluation.evaluate, evaluation.EXAMPLES),
    "model": (models.model, models.EXAMPLES),
    "review": (reviewing.review, reviewing.EXAMPLES),
    "schemas": (catalogue.schemas, catalogue.EXAMPLES),
    "table": (tabulating.table, tabulating.EXAMPLES),
}
"""The commands that have a name, and what stands at the end of their --help."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    _settle()
    if f"_{_NAME.upper()}_COMPLETE" in os.environ:
        _all_commands()(prog_name=_NAME)
    words = list(sys.argv[1:] if arguments is None else arguments)
    raise SystemExit(run(lambda: _obey(words), debug="--debug" in words))


def _settle() -> None:
    """Make sure of what others take for granted.

    A caller may have closed stdin or stderr: then nothing comes, and nobody listens. Being told to
    end is like Ctrl+C, so that nothing half-written is left.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _obey(words: list[str]) -> ExitCode:
    named = words[:1] if words and words[0] in COMMANDS else []
    if words and not named and not words[0].startswith("-"):
        _refuse_misspelled(words[0])
    function, examples = COMMANDS[named[0]] if named else (reading.read, reading.EXAMPLES)
    app = _typer(add_completion=not named)
    app.command(epilog=examples)(function)
    command = typer.main.get_command(app)
    words = words[len(named) :]
    if function in (batches.batch, counts.count):
        words = batches.spelled_out(words)
    if not words and not named:
        command.main(["--help"], prog_name=_NAME, standalone_mode=False)
        return ExitCode.USAGE
    config = Configuration(words)
    if not {"--help", "--version"} & set(words):
        config = configuration(named[0] if named else READ, {READ, *COMMANDS}, words, Path.cwd())
    name = " ".join([_NAME, *named])
    try:
        code = command.main(
            words,
            prog_name=name,
            standalone_mode=False,
            default_map=config.defaults(command.params),
            obj=config,
        )
    except typer.TyperException as error:
        raise UsageError(
            _one_line(error, config), hint=f"{name} --help shows what there is"
        ) from error
    return ExitCode(code or 0)


def _typer(add_completion: bool) -> typer.Typer:
    return typer.Typer(
        cls=FirstWordDecides,
        add_completion=add_completion,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def _all_commands() -> typer.Typer:
    """Every command, for a shell that completes a line."""
    app = _typer(add_completion=True)
    app.command(READ)(reading.read)
    for name, (function, _) in COMMANDS.items():
        app.command(name)(function)
    return app


def _refuse_misspelled(word: str) -> None:
    """A first word that is no file, but nearly a command, is taken for that."""
    meant = did_you_mean(word, COMMANDS)
    if meant and not Path(word).exists():
        raise MissingFileError(f"{word}: no such file, and no such command", hint=meant)


def _one_line(error: typer.TyperException, config: Configuration) -> str:
    """What Typer says, and where the value that it says it of was set."""
    words = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    origin = config.origin(context, parameter) if context and parameter else "flag"
    aside = "" if origin in ("flag", "default") else f" (set in {origin})"
    return words[:1].lower() + words[1:] + aside
