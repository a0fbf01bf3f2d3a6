"""Documents in object stores and on other machines: places with a URL, through fsspec.

What a folder is to a disk, a prefix is to a store; an empty one is not there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import fsspec

from docextract.errors import MissingFileError, NotADocumentError, UsageError

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # one letter is a drive of Windows


def is_url(place: str) -> bool:
    """Whether a place has a URL, and no path."""
    return bool(_URL.match(place))


def find(url: str) -> list[str]:
    """The URLs of a file, of all files below a folder, or of those that a glob fits; sorted.

    Raises MissingFileError where the store cannot be reached, UsageError where it is unknown.
    """
    with _reaching(url):
        store, path = _open(url)
        store.invalidate_cache()
        files = store.glob(path) if "*" in path else store.find(path)
        return [store.unstrip_protocol(file) for file in sorted(files) if not store.isdir(file)]


def is_there(url: str) -> bool:
    """Whether there is such a file or folder; a store that cannot be reached has none.

    Raises UsageError where the store is unknown, or the URL holds a password.
    """
    with _reaching(url):
        store, path = _open(url)
        return bool(store.exists(path))


def is_folder(url: str) -> bool:
    """Whether there is such a folder. Raises what `find` raises."""
    with _reaching(url):
        store, path = _open(url)
        return bool(store.isdir(path))


def size_and_mark(url: str) -> tuple[int, int]:
    """A file's bytes, and a number that is another one when it has changed.

    Raises what `find` raises.
    """
    with _reaching(url):
        store, path = _open(url)
        return int(store.info(path)["size"]), int(store.ukey(path)[:15], 16)


@contextmanager
def reading(url: str) -> Iterator[Any]:
    """The bytes of a file. Raises what `find` raises, NotADocumentError for a folder."""
    with _reaching(url):
        store, path = _open(url)
        if store.isdir(path):
            raise NotADocumentError(f"{url}: a folder, not a document", hint=f"try {url}/*")
        with store.open(path, "rb") as file:
            yield file


def _open(url: str) -> tuple[Any, str]:
    try:
        secret = urlsplit(url).password is not None
    except ValueError as error:
        raise UsageError(f"{url}: no URL ({error})") from error
    if secret:
        raise UsageError(
            "a URL with a password in it would be kept with the results",
            hint="give it in the way of the store: AWS_SECRET_ACCESS_KEY, ~/.netrc and the like",
        )
    try:
        store, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"{url}: {error}", hint="for s3:// pip install s3fs, for gs:// gcsfs, for abfs:// adlfs"
        ) from error
    return store, path


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Every store has errors of its own; they all mean that the file cannot be had."""
    try:
        yield
    except FileNotFoundError:
        raise MissingFileError(f"{url}: no such file", hint="check the URL") from None
    except (UsageError, MissingFileError, NotADocumentError):
        raise
    except Exception as error:
        raise MissingFileError(
            f"{url}: cannot be reached ({type(error).__name__}: {error})",
            hint="check the URL, the network and the credentials",
        ) from error
