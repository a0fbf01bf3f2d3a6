"""What a reader was taught to count, and the other words that people have for it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from docextract.errors import ModelError

OBJECTS = "objects.json"
"""Beside the weights: canonical name, singular, to synonyms and plurals."""

Names = Mapping[str, Sequence[str]]


@runtime_checkable
class Pointer(Protocol):
    """A reader that knows what it was taught to point at; it may be nothing."""

    @property
    def objects(self) -> Names: ...


def canonical(name: str, taught: Names) -> str | None:
    """The name by which the weights know an object, if they know it."""
    wanted = _plain(name)
    for known, others in taught.items():
        if wanted in map(_plain, (known, *others)):
            return known
    return None


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("-", " ").split())


def load_objects(folder: Path) -> Names:
    """What a checkpoint's folder says that it can count; empty where it says nothing.

    Raises:
        ModelError: what it says is damaged.
    """
    path = folder / OBJECTS
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        return {str(name): tuple(map(str, others)) for name, others in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged: {error}", hint="get the weights anew") from error
