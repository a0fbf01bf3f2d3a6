"""docextract doctor: what this installation is, and whether it works."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from docextract.cli.options import DebugOption, Device, DeviceOption, ModelOption
from docextract.console import Progress, complain, data_stream, run
from docextract.errors import ExitCode

EXAMPLES = """\b
Examples:
  docextract doctor
  docextract doctor --json > report.json   # to be put into a report of a fault
  docextract doctor --device cuda
"""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    debug: DebugOption = False,
) -> None:
    """Look at the installation, the devices and the weights, and read a sample."""

    def work() -> ExitCode:
        with data_stream() as stream:
            from docextract.diagnosis import diagnose
            from docextract.report.tables import write_json

            with Progress("doctor") as progress:
                found = diagnose(model, device, progress.show)
            problems = found["problems"]
            if as_json:
                write_json(stream, {**found, "problems": [one.to_dict() for one in problems]})
            else:
                stream.writelines(f"{line}\n" for line in _lines(found))
            for problem in problems:
                complain(problem)
            return problems[0].exit_code if problems else ExitCode.OK

    raise typer.Exit(run(work, debug))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"docextract {found['docextract']}, Python {found['python']}, {found['system']}"
    yield ""
    for name, version in found["packages"].items():
        yield f"{name:<20}{version or 'missing: pip install docextract'}"
    for name, extra in found["extras"].items():
        yield f"{f'[{name}]':<20}{'installed' if extra['installed'] else extra['install']}"
    yield ""
    for device in found["devices"] or ():
        memory = f", {device['memory'] / 2**30:.0f} GiB" if "memory" in device else ""
        threads = f", {device['threads']} threads" if "threads" in device else ""
        yield f"{device['device']:<20}{device['name']}{memory}{threads}"
    for name, code in (found["kernels"] or {}).items():
        yield f"  {name:<18}{code}"
    yield ""
    for name, place in (found["places"] or {}).items():
        yield f"{name:<20}{place['path']} ({place['free'] / 1e9:.1f} GB free)"
    if checked := found["model"]:
        yield f"{'model':<20}{checked['model']}, {checked['parameters']:,} parameters"
        yield f"{'weights':<20}{checked['weights']}"
        yield from (f"  {words}" for words in checked["verified"])
    if test := found["test"]:
        yield ""
        yield (
            f"the sample was read rightly: loaded in {test['load']} s, read in {test['read']} s, "
            f"first token after {test['first_token']} s"
        )
