"""Child processes that start clean, keep to their share, and always end."""

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

_SPAWN = get_context("spawn")  # to fork a process that has threads and a model is a gamble
_THREADS = "OMP_NUM_THREADS"
_MEMORY_OF_A_PROCESS = 2 * 2**30  # bytes; the bundled model takes 1.2 GiB
_starting = threading.Lock()


def start(
    serve: Callable[..., None], *arguments: object, name: str, threads: int
) -> tuple[BaseProcess, Connection]:
    """A new process that runs `serve(connection, *arguments)`, and our end of the connection.

    Its libraries for sums compute with so many `threads`. It hears no Ctrl+C.
    """
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_child, args=(serve, theirs, *arguments), name=name)
    with _starting, _interrupts_held(), _environment(_THREADS, str(threads)):
        process.start()
    theirs.close()
    return process, ours


def end(process: BaseProcess, connection: Connection, patience: float = 0.0) -> None:
    """End a process: it sees the connection closed, and is killed where it does not go in time."""
    connection.close()
    process.join(patience)
    if process.is_alive():
        process.kill()
    process.join()


def leave() -> NoReturn:
    """End this process at once, though not while it starts another, which would complain."""
    with _starting:
        os._exit(0)


def words_of_death(process: BaseProcess) -> str:
    """How a process ended, for people."""
    process.join(5)
    code = process.exitcode
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processes_for(device: str) -> int:
    """How many processes with the model suit `device`: `auto`, `cpu` or `cuda`.

    One where there may be a GPU. On a CPU one for each processor, each with a thread of its own,
    read more than fewer with several, as far as there is memory for them.
    """
    if device != "cpu" and _has_gpu_driver():
        return 1
    if not hasattr(os, "sysconf"):
        return processors()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(processors(), memory // _MEMORY_OF_A_PROCESS))


def _has_gpu_driver() -> bool:
    """Whether the library of NVIDIA's driver is there; asking PyTorch would take seconds."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True


def share_of_threads(jobs: int) -> int:
    """Threads for each of so many processes; what the user has set stands.

    More threads than processors are worse than few: those of OpenMP wait for each other by turning
    on the spot.
    """
    wish = os.environ.get(_THREADS, "")
    return int(wish) if wish.isdecimal() and int(wish) else max(1, processors() // jobs)


def limit_memory(most: int) -> None:
    """Let this process take at most so many bytes, where the system can hold it to that."""
    if os.name != "nt":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """The system ends this process if the block takes longer, whatever it is caught in."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _child(serve: Callable[..., None], connection: Connection, *arguments: Any) -> None:
    # Ctrl+C reaches every process of a terminal; what it means is decided by the first of them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)  # stdout is data
    serve(connection, *arguments)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """A child is born deaf, until it can say so itself; what we miss meanwhile we hear after."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
