"""The same workers on many machines, placed and replaced by Ray.

Ray Data maps tasks over a pool of actors, each of which holds what a batch on one machine holds: a
process with the model, and the processes that open documents. The batch itself stays where it was
started, and with it the ledger. Ray has tasks read again whose actor or machine is lost. Those that
are lost again and again are tried one at a time, and the one that is lost then has done it.
"""

import atexit
import logging
import os
import pickle
import queue
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from docextract.batch.inputs import File
from docextract.batch.job import Job, Outcome, Task
from docextract.batch.worker import Read, Workers
from docextract.errors import CrashedError, DeviceError, DocextractError, UsageError, our_fault

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # nor to us what Ray sets right itself
try:
    import pyarrow as arrow
    import ray
    from ray.data import ActorPoolStrategy, DataContext, Dataset, from_items
except ImportError as error:
    raise UsageError("Ray is not installed", hint="pip install 'docextract[ray]'") from error

LOCAL: Final = "local"
"""Ray on this machine alone, for as long as the batch."""

_IN_A_PLAN = 10_000  # tasks that Ray is given together; each plan starts its actors anew
_IN_A_BLOCK = 8  # tasks that an actor takes together: lost together, and told of together
_BETWEEN_WAITS = 100
_ATTEMPTS = 3  # at a task, before it is tried alone, and then before it is given up
_PATIENCE = 10.0  # seconds
_TICK = 0.1

_Told = queue.SimpleQueue[Read | DocextractError | None]
"""What became of tasks; None: not begun."""


class Cluster:
    """Actors that read documents, in the place of Workers; see there.

    `address`: of Ray's head, or `auto`, or LOCAL. `jobs`: how many actors, None: as many as there
    is room for. `gpus`: the share of a GPU that each takes, None: a whole one where there are any.

    Raises:
        DeviceError: there is no such cluster, or no room in it.
    """

    def __init__(
        self,
        job: Job,
        address: str,
        jobs: int | None,
        gpus: float | None,
        memory: int,
        debug: bool = False,
    ) -> None:
        self._started = not ray.is_initialized()
        if self._started:
            _connect(address, debug)
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1  # what is lost is missed afterwards
        self._size, self._share = _share_out(jobs, gpus)
        # By reference: Ray writes down its plans, and the job may hold passwords.
        self._actor = (ray.put(job), memory, debug, str(Path.cwd()))
        self._gate: Any = None
        self._planned: list[Task] = []
        self._running: dict[str, Task] = {}
        self._fresh = 0
        self._alone = self._stopped = False
        self._arrived: _Told = queue.SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether a document is being read, or will be."""
        return bool(self._planned or self._running)

    @property
    def has_room(self) -> bool:
        """Whether a document may be planned; after some, `wait` wants to be called."""
        return self._fresh < _BETWEEN_WAITS and len(self._planned) < _IN_A_PLAN

    def submit(self, task: Task) -> None:
        """Plan a document. What is planned begins when nothing more comes, or enough has come."""
        self._planned.append(task)
        self._fresh += 1

    def wait(self, seconds: float) -> list[Read]:
        """What has been read since; after `seconds` at the latest, though it be nothing.

        Raises:
            DocextractError: the model cannot be loaded.
        """
        complete = not self._fresh or len(self._planned) >= _IN_A_PLAN
        if complete and self._planned and not self._running:
            self._begin(self._planned)
            self._planned = []
        patience = 0.0 if self._fresh else seconds
        self._fresh = 0
        return list(self._take(patience))

    def stop(self) -> None:
        """Let the actors finish what they have begun, and nothing else."""
        if not self._stopped:
            self._stopped = True
            self._planned = []
            if self._gate:
                self._gate.close.remote()

    def close(self) -> None:
        """End it all at once."""
        self.stop()
        if self._started:
            ray.shutdown()

    def _begin(self, tasks: list[Task], alone: bool = False) -> None:
        """Have these read, two blocks at a time by each actor: while one has its last documents
        read, the other has begun. Or each task `alone` in its actor.
        """
        self._alone = alone
        self._running = {task.key: task for task in tasks}
        gate: Any = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Gate)
        self._gate = gate.remote()
        # Small blocks where tasks are few keep every actor busy to the end.
        together = 1 if alone else min(_IN_A_BLOCK, -(-len(tasks) // (4 * self._size)))
        blocks = -(-len(tasks) // together)
        reads = from_items([_row(task) for task in tasks], override_num_blocks=blocks).map_batches(
            _Actor,
            fn_constructor_args=(*self._actor, self._gate),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(
                size=min(self._size, blocks),
                max_tasks_in_flight_per_actor=1 if alone else 2,
                max_concurrent_calls_per_actor=1 if alone else 2,
                enable_true_multi_threading=True,
            ),
            num_cpus=1,
            num_gpus=self._share,
        )
        threading.Thread(target=self._follow, args=(reads,), daemon=True).start()

    def _follow(self, reads: Dataset) -> None:
        """Put what becomes of tasks where `wait` finds it; None is the end."""
        try:
            for batch in reads.iter_batches(batch_size=None, prefetch_batches=0):
                for pickled in batch["read"]:
                    self._arrived.put(pickle.loads(pickled))
            self._arrived.put(None)
        except Exception as error:
            self._arrived.put(
                DeviceError(
                    f"Ray has failed ({error})",
                    hint="see to its machines, then give the same command: it goes on where it was",
                )
            )

    def _take(self, seconds: float) -> Iterator[Read]:
        try:
            arrived = self._arrived.get(timeout=seconds) if seconds else self._arrived.get_nowait()
            while True:
                if isinstance(arrived, DocextractError):
                    raise arrived
                if arrived:
                    if self._running.pop(arrived.task.key, None):  # lost blocks may come twice
                        yield arrived
                else:
                    yield from self._end_plan()
                arrived = self._arrived.get_nowait()
        except queue.Empty:
            return

    def _end_plan(self) -> Iterator[Read]:
        lost, self._running = list(self._running.values()), {}
        if not lost or self._stopped:
            return
        if not self._alone:
            self._begin(lost, alone=True)
            return
        for task in lost:
            error = CrashedError(
                f"{task.file.name}: the process or the machine that reads it is lost each time",
                hint="if memory was short: --budget fast; else the file may be damaged",
            )
            yield Read(task, Outcome.failed(error))


class _Gate:
    """Tells all actors what they may begin."""

    def __init__(self) -> None:
        self._closed = False
        self._attempts: Counter[str] = Counter()

    def may_begin(self, key: str) -> bool:
        self._attempts[key] += 1
        return not self._closed and self._attempts[key] <= _ATTEMPTS

    def close(self) -> None:
        self._closed = True


class _Actor:
    """A worker, on whichever machine Ray has put it."""

    def __init__(self, job: Any, memory: int, debug: bool, folder: str, gate: Any) -> None:
        if Path(folder).is_dir():
            os.chdir(folder)  # a schema or a model may be named from there
        # What Ray runs its actors from is nothing that their children need to load.
        vars(sys.modules["__main__"]).pop("__file__", None)
        self._tasks: queue.SimpleQueue[tuple[Task, _Told]] = queue.SimpleQueue()
        arguments = (ray.get(job), memory, debug, gate)
        threading.Thread(target=self._work, args=arguments, daemon=True).start()

    def __call__(self, batch: arrow.Table) -> arrow.Table:
        """What became of the tasks in a table; of those alone that were read."""
        told: _Told = queue.SimpleQueue()
        for row in batch.to_pylist():
            self._tasks.put((_task(row), told))
        reads = [told.get() for _ in range(batch.num_rows)]
        pickled = [pickle.dumps(read) for read in reads if read]
        return arrow.table({"read": arrow.array(pickled, arrow.binary())})

    def _work(self, job: Job, memory: int, debug: bool, gate: Any) -> None:
        """Give the worker what comes, and tell what becomes of it, or why nothing can."""
        waiting: dict[str, _Told] = {}
        try:
            with Workers(job, 1, memory, debug) as workers:
                atexit.register(workers.close)  # else an actor would wait for its own child
                while True:
                    while workers.has_room and not self._tasks.empty():
                        task, told = self._tasks.get()
                        if ray.get(gate.may_begin.remote(task.key)):
                            waiting[task.key] = told
                            workers.submit(task)
                        else:
                            told.put(None)
                    for read in workers.wait(_TICK):
                        waiting.pop(read.task.key).put(read)
        except Exception as error:
            fatal = error if isinstance(error, DocextractError) else our_fault(error)
            for told in waiting.values():
                told.put(fatal)
            while True:
                self._tasks.get()[1].put(fatal)


def _row(task: Task) -> dict[str, Any]:
    """A task in types of Arrow's, whose texts are UTF-8 and nothing else."""
    file = task.file
    return {"key": task.key, "path": os.fsencode(file.path), "name": os.fsencode(file.name)}


def _task(row: dict[str, Any]) -> Task:
    return Task(row["key"], File(os.fsdecode(row["path"]), os.fsdecode(row["name"])))


def _connect(address: str, debug: bool) -> None:
    """Reach Ray, or start it where it is LOCAL; it says nothing unless something is wrong."""
    options: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    ours = signal.getsignal(signal.SIGTERM)  # Ray would take it
    host, _, port = address.rpartition(":")
    try:
        if host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), _PATIENCE).close()
        ray.init(address=address, log_to_driver=debug, logging_level=logging.ERROR, **options)
    except (OSError, ValueError, OverflowError, RuntimeError) as error:
        raise DeviceError(
            f"{address}: Ray cannot be reached there ({error})",
            hint="give the address of its head (host:6379), auto on one of its machines, or none",
        ) from error
    signal.signal(signal.SIGTERM, ours)


def _share_out(jobs: int | None, gpus: float | None) -> tuple[int, float]:
    """How many actors, and the share of a GPU that each takes beside one processor."""
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    share = float(bool(there.get("GPU"))) if gpus is None else gpus
    room = there.get("CPU", 0.0)
    if share:
        room = min(room, there.get("GPU", 0.0) / share)
    if room < 1:
        raise DeviceError(
            f"no machine of the cluster has a processor and {share:g} of a GPU to give",
            hint="start Ray where they are, take less with --gpu-share, or use --device cpu",
        )
    return jobs or int(room), share
