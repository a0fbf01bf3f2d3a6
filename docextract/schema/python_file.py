"""A record type from a Python file: a bundled one, or `file.py:Model` of a user's own."""

import inspect
import sys
import traceback
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from docextract.errors import SchemaError


def load_model(path: Path, name: str | None = None) -> type[BaseModel]:
    """The Pydantic class `name` of a file; without a name the one that the file is about.

    That is the class named like the file (`invoice.py`, `Invoice`), else the only one.

    Raises:
        SchemaError: the file is missing, fails, or has no such class.
    """
    models = _models_of(_module(path))
    listed = ", ".join(models) or "none"
    if name is not None:
        if name not in models:
            raise SchemaError(
                f"{path} has no Pydantic model {name}", hint=f"models there: {listed}"
            )
        return models[name]
    like_the_file = path.stem.replace("_", "").casefold()
    named = [model for key, model in models.items() if key.casefold() == like_the_file]
    candidates = named or list(models.values())
    if len(candidates) != 1:
        raise SchemaError(f"{path}: which model? It has {listed}", hint=f"name one: {path}:MODEL")
    return candidates[0]


def _module(path: Path) -> ModuleType:
    """The executed file, under a name of its own, so that its classes can be pickled."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise SchemaError(
            f"{path} cannot be read: {error.strerror}", hint="check the path"
        ) from error
    fingerprint = sha256(str(path.resolve()).encode() + source).hexdigest()[:12]
    name = f"docextract_schema_{path.stem}_{fingerprint}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        # Not through the import system: it would leave a __pycache__ beside the user's file.
        exec(compile(source, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        del sys.modules[name]
        raise SchemaError(
            f"{path}, line {error.lineno}: {error.msg}", hint=f"try it alone: python {path}"
        ) from error
    except Exception as error:
        del sys.modules[name]
        raise SchemaError(
            f"{path}, line {_line_in(path, error)}: {type(error).__name__}: {error}",
            hint=f"try it alone: python {path}",
        ) from error
    return module


def _line_in(path: Path, error: Exception) -> int:
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return lines[-1] or 1 if lines else 1


def _models_of(module: ModuleType) -> dict[str, type[BaseModel]]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, BaseModel)
        and value.__module__ == module.__name__
    }
