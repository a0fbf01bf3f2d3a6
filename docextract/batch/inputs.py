"""Which files a batch is about: folders, globs and lists, and how their contents are told apart."""

import glob
import hashlib
import itertools
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from docextract.errors import MissingFileError, NothingToDoError, UsageError

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in ("pdf", "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "gif")
) | {".heic", ".heif"}
"""Of files that are taken from a folder; files that are named themselves may be called anything."""

_SHA256 = re.compile("[0-9a-f]{64}")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class File:
    """A place where a document lies: its absolute path, and what people called it."""

    path: str
    name: str


@dataclass(frozen=True)
class Stamp:
    """What shows, without reading, that a file is still the same: bytes, and nanoseconds."""

    size: int
    changed: int


@dataclass
class Found:
    """What a search found: the files, in order, and how many of each suffix were passed over."""

    files: list[File] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


class Inputs:
    """The places where a batch looks for documents.

    `words` are folders, which are searched to their depths, files and globs (`scans/**/*.pdf`).
    `listed` are files, one by one. Paths in `excluded`, and what is in folders among them, are
    never documents. With `every`, files of a folder are taken whatever they are called, so that
    those that are no documents are told of one by one.
    """

    def __init__(
        self,
        words: Sequence[str],
        listed: Sequence[str] = (),
        excluded: Iterable[Path] = (),
        every: bool = False,
    ) -> None:
        """Note where each place is.

        Raises:
            UsageError: no place is named.
            MissingFileError: a named place does not exist.
        """
        if not words and not listed:
            raise UsageError("no files are named", hint="name a folder: docextract batch inbox/")
        for word in words:
            if not os.path.lexists(word) and not _GLOB.search(word):
                raise MissingFileError(f"{word}: no such file or folder", hint="check the path")
        self._words = words
        self._listed = listed
        self._excluded = {_absolute(path) for path in excluded}
        self._every = every
        homes = {*map(_home, words), *(str(Path(name).parent) for name in listed)}
        self._homes = {home: _identity(home) for home in homes}

    def find(self) -> Found:
        """All files, each once, in an order that stays the same."""
        found = Found()
        seen: set[str] = set()
        for name in self._names(found.passed_over):
            path = _absolute(Path(name))
            if path not in seen and not self._is_excluded(path):
                seen.add(path)
                found.files.append(File(path, name))
        return found

    def check(self) -> None:
        """Make sure that the folders are still there.

        Raises:
            MissingFileError: one has vanished, as a disk does that is taken away.
        """
        for home, before in self._homes.items():
            if _identity(home) != before:
                raise MissingFileError(
                    f"{home}: vanished while the batch was running",
                    hint="bring it back, then give the same command: it goes on where it was",
                )

    def _is_excluded(self, path: str) -> bool:
        return path in self._excluded or any(
            str(folder) in self._excluded for folder in Path(path).parents
        )

    def _names(self, passed_over: Counter[str]) -> Iterator[str]:
        for word in self._words:
            if Path(word).is_dir():
                yield from _walk(word, passed_over, self._every)
            elif os.path.lexists(word):
                yield word
            else:
                matches = sorted(glob.glob(word, recursive=True))  # noqa: PTH207, takes any path
                yield from (match for match in matches if not Path(match).is_dir())
        yield from self._listed


def read_list(path: str) -> list[str]:
    """The names in a file, one a line, or between zero bytes as `find -print0` writes them.

    `-` is standard input. Raises MissingFileError, NothingToDoError where it names nothing.
    """
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror})") from error
    names = content.split(b"\0") if b"\0" in content else content.splitlines()
    if not any(names):
        raise NothingToDoError(f"{path}: names no files")
    return [os.fsdecode(name) for name in names if name]


def key_of(file: File, stamp: Stamp, most: int) -> str:
    """The key of a file's document: the SHA-256 of its bytes.

    What cannot be read, is no ordinary file or is larger than `most` bytes gets a key of its place
    instead; reading it will say what is wrong.
    """
    if 0 <= stamp.size <= most:
        with suppress(OSError, ValueError), Path(file.path).open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    return "file:" + hashlib.sha256(os.fsencode(file.path)).hexdigest()


def stamp_of(file: File) -> Stamp:
    """A file's stamp; its size is -1 where there is no ordinary file."""
    try:
        status = Path(file.path).stat()
    except (OSError, ValueError):
        return Stamp(-1, 0)
    return Stamp(status.st_size if stat.S_ISREG(status.st_mode) else -1, status.st_mtime_ns)


def is_hash(key: str) -> bool:
    """Whether a key is the hash of a document."""
    return bool(_SHA256.fullmatch(key))


def _walk(folder: str, passed_over: Counter[str], every: bool) -> Iterator[str]:
    """Documents of a folder and the folders in it; links are followed, but never in circles."""
    visited = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = _identity(place)
        if here in visited:
            folders.clear()
            continue
        visited.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            suffix = Path(name).suffix.lower()
            if (every or suffix in SUFFIXES) and not name.startswith("."):
                yield str(Path(place) / name)
            else:
                passed_over[suffix or name] += 1


def _home(word: str) -> str:
    """The folder in which a word's files are, and which must not vanish."""
    if Path(word).is_dir():
        return word
    plain = itertools.takewhile(lambda part: not _GLOB.search(part), Path(word).parts[:-1])
    return str(Path(*plain))


def _absolute(path: Path) -> str:
    """The one name of a place, however it was come by; a link to a file stays a link."""
    return str(_real_folder(path.parent.absolute()) / path.name)


@lru_cache
def _real_folder(folder: Path) -> Path:
    return folder.resolve()


def _identity(place: str) -> tuple[int, int] | None:
    try:
        status = Path(place).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
