"""Processes that hold the model and read documents.

In each are *lanes*: threads that take a document through its reading, with an opener of their own.
There is one lane more than the model takes questions at once, so that the next document's pages
are drawn while the model works. A process that dies or overruns a document's time is replaced.
"""

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Protocol

from docextract.batch.job import Job, Outcome, Task, Work
from docextract.batch.opener import MOST_SECONDS, Opener
from docextract.batch.processes import end, leave, share_of_threads, start, words_of_death
from docextract.errors import CrashedError, DocextractError, ModelError, TimedOutError, our_fault

_PATIENCE = 2.0  # seconds for a process to see that it is not wanted any more
_GRACE = 30.0  # seconds beyond its time in which a document may still end by itself


@dataclass(frozen=True)
class Read:
    """What became of a document."""

    task: Task
    outcome: Outcome


class Crew(Protocol):
    """Those who read the documents of a batch."""

    @property
    def busy(self) -> bool:
        """Whether a document is being read."""

    @property
    def has_room(self) -> bool:
        """Whether one more may be submitted now."""

    def submit(self, task: Task) -> None:
        """Have a document read."""

    def wait(self, seconds: float) -> list[Read]:
        """What has been read since; after `seconds` at the latest, though it be nothing.

        Raises:
            DocextractError: the model cannot be loaded.
        """

    def stop(self) -> None:
        """Begin no other document; what was submitted and not begun is left unread."""

    def close(self) -> None:
        """End all reading at once."""


class Workers:
    """So many processes as `jobs`, each with the model. Close them, or use a `with`.

    `memory`: bytes that opening a document may take. `debug`: show where faults come from.
    """

    def __init__(self, job: Job, jobs: int, memory: int, debug: bool = False) -> None:
        self._workers = [_Worker(job, memory, debug, share_of_threads(jobs)) for _ in range(jobs)]

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Whether a document is being read."""
        return any(worker.busy for worker in self._workers)

    @property
    def has_room(self) -> bool:
        """Whether a document would be read at once."""
        return any(worker.room > 0 for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Have a document read by the process with the most room."""
        max(self._workers, key=lambda worker: worker.room).submit(task)

    def wait(self, seconds: float) -> list[Read]:
        """What has been read since; after `seconds` at the latest, though it be nothing.

        Raises:
            DocextractError: the model cannot be loaded.
        """
        by_connection = {worker.connection: worker for worker in self._workers}
        read: list[Read] = []
        for connection in wait(list(by_connection), seconds):
            assert isinstance(connection, Connection)
            read += by_connection[connection].hear()
        for worker in self._workers:
            read += worker.end_overdue()
        return read

    def stop(self) -> None:
        """Nothing: what was submitted has begun."""

    def close(self) -> None:
        """End all processes at once."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """One process as the batch sees it.

    When it dies with several documents in it, nobody knows which of them did it. They are suspects
    then: its successor takes them one at a time and nothing else, and the culprit dies alone.
    """

    def __init__(self, job: Job, memory: int, debug: bool, threads: int) -> None:
        self._job = job
        self._arguments = (job, memory, debug)
        self._threads = threads
        self._suspects: deque[Task] = deque()
        self._start()

    def _start(self) -> None:
        self._process, self.connection = start(
            serve, *self._arguments, name="docextract worker", threads=self._threads
        )
        self._lanes = 0  # until the model is loaded
        self._running: dict[str, tuple[Task, float]] = {}
        self._alone = False

    @property
    def busy(self) -> bool:
        return bool(self._running or self._suspects)

    @property
    def room(self) -> int:
        closed = self._alone or self._suspects
        return 0 if closed else self._lanes - len(self._running)

    def submit(self, task: Task) -> None:
        self._running[task.key] = (task, time.monotonic())
        try:
            self.connection.send(task)
        except OSError:
            return  # it has died; hear() will find out, and knows what was in it

    def hear(self) -> Iterator[Read]:
        """Take what the process has sent."""
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            yield from self._bury()
            return
        if isinstance(message, DocextractError):
            raise message
        if isinstance(message, Read):
            del self._running[message.task.key]
            self._alone = False
            yield message
        else:
            self._lanes = message
        self._try_suspect()

    def end_overdue(self) -> Iterator[Read]:
        """End the process if a document in it has long overrun its time."""
        timeout = self._job.settings.timeout
        if timeout is None:
            return
        late = time.monotonic() - timeout - MOST_SECONDS - _GRACE
        overdue = [task for task, since in self._running.values() if since < late]
        if not overdue:
            return
        others = [task for task, _ in self._running.values() if task not in overdue]
        self._replace(others)
        for task in overdue:
            error = TimedOutError(
                f"{task.file.name}: not read within {timeout:g} seconds",
                hint="allow more: --timeout",
            )
            yield Read(task, Outcome.failed(error, timeout))

    def close(self) -> None:
        end(self._process, self.connection, _PATIENCE)

    def _bury(self) -> Iterator[Read]:
        how = words_of_death(self._process)
        if not self._lanes:
            raise ModelError(
                f"the process that was loading the model ended ({how})",
                hint="if memory was short: --jobs 1, or --device cpu",
            )
        tasks = [task for task, _ in self._running.values()]
        if len(tasks) != 1:
            self._replace(tasks)
            return
        self._replace([])
        error = CrashedError(
            f"{tasks[0].file.name}: reading it ended the process ({how})",
            hint="if memory was short: --budget fast; else the file may be damaged",
        )
        yield Read(tasks[0], Outcome.failed(error))

    def _replace(self, suspects: list[Task]) -> None:
        self.close()
        self._suspects.extend(suspects)
        self._start()

    def _try_suspect(self) -> None:
        if self._suspects and not self._running:
            self._alone = True
            self.submit(self._suspects.popleft())


def serve(connection: Connection, job: Job, memory: int, debug: bool) -> None:
    """The process: load the model, then read what comes until nobody is left to send."""
    try:
        work = job.open()
        lanes = work.at_once + 1
    except Exception as error:
        connection.send(error if isinstance(error, DocextractError) else our_fault(error))
        return
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    turn = threading.Lock()

    def lane() -> None:
        opener = Opener(memory)
        while True:
            task = tasks.get()
            outcome = read_one(work, opener, task, job, debug)
            with turn:
                connection.send(Read(task, outcome))

    for _ in range(lanes):
        threading.Thread(target=lane, daemon=True).start()
    connection.send(lanes)
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        leave()  # whoever wanted to know is gone; the openers go when they see us gone


def read_one(work: Work, opener: Opener, task: Task, job: Job, debug: bool = False) -> Outcome:
    """What becomes of a document; whatever goes wrong with it is its own."""
    started = time.perf_counter()
    try:
        with opener.open(task, job.settings) as document:
            outcome = work.read(document)
    except DocextractError as error:
        if debug:
            traceback.print_exc()
        outcome = Outcome.failed(error)
    except Exception as error:
        if debug:
            traceback.print_exc()
        outcome = Outcome.failed(our_fault(error))
    return replace(outcome, seconds=time.perf_counter() - started)
