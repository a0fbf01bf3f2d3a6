"""docextract count: how many of a thing, and where, in pictures, PDFs and folders of them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docextract.cli.batches import GIB, Again, Follower, Staff, results_file, words_of_end
from docextract.cli.configuration import ShowConfigOption
from docextract.cli.documents import Show, code_of, visit_each
from docextract.cli.options import (
    LIMITS,
    SETTINGS,
    BudgetOption,
    DebugOption,
    Device,
    DeviceOption,
    DryRunOption,
    GpuShareOption,
    JobsOption,
    MaxBytesOption,
    MaxMemoryOption,
    MaxPagesOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    OverwriteOption,
    PagesOption,
    PasswordFileOption,
    PasswordOption,
    RayOption,
    StrictOption,
    Tiles,
    TimeoutOption,
    WatchOption,
    passwords_of,
)
from docextract.console import Board, Progress, complain, data_stream, run, say
from docextract.errors import (
    DocextractError,
    EncryptedError,
    ExitCode,
    InputError,
    OutputError,
    UsageError,
)
from docextract.settings import Limits, Settings, parse_budget

if TYPE_CHECKING:
    from docextract.batch.counting import Counting
    from docextract.batch.driver import Options
    from docextract.batch.inputs import Inputs
    from docextract.batch.ledger import Ledger
    from docextract.counting.assignment import Assignment
    from docextract.pages import Document
    from docextract.readers import Reader
    from docextract.records import Count


class Format(StrEnum):
    """How counts are written."""

    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    table = "table"


EXAMPLES = """\b
Examples:
  docextract count shelf.jpg --object bottle
  docextract count shelf.jpg --object bottle --object can --overlay seen/ --format table
  docextract count photos/ --object box --csv report.csv --expected expected.csv
  docextract count photos/ --object box -o counts.jsonl --zones zones.json --jobs 2
  docextract count photos/ --object box -o counts.jsonl --watch
  docextract count forms.pdf --object signature --object stamp --pages 1-3

\b
A count is the number of marks, each with its place. What can be seen is counted: a photo of
a shelf shows visible facings, not the stock behind them. Folders are counted once: the same
command goes on where an earlier one stopped. What a CSV sums up stands in report-summary.csv.
"""


def count(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE|PDF|FOLDER...", help="Pictures, PDFs and folders; - is stdin."
        ),
    ],
    objects: Annotated[
        list[str] | None,
        typer.Option("--object", metavar="NAME", help="What to count; may be given several times."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="What goes to stdout.")] = Format.jsonl,
    table: Annotated[
        Path | None,
        typer.Option("--csv", metavar="report.csv", help="A row for each picture and object."),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Draw the pictures again, with numbered dots."),
    ] = None,
    expected: Annotated[
        Path | None,
        typer.Option(
            metavar="counts.csv", help="What should be there: file, object or sku, expected."
        ),
    ] = None,
    zones: Annotated[
        Path | None,
        typer.Option(metavar="zones.json", help="Named polygons, counted one by one."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="OUT", help="JSON lines to a file, not to stdout."),
    ] = None,
    tiles: Annotated[
        Tiles, typer.Option(help="Whether dense pictures are looked at in parts.")
    ] = Tiles.auto,
    jobs: JobsOption = None,
    retry: Annotated[
        list[Again] | None, typer.Option(help="Count these again; may be given twice.")
    ] = None,
    dry_run: DryRunOption = False,
    watch: WatchOption = False,
    ray: RayOption = None,
    gpu_share: GpuShareOption = None,
    details: Annotated[
        bool,
        typer.Option("--details", help="With the form of the answer, the tiles and the size."),
    ] = False,
    strict: StrictOption = False,
    min_confidence: MinConfidenceOption = None,
    overwrite: OverwriteOption = False,
    budget: BudgetOption = None,
    pages: PagesOption = None,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    max_pages: MaxPagesOption = LIMITS.max_pages,
    max_pixels: MaxPixelsOption = LIMITS.max_pixels,
    max_bytes: MaxBytesOption = LIMITS.max_bytes,
    max_memory: MaxMemoryOption = 4,
    timeout: TimeoutOption = SETTINGS.timeout,
    debug: DebugOption = False,
    show_config: ShowConfigOption = False,
) -> None:
    """Count things in pictures, on pages of PDFs and in folders, by marking each."""

    def work() -> ExitCode:
        settings = Settings(
            budget=parse_budget(budget) if budget else None,
            pages=pages,
            passwords=passwords_of(password, password_file),
            limits=Limits(max_pages, max_pixels, max_bytes),
            min_confidence=min_confidence,
            timeout=timeout,
            tiles=tiles.value,
        )
        assignment = _assignment(objects or [], zones, expected)
        staff = Staff(device, jobs, ray, gpu_share, int(max_memory * GIB))
        if watch and not (out or table):
            raise UsageError("what is watched is kept in a file", hint="add -o counts.jsonl")
        several = out is not None or dry_run or watch or ray is not None
        several = several or _are_many(places, kept=table is not None)
        with ExitStack() as stack:
            stdout = stack.enter_context(data_stream())
            from docextract.batch.counting import Counting, status_of
            from docextract.batch.ledger import ledger_of
            from docextract.report.counts import (
                FACINGS,
                is_report,
                write_counts,
                write_csv,
                write_summary,
            )
            from docextract.report.tables import JsonLines

            results = stack.enter_context(_results(out, table)) if several else None
            job = Counting(assignment, model, device, settings, details)
            shut = [path for path in (overlay, expected, zones, *_sheets(table)) if path]
            if results and dry_run:
                inputs = _inputs(places, results, shut)
                stdout.write(staff.foretold(job, inputs, results))
                return ExitCode.OK
            # What went on from a ledger brings its own report up to date, and no other file.
            begun = results is not None and ledger_of(results).exists()
            sheets = [
                stack.enter_context(data_stream(path, overwrite or (begun and is_report(path))))
                for path in _sheets(table)
            ]
            counts: list[Count] = []
            if results:
                options = staff.options(retry or (), watch=watch, debug=debug)
                folders = _Folders(job, _inputs(places, results, shut), results, options)
                counts, code = folders.count(overlay, overwrite, strict)
            else:
                statuses = []
                for found in _count_files(places, assignment, settings, model, device, overlay):
                    statuses.append(status_of(found))
                    counts += found
                    if form is Format.jsonl:
                        for one in found:
                            JsonLines(stdout).write(one.to_dict(details))
                alone = counts[0].error["code"] if counts[0].error else ExitCode.ANSWER
                code = code_of(statuses, ExitCode(alone), strict)
            lines = [one.to_dict(details) for one in counts]
            if out is None and (results or form is not Format.jsonl):
                write_counts(stdout, lines, form)
            if sheets:
                write_csv(sheets[0], lines)
                write_summary(sheets[1], lines)
                say(f"{table}: {FACINGS}")
            if code is not ExitCode.INTERRUPTED:
                for entry in assignment.expected.unmet(counts):
                    say(f"expected, but in no picture: {entry.object} in {entry.file}")
            return code

    raise typer.Exit(run(work, debug))


def _are_many(places: Sequence[str], kept: bool) -> bool:
    """Whether a ledger pays: for folders, and for several files whose counts are `kept`."""
    patterns = (place for place in places if has_magic(place) and not Path(place).exists())
    folders = (place for place in places if Path(place).is_dir())
    return any(patterns) or any(folders) or (kept and len(places) > 1 and "-" not in places)


def _assignment(objects: Sequence[str], zones: Path | None, expected: Path | None) -> "Assignment":
    from docextract.counting.assignment import Assignment
    from docextract.counting.expected import Expected, load_expected
    from docextract.counting.zones import Zones, load_zones

    if not all(map(str.strip, objects)) or not (objects or expected):
        raise UsageError("nothing is to be counted", hint="name it: --object bottle")
    return Assignment(
        tuple(dict.fromkeys(objects)),
        load_zones(zones) if zones else Zones(()),
        load_expected(expected, objects) if expected else Expected(()),
    )


@contextmanager
def _results(out: Path | None, table: Path | None) -> Iterator[Path]:
    """Where the lines of folders and their ledger are: where the user says, beside the CSV, or
    nowhere for long.
    """
    if out or table:
        yield results_file(out or (table and table.with_suffix(".jsonl")))
        return
    with tempfile.TemporaryDirectory() as place:
        yield Path(place) / "counts.jsonl"


def _sheets(table: Path | None) -> list[Path]:
    """The CSV and, beside it, its summary."""
    return [table, table.with_name(f"{table.stem}-summary{table.suffix}")] if table else []


def _inputs(places: Sequence[str], results: Path, shut: Sequence[Path]) -> "Inputs":
    """The pictures of `places`; `shut` are files and folders of our own, which are none."""
    from docextract.batch.inputs import Inputs
    from docextract.batch.ledger import files_of

    return Inputs(places, excluded=[*files_of(results), *shut], every=True)


def _count_files(
    files: Sequence[str],
    assignment: "Assignment",
    settings: Settings,
    model: str,
    device: Device,
    overlay: Path | None,
) -> "Iterator[list[Count]]":
    """The lines of each file in turn; errors are told as they come."""
    from docextract.counting import count
    from docextract.report.overlay import save_overlays

    def visit(document: "Document", reader: "Reader", show: Show) -> "list[Count]":
        asked = assignment.asked(document.name)
        counts = assignment.reported(count(document, asked, reader, settings, tell=show))
        if overlay:
            show("drawing")
            save_overlays(document, counts, assignment.zones, overlay)
        return counts

    for file, found in visit_each(files, settings, model, device, visit):
        if isinstance(found, OutputError):
            raise found
        if isinstance(found, DocextractError):
            complain(found)
            yield assignment.failed(file, found)
        else:
            yield found


@dataclass(frozen=True)
class _Folders:
    """Places with many pictures, counted by the workers of a batch and remembered by its ledger."""

    job: "Counting"
    inputs: "Inputs"
    results: Path
    options: "Options"

    def count(
        self, overlay: Path | None, overwrite: bool, strict: bool
    ) -> "tuple[list[Count], ExitCode]":
        """All lines, of this run and of earlier ones."""
        from docextract.batch.driver import run_batch
        from docextract.batch.ledger import Ledger

        with (
            Ledger(self.results, self.job, overwrite) as ledger,
            Board("files") as board,
            Follower(board).listening() as audience,
        ):
            summary = run_batch(self.job, self.inputs, ledger, self.options, audience)
            if overlay and not summary.ended:
                self._draw(ledger, overlay)
            counts = [one for entry in ledger.entries() for one in self.job.counts(entry)]
        place = {file.name: number for number, file in enumerate(self.inputs.find().files)}
        counts.sort(key=lambda one: place.get(one.file, len(place)))  # not as they were finished
        for line in words_of_end(summary, self.results):
            say(line)
        return counts, summary.exit_code(strict)

    def _draw(self, ledger: "Ledger", overlay: Path) -> None:
        """Overlays of all that was counted. Pictures are opened as carefully as to be counted."""
        from docextract.batch.inputs import File
        from docextract.batch.job import Task
        from docextract.batch.opener import Opener
        from docextract.report.overlay import save_overlays

        with closing(Opener(self.options.memory)) as opener, Progress("overlays") as progress:
            for entry in ledger.entries():
                counts = self.job.counts(entry)
                if all(one.count is None for one in counts):
                    continue
                progress.show(entry.file)
                file = File(str(Path(entry.file).absolute()), entry.file)
                try:
                    with opener.open(Task(entry.sha256 or "", file), self.job.settings) as document:
                        save_overlays(document, counts, self.job.assignment.zones, overlay)
                except (InputError, EncryptedError) as error:
                    complain(error)
