"""docextract batch: folders of documents, with a ledger that remembers what is done."""

import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docextract.cli.configuration import ShowConfigOption
from docextract.cli.options import (
    LIMITS,
    SETTINGS,
    BudgetOption,
    DebugOption,
    DetailsOption,
    Device,
    DeviceOption,
    DryRunOption,
    Evidence,
    EvidenceOption,
    GpuShareOption,
    JobsOption,
    MaxAsksOption,
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
    SchemaOption,
    SplitOption,
    StrictOption,
    TimeoutOption,
    WatchOption,
    given,
    passwords_of,
)
from docextract.console import Board, Progress, data_stream, duration, painted, run, say
from docextract.errors import ExitCode, OutputError, UsageError
from docextract.settings import Limits, Settings, parse_budget

if TYPE_CHECKING:
    from docextract.batch.driver import Options, Standing, Summary
    from docextract.batch.inputs import File, Inputs
    from docextract.batch.job import Job, Outcome
    from docextract.batch.planning import Plan

EXAMPLES = """\b
Examples:
  docextract batch inbox/ --schema invoice -o results.jsonl
  docextract batch 'scans/**/*.pdf' --schema receipt -o receipts.jsonl --jobs 2
  find . -name '*.pdf' -print0 | docextract batch --files-from - --schema invoice -o all.jsonl
  docextract batch inbox/ --schema invoice -o results.jsonl --retry failed --password-file secret
  docextract batch inbox/ --schema invoice -o results.jsonl --dry-run
  docextract batch inbox/ --schema invoice -o results.jsonl --watch
  docextract batch s3://bucket/inbox --schema invoice -o results.jsonl --ray head:6379

\b
The same command goes on where an earlier one stopped, for whatever reason. What it
knows is in results.jsonl.ledger; the exit code speaks of all files, not of the last run.
"""

GIB = 2**30
_ADDRESS = re.compile(r"auto|local|[\w.-]+:\d+")


class Again(StrEnum):
    """Whose documents are read again."""

    failed = "failed"
    review = "review"


def batch(
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="FOLDER|GLOB|URL...", help="Folders are searched to their depths."),
    ] = None,
    schema: SchemaOption = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="OUT", help="JSON lines, one for each file. Needed."),
    ] = None,
    jobs: JobsOption = None,
    files_from: Annotated[
        str | None,
        typer.Option(metavar="F", help="Names of files, a line each or ended by zero bytes."),
    ] = None,
    retry: Annotated[
        list[Again] | None, typer.Option(help="Read these again; may be given twice.")
    ] = None,
    max_failures: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="End when so many have failed.")
    ] = None,
    dry_run: DryRunOption = False,
    watch: WatchOption = False,
    ray: RayOption = None,
    gpu_share: GpuShareOption = None,
    split: SplitOption = False,
    details: DetailsOption = False,
    strict: StrictOption = False,
    min_confidence: MinConfidenceOption = None,
    overwrite: OverwriteOption = False,
    budget: BudgetOption = None,
    pages: PagesOption = None,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    evidence: EvidenceOption = Evidence.words,
    max_pages: MaxPagesOption = LIMITS.max_pages,
    max_pixels: MaxPixelsOption = LIMITS.max_pixels,
    max_bytes: MaxBytesOption = LIMITS.max_bytes,
    max_memory: MaxMemoryOption = 4,
    timeout: TimeoutOption = SETTINGS.timeout,
    max_asks: MaxAsksOption = SETTINGS.max_asks,
    debug: DebugOption = False,
    show_config: ShowConfigOption = False,
) -> None:
    """Read folders of documents; nothing is lost, nothing read twice, no file stops the others."""

    def work() -> ExitCode:
        results = results_file(out)
        staff = Staff(device, jobs, ray, gpu_share, int(max_memory * GIB))
        settings = Settings(
            budget=parse_budget(budget) if budget else None,
            pages=pages,
            passwords=passwords_of(password, password_file),
            limits=Limits(max_pages, max_pixels, max_bytes),
            min_confidence=min_confidence,
            timeout=timeout,
            max_asks=max_asks,
            evidence=evidence.value,
        )
        with data_stream() as data:
            from docextract.batch.driver import run_batch
            from docextract.batch.extracting import Extracting
            from docextract.batch.inputs import Inputs, read_list
            from docextract.batch.ledger import Ledger, files_of

            job = Extracting(given(schema), model, device, settings, details, split)
            listed = read_list(files_from) if files_from else []
            inputs = Inputs(places or [], listed, excluded=files_of(results))
            if dry_run:
                data.write(staff.foretold(job, inputs, results))
                return ExitCode.OK
            options = staff.options(
                retry or (), watch=watch, max_failures=max_failures, debug=debug
            )
            with (
                Ledger(results, job, overwrite) as ledger,
                Board("files") as board,
                Follower(board).listening() as audience,
            ):
                summary = run_batch(job, inputs, ledger, options, audience)
            for line in words_of_end(summary, results):
                say(line)
            return summary.exit_code(strict)

    raise typer.Exit(run(work, debug))


@dataclass(frozen=True)
class Staff:
    """Who reads the documents of a batch: processes here, or those of a Ray cluster.

    `memory`: bytes that opening a document may take. Raises UsageError for a share without --ray.
    """

    device: Device
    jobs: int | None
    ray: str | None
    gpu_share: float | None
    memory: int

    def __post_init__(self) -> None:
        if self.gpu_share is not None and self.ray is None:
            raise UsageError("--gpu-share speaks of the machines of --ray", hint="add --ray")

    def options(self, retry: Sequence[Again], **others: Any) -> "Options":
        """How the batch is run; `others` are those of `Options`."""
        from docextract.batch.driver import Options

        return Options(
            jobs=self.jobs if self.ray else self._processes(),
            retry=tuple(map(str, retry)),
            memory=self.memory,
            ray=self.ray,
            gpus=0 if self.device is Device.cpu else self.gpu_share,
            **others,
        )

    def foretold(self, job: "Job", inputs: "Inputs", results: Path) -> str:
        """What the batch would do, in lines for a person."""
        from docextract.batch.planning import plan

        with Progress("counting") as progress:
            planned = plan(job, inputs, results, self.memory, progress.show)
        return _words_of_plan(planned, self._processes())

    def _processes(self) -> int:
        from docextract.batch.processes import processes_for

        return self.jobs or processes_for(self.device)


def spelled_out(words: Sequence[str]) -> list[str]:
    """The words of the command, with an address behind each bare --ray.

    Typer knows no option whose value may be left out.
    """
    following = [*words[1:], ""]
    return [
        f"{word}=local" if word == "--ray" and not _ADDRESS.fullmatch(after) else word
        for word, after in zip(words, following, strict=True)
    ]


class Follower:
    """Shows a batch on the board, and takes Ctrl+C to it."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._interrupted = False

    def tick(self, standing: "Standing") -> None:
        """Draw the bar anew."""
        words = "".join(
            f", {standing.states[state]:,} {said}"
            for state, said in (("failed", "failed"), ("review", "for review"))
            if standing.states[state]
        )
        if standing.read:
            rate = standing.read / standing.seconds
            words += f" · {rate:.2g} a second, {duration(standing.left / rate)} left"
        self._board.show(standing.files - standing.left, standing.files, words)

    def read(self, file: "File", outcome: "Outcome") -> None:
        """Say at once what failed."""
        if outcome.error:
            message, hint = outcome.error["message"], outcome.error["hint"]
            words = message if message.startswith(file.name) else f"{file.name}: {message}"
            self._board.say(f"{painted('failed:', 31)} {words}{f' ({hint})' if hint else ''}")

    def wants_end(self) -> bool:
        """After one Ctrl+C."""
        return self._interrupted

    @contextmanager
    def listening(self) -> "Iterator[Follower]":
        """The first Ctrl+C asks the batch to end, the second interrupts it like any program."""
        before = {number: signal.signal(number, self._hear) for number in _ENDING}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
        self._board.say("finishing what is being read; Ctrl+C once more stops at once")


_ENDING = (signal.SIGINT, signal.SIGTERM)


def results_file(out: Path | None) -> Path:
    """Where the lines of a batch go. Raises UsageError for what is no file of lines."""
    if out is None:
        raise UsageError("no file for the results is given", hint="add -o results.jsonl")
    if out.suffix.lower() in (".csv", ".json", ".xlsx", ".parquet"):
        raise UsageError(
            f"{out}: a batch writes JSON lines",
            hint=f"-o {out.with_suffix('.jsonl')}; docextract table makes {out.name} of them",
        )
    if not out.parent.is_dir():
        raise OutputError(
            f"{out}: there is no such folder", hint=f"make the folder {out.parent} first"
        )
    return out


def _words_of_plan(plan: "Plan", jobs: int) -> str:
    known = [f"{plan.finished:,} read before"] if plan.finished else []
    known += [f"{plan.copies:,} copies of others"] if plan.copies else []
    known += [f"{plan.unreadable:,} that cannot be opened"] if plan.unreadable else []
    if plan.seconds is None:
        estimate = "none yet: no page was read with these settings"
    else:
        estimate = f"{duration(plan.seconds / jobs)}, as earlier pages took"
    aside = f" ({', '.join(known)})" if known else ""
    return (
        f"files     {plan.files:,}{aside}\npages     {plan.pages:,} to read\nestimate  {estimate}\n"
    )


def words_of_end(summary: "Summary", results: Path) -> Iterator[str]:
    """How a batch ended, in lines for a person."""
    states = summary.states
    yield (
        f"{summary.files:,} files: {states['done']:,} ok, {states['review']:,} for review, "
        f"{states['failed']:,} failed{f', {summary.left:,} left' if summary.left else ''}"
    )
    if summary.read:
        rate = summary.read / summary.seconds
        yield (
            f"{summary.read:,} documents read in {duration(summary.seconds)}, {rate:.2g} a second"
        )
    for (name, hint), count in summary.failures.most_common():
        yield f"  {count:,} {name}{f': {hint}' if hint else ''}"
    if states["failed"]:
        yield "  to read them again: the same command with --retry failed"
    if summary.passed_over:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in summary.passed_over.most_common(5))
        yield f"passed over, as no documents: {kinds}"
    if summary.ended:
        yield f"{summary.ended}: the same command goes on"
    yield f"results: {results}"
