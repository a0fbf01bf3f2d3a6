"""Work on many files with a model, in this process or in several of one thread each."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import cache
from multiprocessing import get_context
from typing import Any, TypeVar

from docextract.readers import Reader, open_reader
from docextract.settings import Settings

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[T, Reader, Settings], R]
"""A function of a module, so that it can travel, as its tasks and results do."""


def work_through(
    tasks: Iterable[T], work: Work[T, R], settings: Settings, model: str, device: str, jobs: int
) -> Iterator[R]:
    """What the work makes of each task, in their order.

    Raises what `open_reader` and the work raise.
    """
    if jobs == 1:
        with closing(open_reader(model, device)) as reader:
            for task in tasks:
                yield work(task, reader, settings)
        return
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=_enter, initargs=(work, settings, model, device)
    )
    try:
        yield from pool.map(_work_in_worker, tasks)
    finally:
        pool.shutdown(cancel_futures=True)


_worker: tuple[Work[Any, Any], Settings, str, str]


def _enter(work: Work[Any, Any], settings: Settings, model: str, device: str) -> None:
    """Before torch comes: a worker shares the machine with others and computes in one thread."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is the parent's to tell of
    os.environ["OMP_NUM_THREADS"] = "1"
    _worker = (work, settings, model, device)


@cache
def _reader_of_worker() -> Reader:
    _, _, model, device = _worker
    return open_reader(model, device)


def _work_in_worker(task: Any) -> Any:
    work, settings, _, _ = _worker
    return work(task, _reader_of_worker(), settings)
