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
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from docextract.batch import stores
from docextract.errors import InputError, MissingFileError, NothingToDoError, UsageError

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in ("pdf", "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "gif")
) | {".heic", ".heif"}
"""Of files that are taken from a folder; files that are named themselves may be called anything."""

_SHA256 = re.compile("[0-9a-f]{64}")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class File:
    """A place where a document lies: its absolute path or URL, and what people called it."""

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

    `words` are folders, which are searched to their depths, files and globs (`scans/**/*.pdf`),
    or URLs of such (`s3://bucket/inbox`). `listed` are files, one by one. Paths in `excluded`, and
    what is in folders among them, are never documents. With `every`, files of a folder are taken
    whatever they are called, so that those that are no documents are told of one by one.
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
            MissingFileError: a named place does not exist, or cannot be reached.
        """
        if not words and not listed:
            raise UsageError("no files are named", hint="name a folder: docextract batch inbox/")
        for word in words:
            if not is_there(word) and not _GLOB.search(word):
                raise MissingFileError(f"{word}: no such file or folder", hint="check the path")
        self._words = words
        self._listed = listed
        self._excluded = {_absolute(str(path)) for path in excluded}
        self._every = every
        homes = {*map(_home, words), *map(_parent, listed)}
        self._homes = {home: _identity(home) for home in homes}

    def find(self) -> Found:
        """All files, each once, in an order that stays the same."""
        found = Found()
        seen: set[str] = set()
        for name in self._names(found.passed_over):
            path = _absolute(name)
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
            if stores.is_url(word):
                yield from _in_store(word, passed_over, self._every)
            elif Path(word).is_dir():
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
        with suppress(OSError, ValueError, InputError), _reading(file.path) as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    return "file:" + hashlib.sha256(os.fsencode(file.path)).hexdigest()


def _reading(place: str) -> AbstractContextManager[Any]:
    return stores.reading(place) if stores.is_url(place) else Path(place).open("rb")


def stamp_of(file: File) -> Stamp:
    """A file's stamp; its size is -1 where there is no ordinary file."""
    if stores.is_url(file.path):
        try:
            return Stamp(*stores.size_and_mark(file.path))
        except MissingFileError:
            return Stamp(-1, 0)
    try:
        status = Path(file.path).stat()
    except (OSError, ValueError):
        return Stamp(-1, 0)
    return Stamp(status.st_size if stat.S_ISREG(status.st_mode) else -1, status.st_mtime_ns)


def is_there(place: str) -> bool:
    """Whether there is something at a path or a URL, be it a link that leads nowhere."""
    return stores.is_there(place) if stores.is_url(place) else os.path.lexists(place)


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
            if _is_document(name, passed_over, every):
                yield str(Path(place) / name)


def _in_store(url: str, passed_over: Counter[str], every: bool) -> Iterator[str]:
    every = every or bool(_GLOB.search(url)) or not stores.is_folder(url)
    for name in stores.find(url):
        if _is_document(name.rpartition("/")[2], passed_over, every):
            yield name


def _is_document(name: str, passed_over: Counter[str], every: bool) -> bool:
    """Whether a file in a folder is taken for a document; others are counted."""
    suffix = Path(name).suffix.lower()
    if (every or suffix in SUFFIXES) and not name.startswith("."):
        return True
    passed_over[suffix or name] += 1
    return False


def _parent(name: str) -> str:
    return name.rpartition("/")[0] if stores.is_url(name) else str(Path(name).parent)


def _home(word: str) -> str:
    """The folder in which a word's files are, and which must not vanish."""
    if stores.is_url(word):
        return _GLOB.split(word)[0].rpartition("/")[0] if _GLOB.search(word) else word
    if Path(word).is_dir():
        return word
    plain = itertools.takewhile(lambda part: not _GLOB.search(part), Path(word).parts[:-1])
    return str(Path(*plain))


def _absolute(name: str) -> str:
    """The one name of a place, however it was come by; a link to a file stays a link."""
    if stores.is_url(name):
        return name
    path = Path(name)
    return str(_real_folder(path.parent.absolute()) / path.name)


@lru_cache
def _real_folder(folder: Path) -> Path:
    return folder.resolve()


def _identity(place: str) -> tuple[int, int] | None:
    if stores.is_url(place):
        return (0, 0) if stores.is_there(place) else None
    try:
        status = Path(place).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
