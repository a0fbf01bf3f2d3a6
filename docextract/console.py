"""What a person sees, on stderr; stdout carries data and nothing else."""

import ctypes
import errno
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from docextract.errors import DocextractError, ExitCode, OutputError, our_fault

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.status import Status

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HEARTBEAT = 30.0  # seconds between lines where nobody watches


@contextmanager
def guarded_stdout() -> Iterator[TextIO]:
    """The real stdout, for data alone.

    Inside the block file descriptor 1 is stderr, so that whatever libraries print, from C or from
    Python, cannot get between the data. The data are UTF-8 with plain line feeds everywhere.
    """
    try:
        sys.stdout.flush()
        real = os.dup(1)
    except (AttributeError, OSError) as error:
        raise OutputError("stdout is closed", hint="write to a file: -o OUT") from error
    os.dup2(2, 1)
    try:
        with _data(real, closefd=False) as data:
            yield data
    finally:
        # What waits in C's and Python's buffers was printed inside the block.
        _flush_c()
        sys.stdout.flush()
        os.dup2(real, 1)
        os.close(real)


def _data(descriptor: int, closefd: bool = True) -> TextIO:
    """A stream of UTF-8 with plain line feeds.

    A file's name may be none: its odd bytes are escaped, in a way that is right in JSON.
    """
    return os.fdopen(
        descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n", closefd=closefd
    )


def _flush_c() -> None:
    with suppress(OSError):  # a system whose C library has another name
        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)


@contextmanager
def data_stream(
    out: Path | None = None, overwrite: bool = False, inputs: Sequence[str | Path] = ()
) -> Iterator[TextIO]:
    """Where a command writes its data: the file `out`, or stdout; stdout is guarded either way.

    The file appears whole at the end of the block, or not at all. Raises OutputError, before any
    work is done, where it is there already, is one of the `inputs`, or cannot be written.
    """
    with guarded_stdout() as stdout:
        if out is None or str(out) == "-":
            yield stdout
            return
        _check_free(out, overwrite, inputs)
        try:
            descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent, text=True)
        except OSError as error:
            there = out.parent.is_dir()
            raise OutputError(
                f"{out}: cannot be written ({error.strerror})",
                hint="choose another place" if there else f"make the folder {out.parent} first",
            ) from error
        draft = Path(name)
        try:
            with _data(descriptor) as data:
                yield data
            draft.chmod(0o666 & ~_umask())
            draft.replace(out)
        finally:
            draft.unlink(missing_ok=True)


def _check_free(out: Path, overwrite: bool, inputs: Sequence[str | Path]) -> None:
    if not out.exists():
        return
    if not out.is_file():  # a folder, or a device, which must never be replaced by a file
        raise OutputError(f"{out}: not a file", hint="name a file, or - for stdout")
    if any(Path(one).exists() and out.samefile(one) for one in inputs):
        raise OutputError(f"{out}: is what is read", hint="choose another name for the output")
    if not overwrite:
        raise OutputError(f"{out}: there is such a file", hint="--overwrite replaces it")


def _umask() -> int:
    """The bits that new files shall not have; the system tells only by setting them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def run(work: Callable[[], ExitCode], debug: bool = False) -> ExitCode:
    """Do the work and turn whatever it raises into words on stderr and an exit code.

    This is the one place that does so. With `debug` the traceback comes first.
    """
    try:
        return work()
    except KeyboardInterrupt:
        say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our data has left; the interpreter must not try to flush them again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitCode.USAGE
    except DocextractError as error:
        if debug:
            traceback.print_exc()
        complain(error)
        return error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        fault = _told(error)
        complain(fault)
        return fault.exit_code


def _told(error: Exception) -> DocextractError:
    """Writing may fail anywhere for want of room; whatever else arrives here is our fault."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return OutputError(
            f"{error.filename or 'the output'}: cannot be written ({error.strerror})",
            hint="make room, or write to another disk",
        )
    return our_fault(error)


def complain(error: DocextractError) -> None:
    """One line of what went wrong, one of what to do next."""
    say(f"{painted('error:', 31)} {error.message}")
    if error.hint:
        say(f"{painted('hint:', 36)} {error.hint}")


def painted(words: str, colour: int) -> str:
    """Words in one of a terminal's colours, where those are wanted."""
    return f"\x1b[{colour}m{words}\x1b[0m" if _colours() else words


def duration(seconds: float) -> str:
    """Seconds for people: `3.2 s`, `4 min 5 s`, `2 h 30 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def say(words: str) -> None:
    """A line on stderr."""
    with suppress(OSError):  # nobody listens any more
        sys.stderr.write(words + "\n")
        sys.stderr.flush()


def _colours() -> bool:
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


class Board:
    """How far a large job is: a live bar while a person watches, else a line now and then.

    `unit`: what is counted, in the plural. Between `with` and its end, words go through `say`.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._last = time.monotonic()
        self._bar: RichProgress | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = BarColumn(), TextColumn("{task.description}", markup=False)
            console = Console(stderr=True, highlight=False)
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task("starting", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, done: int, total: int, words: str) -> None:
        """So many are done of so many, and what else there is to know."""
        line = f"{done:,} of {total:,} {self._unit}{words}"
        if self._bar:
            self._bar.update(self._task, completed=done, total=total or None, description=line)
        elif time.monotonic() - self._last >= _HEARTBEAT:
            self._last = time.monotonic()
            say(line)

    def say(self, words: str) -> None:
        """A line that stays."""
        if self._bar:
            from rich.text import Text

            self._bar.console.print(Text.from_ansi(words), soft_wrap=True)
        else:
            say(words)


class Progress:
    """One changing line on stderr, about `subject`, while a person watches; silent otherwise."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console  # costs time that a pipe need not pay

            self._status = Console(stderr=True, highlight=False).status("")
            self.show("opening")
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, words: str) -> None:
        """Say what is being done; without words the line is gone until there are some."""
        if self._status is None:
            return
        if not words:
            self._status.stop()
            return
        from rich.markup import escape

        self._status.update(escape(f"{self._subject}: {words}"))
        self._status.start()
