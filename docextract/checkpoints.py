"""What a checkpoint is and whether it is whole, told from its files."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from docextract import hub
from docextract.confidence import (
    CALIBRATION,
    COUNT_CALIBRATION,
    fingerprint,
    load_calibration,
)
from docextract.errors import ModelError, OutputError
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
    """A checkpoint in JSON types: its kind, parameters, bits of weights held as integers (None: all
    are floats), bytes, hash, card, and whether its confidence was calibrated for these weights
    (None: it never was).

    Raises:
        ModelError: the files cannot be read.
    """
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    config = _config(folder)
    parameters, types = _counted(folder)
    bits = _bits(config)
    if bits:
        from docextract.readers.zamba2 import examine

        parameters = examine(folder)  # an integer in the file may hold several
    calibrated = (folder / CALIBRATION).is_file()
    card = next((str(folder / name) for name in _CARDS if (folder / name).is_file()), None)
    return {
        "model": spec,
        "folder": str(folder),
        "kind": str(config["model_type"]),
        "parameters": parameters,
        "types": types,
        "bits": bits,
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


def convert(
    source: Path, out: Path, bits: int, show: Callable[[int, int], object]
) -> Sequence[str]:
    """Write a checkpoint into the folder `out` whose large matrices hold integers of 8 or 4 bits
    (a vision tower's always 8), with all that belongs to it but what speaks of the original's
    weights, whose names are returned. `show` is told how many tensors of how many are done.

    Raises:
        ModelError: the source is damaged, or was converted before.
        OutputError: there is something in the place of `out`, or it cannot be written.
    """
    from docextract.readers.zamba2 import convert as convert_weights

    if out.exists():
        raise OutputError(f"{out}: there is such a folder or file", hint="choose another name")
    draft = out.with_name(f".{out.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        convert_weights(source, draft, bits, show)
        left_out = []
        for path in sorted(source.iterdir()):
            if path.name in (CALIBRATION, COUNT_CALIBRATION, *_CARDS):
                left_out.append(path.name)
            elif path.suffix in (".json", ".jinja") and not _of_weights(path, draft):
                shutil.copyfile(path, draft / path.name)
        draft.replace(out)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot be written ({error.strerror})",
            hint="make room, or choose another place",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return left_out


def _of_weights(path: Path, draft: Path) -> bool:
    """Whether the weights that were written have a file of this name, or make it void."""
    return (draft / path.name).exists() or path.name.endswith(".index.json")


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text("utf-8"))
        config["model_type"]
        return config
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} describes no model", hint="name the folder of a Zamba2-VL checkpoint"
        ) from error


def _bits(config: Mapping[str, Any]) -> dict[str, Any] | None:
    stated = config.get("quantization_config")
    if not isinstance(stated, dict):
        return None
    return {part: stated.get(f"{part}_bits") for part in ("language", "vision")}


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
