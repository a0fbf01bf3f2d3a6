"""What options are where the command line is silent: the environment, a project's file, a user's.

An option is given by a flag, else by DOCEXTRACT_ and its name in the environment, else by the
project's docextract.toml or pyproject.toml ([tool.docextract]), else by the user's config.toml.
"""

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from docextract.errors import UsageError, did_you_mean

KNOBS = (
    "budget",
    "device",
    "evidence",
    "jobs",
    "max-asks",
    "max-bytes",
    "max-failures",
    "max-memory",
    "max-pages",
    "max-pixels",
    "min-confidence",
    "model",
    "password-file",
    "schema",
    "strict",
    "tiles",
    "timeout",
)
"""Options that say how to read. The others belong to one call: what is read, where results go, and
their form, which scripts count on."""

_IN_ENVIRONMENT = (*KNOBS, "debug", "password")
_CODE = re.compile(r".+\.py(:\w+)?", re.DOTALL)


@dataclass(frozen=True)
class Setting:
    """A value from outside the command line, and where it stands."""

    value: str | float | bool
    origin: str


@dataclass(frozen=True)
class Configuration:
    """Settings by the names of their options, and the files that were looked at.

    `words`: the command line itself.
    """

    words: Sequence[str]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def defaults(self, parameters: Collection[Any]) -> dict[str, Any]:
        """Values for those of a command's parameters that are set, as Typer's default map."""
        return {
            parameter.name: [setting.value] if parameter.multiple else setting.value
            for parameter in parameters
            if (setting := self.settings.get(_key(parameter)))
        }

    def origin(self, context: Any, parameter: Any) -> str:
        """Where the value of a parameter came from: `flag`, `default`, a variable or a file."""
        source = context.get_parameter_source(parameter.name)
        if source is not None and source.name == "DEFAULT_MAP":
            return self.settings[_key(parameter)].origin
        return "default" if source is None or source.name == "DEFAULT" else "flag"


def configuration(
    command: str, commands: Collection[str], words: Sequence[str], folder: Path
) -> Configuration:
    """What is set for a command, one of `commands`, that runs in a folder.

    Raises:
        UsageError: a file cannot be read, or sets what cannot be set.
    """
    settings: dict[str, Setting] = {}
    user, project = user_file(), _project_file(folder)
    for file in filter(None, (user, project)):
        for key, value in _entries(_table(file), command, commands, file):
            if file == project:
                _refuse_strangers(key, value, file)
            settings[key] = Setting(value, str(file))
    for key in _IN_ENVIRONMENT:
        name = f"DOCEXTRACT_{key.upper().replace('-', '_')}"
        if (text := os.environ.get(name)) and _concerns(key, command):
            settings[key] = Setting(text, name)
    return Configuration(words, settings, tuple(filter(None, (project, user))))


def user_file() -> Path:
    """The user's own file, there or not; XDG_CONFIG_HOME is honoured on Linux."""
    return Path(typer.get_app_dir("docextract")) / "config.toml"


def _project_file(folder: Path) -> Path | None:
    """The nearest file of a project, in a folder or one above it."""
    for place in (folder, *folder.parents):
        if (file := place / "docextract.toml").is_file():
            return file
        if (file := place / "pyproject.toml").is_file() and _table(file):
            return file
    return None


def _table(file: Path) -> dict[str, Any]:
    """What a file says about us; nothing where there is no file."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="mend or remove it") from error
    for key in ("tool", "docextract") if file.name == "pyproject.toml" else ():
        content = content.get(key, {})
        if not isinstance(content, dict):
            raise UsageError(f"{file}: {key} is no table", hint=f"write [{key}]")
    return content


def _entries(
    table: Mapping[str, Any], command: str, commands: Collection[str], file: Path
) -> Iterator[tuple[str, Any]]:
    """Keys and values for a command: those for all commands first, then those in its own table."""
    tables = {name: inner for name, inner in table.items() if isinstance(inner, dict)}
    for name in tables:
        _expect(name, commands, file, "table")
    general = {key: value for key, value in table.items() if key not in tables}
    for place in (general, *tables.values()):
        for key, value in place.items():
            _expect(key.replace("_", "-"), KNOBS, file, "key")
            if not isinstance(value, str | int | float):
                raise UsageError(
                    f"{file}: {key} is neither a text nor a number nor true or false",
                    hint="--show-config tells what there is",
                )
    for place in (general, tables.get(command, {})):
        for key, value in place.items():
            name = key.replace("_", "-")
            if place is not general or _concerns(name, command):
                yield name, _from_file(name, value, file)


def _concerns(key: str, command: str) -> bool:
    """Whether a command takes what is set for all. Records are read by a schema; scores and tables
    can do without one, and are better off without a wrong one."""
    return key != "schema" or command in ("read", "batch")


def _from_file(key: str, value: Any, file: Path) -> Any:
    """Paths are meant from where their file stands."""
    place = file.parent / str(value)
    names_path = place.suffix == ".json" if key == "schema" else key in ("model", "password-file")
    return str(place) if names_path and place.exists() else value


def _expect(name: str, known: Collection[str], file: Path, what: str) -> None:
    if name not in known:
        there_are = f"there are {', '.join(sorted(known))}"
        raise UsageError(
            f"{file}: there is no {what} {name}", hint=did_you_mean(name, known, there_are)
        )


def _refuse_strangers(key: str, value: object, file: Path) -> None:
    """A folder of documents may bring such a file with it: it shall not run code or use a network.

    So a project's file cannot name Python files, modules or hub ids, which the user can.
    """
    text = str(value)
    code = key == "schema" and _CODE.fullmatch(text)
    stranger = key == "model" and text != "bundled" and not Path(text).is_dir()
    if code or stranger:
        raise UsageError(
            f"{file}: a project's file may not set {key} to {text}",
            hint=f"write --{key} {text}, or set it in {user_file()}",
        )


def _key(parameter: Any) -> str:
    """The name that an option is set by: `max-pages` for --max-pages."""
    return str(max(parameter.opts, key=len)).lstrip("-")


def _show(context: typer.Context, wanted: bool) -> None:
    """Tell every option's value and where it came from, and end."""
    if not wanted or context.resilient_parsing:
        return
    config: Configuration = context.obj
    # Once more and leniently: nothing else of this call need be there, or right.
    parsed = context.command.make_context(
        context.info_name,
        list(config.words),
        resilient_parsing=True,
        default_map=context.default_map,
    )
    rows = [
        (f"--{_key(one)}", _words(one.name, parsed.params[one.name]), config.origin(parsed, one))
        for one in parsed.command.params
        if one.param_type_name == "option" and one.expose_value and not one.is_eager
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        typer.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}")
    for file in config.files:
        typer.echo(f"file: {file}{'' if file.exists() else ' (not there)'}")
    raise typer.Exit


def _words(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "***" if name == "password" else str(value)


ShowConfigOption = Annotated[
    bool,
    typer.Option(
        "--show-config",
        help="Show what every option is and where that was set, and exit.",
        is_eager=True,
        callback=_show,
    ),
]
