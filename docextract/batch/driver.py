"""A batch from its first file to its summary: the one place where ledger and workers meet."""

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from docextract.batch.inputs import SUFFIXES, File, Inputs, key_of, stamp_of
from docextract.batch.job import Job, Outcome, Task
from docextract.batch.ledger import Ledger
from docextract.batch.watching import Watcher
from docextract.batch.worker import Crew, Read, Workers
from docextract.errors import ExitCode, MissingFileError, NothingToDoError

MEMORY = 4 * 2**30
"""Bytes that opening and drawing a document may take."""

_TICK = 0.2  # seconds between looks at the clock
_LIFE = 5.0  # seconds between signs of life
_AT_ONCE = 100  # files that are hashed between looks at the workers


@dataclass(frozen=True)
class Options:
    """How a batch is run; nothing here decides what a document becomes.

    `retry`: states, of `failed` and `review`, whose documents are read again. `max_failures`: end
    when so many have failed in this run. `watch`: go on for ever, with new files as they arrive.
    `ray`: the address of a Ray cluster whose machines read the documents, each worker with so many
    `gpus`; see docextract.batch.distributed.
    """

    jobs: int | None = None
    retry: tuple[str, ...] = ()
    max_failures: int | None = None
    memory: int = MEMORY
    watch: bool = False
    ray: str | None = None
    gpus: float | None = None
    debug: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a batch is. `files` are all inputs; `states` counts those that are `done`, in `review`
    or `failed`, in this run or before; `read` documents were read in this run, in `seconds`.
    """

    files: int
    states: Counter[str]
    read: int
    seconds: float

    @property
    def left(self) -> int:
        """Files that are still to be read."""
        return self.files - self.states.total()


@dataclass(frozen=True)
class Summary(Standing):
    """How a batch ended. `failures` counts errors by name and hint; `passed_over` counts files that
    were taken for no documents, by suffix; `ended` says why it ended before its time, if it did.
    """

    failures: Counter[tuple[str, str]]
    passed_over: Counter[str]
    ended: Literal["interrupted", "too many failures"] | None

    def exit_code(self, strict: bool) -> ExitCode:
        """What the process says; `strict`: that a person should look at some, too."""
        failed = self.states["failed"]
        if self.ended == "interrupted":
            return ExitCode.INTERRUPTED
        if failed:
            return ExitCode.ALL_FAILED if failed == self.files else ExitCode.SOME_FAILED
        return ExitCode.REVIEW if strict and self.states["review"] else ExitCode.OK


class Audience(Protocol):
    """Who follows a batch, and may end it."""

    def tick(self, standing: Standing) -> None:
        """Time goes by: called several times a second."""

    def read(self, file: File, outcome: Outcome) -> None:
        """A document was read, from this file."""

    def wants_end(self) -> bool:
        """Whether to finish what is being read and end."""


def run_batch(
    job: Job, inputs: Inputs, ledger: Ledger, options: Options, audience: Audience
) -> Summary:
    """Read all documents of `inputs` that the ledger does not know yet.

    Raises:
        NothingToDoError: there are no documents.
        MissingFileError: a folder of documents vanished.
        OutputError: the ledger or the results cannot be written.
        SchemaError, ModelError, DeviceError: the job cannot be done.
    """
    with _Batch(job, inputs, ledger, options, audience) as batch:
        return batch.run()


class _Batch:
    def __init__(
        self, job: Job, inputs: Inputs, ledger: Ledger, options: Options, audience: Audience
    ) -> None:
        self._job = job
        self._inputs = inputs
        self._ledger = ledger
        self._options = options
        self._audience = audience
        self._watcher = Watcher(inputs) if options.watch else None
        self._workers: Crew | None = None
        self._paths: set[str] = set()
        self._to_admit: deque[File] = deque()
        self._to_read: deque[Task] = deque()
        self._passed_over: Counter[str] = Counter()
        self._started = time.monotonic()
        self._read = self._failed = 0
        self._life = _Every(_LIFE)
        self._count = _Every(_TICK)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers:
            self._workers.close()

    def run(self) -> Summary:
        self._look_for_files()
        if not self._paths and not self._watcher:
            raise _no_documents(self._passed_over)
        if self._options.retry:
            self._ledger.again(self._options.retry)
        while True:
            self._keep_time()
            ended = self._ended()
            if not ended:
                self._prepare()
                self._hand_out()
            elif self._workers:
                self._workers.stop()
            if self._workers and (self._workers.busy or (self._to_read and not ended)):
                for read in self._workers.wait(_TICK):
                    self._finish(read)
            elif ended or not (self._to_admit or self._more_may_come()):
                break
        self._ledger.settle()
        standing = self._standing()
        return Summary(
            **vars(standing),
            failures=self._ledger.failures(),
            passed_over=self._passed_over,
            ended=ended if standing.left else None,
        )

    def _look_for_files(self) -> None:
        found = self._watcher.look() if self._watcher else self._inputs.find()
        self._passed_over = found.passed_over
        self._paths.update(file.path for file in found.files)
        self._to_admit.extend(found.files)
        self._ledger.expect(found.files)

    def _prepare(self) -> None:
        """Admit files until there is a document to read, or for a while."""
        for _ in range(_AT_ONCE):
            if self._to_read:
                return
            if self._to_admit:
                self._admit(self._to_admit.popleft())
            task = self._ledger.claim(again=not self._to_admit)
            if task:
                self._to_read.append(task)
            elif not self._to_admit:
                return

    def _admit(self, file: File) -> None:
        stamp = stamp_of(file)
        if stamp.size < 0:
            self._inputs.check()
        key = self._ledger.known_key(file, stamp) or key_of(
            file, stamp, self._job.settings.limits.max_bytes
        )
        self._ledger.admit(file, stamp, key)

    def _hand_out(self) -> None:
        if self._to_read and not self._workers:
            self._workers = self._hire()
        while self._to_read and self._workers and self._workers.has_room:
            self._workers.submit(self._to_read.popleft())
            self._prepare()

    def _hire(self) -> Crew:
        options = self._options
        if options.ray is None:
            jobs = options.jobs or 1
            if not options.watch:
                jobs = min(jobs, len(self._paths))
            return Workers(self._job, jobs, options.memory, options.debug)
        from docextract.batch.distributed import Cluster  # Ray is an extra

        return Cluster(
            self._job, options.ray, options.jobs, options.gpus, options.memory, options.debug
        )

    def _finish(self, read: Read) -> None:
        error = read.outcome.error
        if error and error["name"] == MissingFileError.name:
            self._inputs.check()
        if self._ledger.finish(read.task.key, read.outcome):
            self._read += 1
            self._failed += error is not None
            self._audience.read(read.task.file, read.outcome)

    def _more_may_come(self) -> bool:
        """Whether to wait: for what other processes read, or for new files."""
        if not self._watcher and not self._ledger.read_elsewhere():
            return False
        time.sleep(_TICK)
        return True

    def _ended(self) -> Literal["interrupted", "too many failures"] | None:
        if self._audience.wants_end():
            return "interrupted"
        most = self._options.max_failures
        return "too many failures" if most is not None and self._failed >= most else None

    def _keep_time(self) -> None:
        if self._life.due():
            self._ledger.show_life()
        if self._watcher and self._watcher.due:
            self._inputs.check()
            self._look_for_files()
        if self._count.due():
            before = time.monotonic()
            self._audience.tick(self._standing())
            # Counting a million files takes a while; it shall not take all of it.
            self._count.seconds = max(_TICK, 20 * (time.monotonic() - before))

    def _standing(self) -> Standing:
        states = self._ledger.tally()
        read = Counter({state: states[state] for state in ("done", "review", "failed")})
        return Standing(len(self._paths), read, self._read, time.monotonic() - self._started)


class _Every:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.seconds:
            return False
        self._last = now
        return True


def _no_documents(passed_over: Counter[str]) -> NothingToDoError:
    others = f"; files that were passed over: {passed_over.total():,}" if passed_over else ""
    return NothingToDoError(
        f"there are no documents{others}",
        hint="documents are " + ", ".join(sorted(suffix[1:] for suffix in SUFFIXES)) + "; files of "
        "other names are read where they are named themselves",
    )
