"""Where the bundled schemas, prompts and weights are."""

from pathlib import Path

from docextract.errors import DocextractError

_PACKAGE = Path(__file__).resolve().parent


def bundled(kind: str) -> Path:
    """The folder `schemas`, `prompts` or `model/weights` of this installation.

    A wheel carries them inside the package; in a checkout they stand beside it.

    Raises:
        DocextractError: the installation is incomplete.
    """
    for home in (_PACKAGE / "_bundled", _PACKAGE.parent):
        if (folder := home / kind).is_dir():
            return folder
    raise DocextractError(
        f"this installation of docextract has no {kind} folder", hint="install docextract again"
    )


def bundled_schemas() -> dict[str, str]:
    """The names of the bundled record types, each with the first line of its file."""
    return {
        path.stem: path.read_text("utf-8").split("\n", 1)[0].strip('"')
        for path in sorted(bundled("schemas").glob("[a-z]*.py"))
    }
