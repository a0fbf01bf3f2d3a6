"""What this installation is, what it stands on, and whether it reads: for people whose does not."""

import json
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

from docextract import __version__, hub
from docextract.checkpoints import describe, located, verify
from docextract.errors import DocextractError, ModelError, our_fault
from docextract.extraction import extract
from docextract.readers import is_checkpoint, open_reader
from docextract.resources import bundled
from docextract.settings import Settings

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*\bextra == ['\"](?P<extra>\w+)['\"])?")
_FOR_DEVELOPERS = ("dev", "train")
_SAMPLE = "receipt"
_READ_RIGHT = ("date", "currency", "total")


def diagnose(model: str, device: str, show: Callable[[str], None]) -> dict[str, Any]:
    """Everything that is known, in JSON types; `problems` holds errors as results carry them.

    `show` is told what is being done.
    """
    problems: list[DocextractError] = []

    def tried(what: str, work: Callable[[], Any]) -> Any:
        show(what)
        try:
            return work()
        except DocextractError as error:
            problems.append(error)
        except Exception as error:
            problems.append(our_fault(error))
        return None

    places = tried("looking at disks", _places)
    checked = tried("checking the weights", lambda: _checked(model)) if is_checkpoint(model) else {}
    readable = checked is not None  # else the sample would only fail, or fetch a model first
    return {
        "docextract": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in _required(None)},
        "extras": {
            extra: {
                "installed": all(_version(name) for name in _required(extra)),
                "install": f"pip install 'docextract[{extra}]'",
            }
            for extra in _extras()
        },
        "devices": tried("looking for devices", _devices),
        "kernels": tried("looking for kernels", lambda: _kernels(device)),
        "places": places,
        "model": checked or None,
        "test": tried("reading the sample", lambda: _read_sample(model, device))
        if readable
        else None,
        "problems": problems,
    }


def _requirements() -> Iterator[tuple[str, str | None]]:
    """The names of the packages that we need, each with the extra that needs it; none where we run
    without having been installed."""
    try:
        lines = metadata.requires("docextract") or []
    except metadata.PackageNotFoundError:
        lines = []
    for line in lines:
        if match := _REQUIREMENT.match(line):
            yield match["name"], match["extra"]


def _required(extra: str | None) -> list[str]:
    names = (name for name, needed_by in _requirements() if needed_by == extra)
    return sorted(name for name in names if name != "docextract")


def _extras() -> list[str]:
    extras = {extra for _, extra in _requirements() if extra}
    return sorted(extras.difference(_FOR_DEVELOPERS))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[dict[str, Any]]:
    import torch

    found: list[dict[str, Any]] = [
        {"device": "cpu", "name": _processor(), "threads": torch.get_num_threads()}
    ]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        found.append(
            {
                "device": f"cuda:{number}",
                "name": properties.name,
                "memory": properties.total_memory,
                "capability": f"{properties.major}.{properties.minor}",
            }
        )
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    named = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return named[1] if named else platform.machine()


def _kernels(device: str) -> dict[str, str]:
    import torch

    from docextract.readers.zamba2 import kernels

    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return kernels("cuda" if on_gpu else "cpu")


def _places() -> dict[str, dict[str, Any]]:
    places = {
        "package": Path(__file__).parent,
        "hub": hub.cache(),
        "temporary": Path(tempfile.gettempdir()),
    }
    return {
        name: {"path": str(path), "free": shutil.disk_usage(_nearest(path)).free}
        for name, path in places.items()
    }


def _nearest(path: Path) -> Path:
    """The path, or the folder that it would be made in."""
    return next(place for place in (path, *path.parents) if place.exists())


def _checked(model: str) -> dict[str, Any]:
    folder = located(model)
    return {**describe(model, folder), "verified": list(verify(model, folder))}


def _read_sample(model: str, device: str) -> dict[str, Any]:
    """Read the sample that came with us.

    Raises:
        ModelError: some of the plainest values came out wrong.
    """
    folder = bundled("samples")
    truth = json.loads((folder / f"{_SAMPLE}.json").read_text("utf-8"))
    started = time.perf_counter()
    with closing(open_reader(model, device)) as reader:
        loaded = time.perf_counter()
        result = extract(folder / f"{_SAMPLE}.jpg", _SAMPLE, reader, Settings(max_asks=0))
    wrong = {key: result.data[key] for key in _READ_RIGHT if result.data[key] != truth[key]}
    if wrong:
        raise ModelError(
            f"{model} misread the sample: {json.dumps(wrong, ensure_ascii=False)}",
            hint="install docextract again; where that does not help, please report all of this",
        )
    return {
        "sample": str(folder / f"{_SAMPLE}.jpg"),
        "load": round(loaded - started, 2),
        "first_token": round(result.timings.first_token, 2),
        "read": round(time.perf_counter() - loaded, 2),
        "right": list(_READ_RIGHT),
    }
