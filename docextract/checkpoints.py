"""What a checkpoint is and whether it is whole, told from its files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import safe_open

from docextract import hub
from docextract.confidence import CALIBRATION, fingerprint, load_calibration
from docextract.errors import ModelError
from docextract.readers import folder_of, is_hub_id

_CARDS = ("MODEL_CARD.md", "README.md")


def located(spec: str) -> Path:
    """The folder of a checkpoint that is on this machine; no connection is opened.

    Raises:
        ModelError: there is none.
    """
    if not is_hub_id(spec):
        return folder_of(spec)
    if (folder := hub.kept(spec)) is None:
        raise ModelError(f"{spec} is not kept here", hint=f"docextract model fetch {spec}")
    return folder


def describe(spec: str, folder: Path) -> dict[str, Any]:
    """A checkpoint in JSON types: its kind, parameters, bytes, hash, card, and whether its
    confidence was calibrated for these weights (None: it never was).

    Raises:
        ModelError: the files cannot be read.
    """
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    parameters, types = _counted(folder)
    calibrated = (folder / CALIBRATION).is_file()
    card = next((str(folder / name) for name in _CARDS if (folder / name).is_file()), None)
    return {
        "model": spec,
        "folder": str(folder),
        "kind": _kind(folder),
        "parameters": parameters,
        "types": types,
        "bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
        "weights": fingerprint(folder),
        "calibrated": load_calibration(folder) is not None if calibrated else None,
        "card": card,
    }


def verify(spec: str, folder: Path) -> Iterator[str]:
    """Words about each thing that was found to be right.

    Raises:
        ModelError: the first that is not.
    """
    from docextract.readers.zamba2 import examine

    yield f"the files belong together: {examine(folder):,} parameters"
    if is_hub_id(spec):
        if changed := list(hub.altered(folder)):
            raise ModelError(
                f"{spec}: not what the hub gave: {', '.join(changed)}",
                hint=f"docextract model remove {spec}, and fetch it again",
            )
        yield "every file is what the hub gave"
    if (folder / CALIBRATION).is_file():
        if load_calibration(folder) is None:
            raise ModelError(
                f"{folder}: {CALIBRATION} names other weights than model.safetensors",
                hint="install docextract again, or fit a calibration (training.calibrate)",
            )
        yield f"the weights are those that {CALIBRATION} names"


def _kind(folder: Path) -> str:
    path = folder / "config.json"
    try:
        return str(json.loads(path.read_text("utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} describes no model", hint="name the folder of a Zamba2-VL checkpoint"
        ) from error


def _counted(folder: Path) -> tuple[int, list[str]]:
    """Parameters in all weights files, and the types that they are stored in."""
    count, types = 0, set()
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - it is no mapping
                    stored = tensors.get_slice(name)
                    size = 1
                    for side in stored.get_shape():
                        size *= side
                    count += size
                    types.add(str(stored.get_dtype()))
        except Exception as error:  # the library has its own, and OSError
            raise ModelError(
                f"{path} is damaged: {error}", hint="fetch or copy it again"
            ) from error
    return count, sorted(types)
