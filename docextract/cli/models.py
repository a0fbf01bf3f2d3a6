"""docextract model: checkpoints, bundled or published: shown, fetched, verified, removed, made
smaller."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from docextract.cli import completion
from docextract.cli.options import DebugOption
from docextract.console import Board, data_stream, run, say
from docextract.errors import ExitCode, NothingToDoError, UsageError

EXAMPLES = """\b
Examples:
  docextract model show
  docextract model fetch Zyphra/Zamba2-VL-1.2B
  docextract receipt.jpg --schema receipt --model Zyphra/Zamba2-VL-1.2B
  docextract model verify Zyphra/Zamba2-VL-1.2B
  docextract model remove Zyphra/Zamba2-VL-1.2B
  docextract model convert Zyphra/Zamba2-VL-7B small-7b --weights int4

\b
convert writes a folder whose weights are integers; name it with --model.
fetch alone opens connections, and so does --model with a hub id that was not fetched.
Where files are kept, and behind which proxy, is said by HF_HOME and its like.
"""


class Action(StrEnum):
    """What is done with a model."""

    show = "show"
    fetch = "fetch"
    verify = "verify"
    remove = "remove"
    convert = "convert"


class Weights(StrEnum):
    """What convert makes of weights."""

    int8 = "int8"
    int4 = "int4"


def model(
    action: Annotated[Action, typer.Argument(help="What to do.", show_default=False)],
    name: Annotated[
        str,
        typer.Argument(
            metavar="M",
            help="bundled, a folder, or a hub id (owner/model).",
            autocompletion=completion.models,
        ),
    ] = "bundled",
    out: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT]", help="convert: the folder to write.", show_default=False),
    ] = None,
    weights: Annotated[
        Weights | None,
        typer.Option(help="convert: what the large matrices become.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Show it as JSON.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without a question.")] = False,
    debug: DebugOption = False,
) -> None:
    """Show, fetch, verify, remove or convert a model."""

    def work() -> ExitCode:
        with data_stream() as stream:
            from docextract import checkpoints, hub
            from docextract.readers import is_hub_id
            from docextract.report.tables import write_json

            if action is not Action.convert and (out or weights):
                raise UsageError(
                    f"{action} takes one model and no weights", hint="docextract model --help"
                )
            if action in (Action.fetch, Action.remove) and not is_hub_id(name):
                raise UsageError(
                    f"{name} is no hub id", hint=f"docextract model {action} owner/model"
                )
            if action is Action.fetch:
                hub.fetch(name, newest=True)
            if action is Action.remove:
                _remove(name, yes)
                return ExitCode.OK
            folder = checkpoints.located(name)
            if action is Action.convert:
                stream.write(f"{_convert(folder, out, weights)}\n")
                return ExitCode.OK
            if action is Action.show:
                described = checkpoints.describe(name, folder)
                if as_json:
                    write_json(stream, described)
                else:
                    stream.write(_lines(described))
                return ExitCode.OK
            for words in checkpoints.verify(name, folder):
                say(words)
            stream.write(f"{folder}\n")
            return ExitCode.OK

    raise typer.Exit(run(work, debug))


def _convert(folder: Path, out: Path | None, weights: Weights | None) -> Path:
    from docextract import checkpoints

    if out is None or weights is None:
        raise UsageError(
            "convert wants a folder to write and the weights to make",
            hint="docextract model convert SOURCE OUT --weights int8|int4",
        )
    with Board("tensors") as board:
        left_out = checkpoints.convert(
            folder, out, 8 if weights is Weights.int8 else 4, lambda n, of: board.show(n, of, "")
        )
    if left_out:
        say(f"left out, since it speaks of the original's weights: {', '.join(left_out)}")
    return out


def _remove(name: str, yes: bool) -> None:
    from docextract import hub

    size = hub.kept_bytes(name)
    if size is None:
        raise NothingToDoError(f"{name} is not kept in {hub.cache()}")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to be asked", hint="add --yes")
        if not typer.confirm(f"Remove {name} ({_size(size)}) from {hub.cache()}?", err=True):
            say("nothing was removed")
            return
    hub.remove(name)
    say(f"removed {name}: {_size(size)}")


def _lines(described: Mapping[str, Any]) -> str:
    calibrated = {True: "yes", False: "no: confidence.json names other weights", None: "no"}
    rows = {
        "model": described["model"],
        "kind": described["kind"],
        "parameters": f"{described['parameters']:,} ({', '.join(described['types'])})",
        "matrices": _bits(described["bits"]),
        "size": f"{_size(described['bytes'])} in {described['files']} files",
        "weights": described["weights"],
        "calibrated": calibrated[described["calibrated"]],
        "folder": described["folder"],
        "card": described["card"] or "-",
    }
    return "".join(f"{name:<12}{value}\n" for name, value in rows.items())


def _bits(bits: Mapping[str, int] | None) -> str:
    if bits is None:
        return "floats"
    return f"integers of {bits['language']} bits; {bits['vision']} in the vision tower"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
