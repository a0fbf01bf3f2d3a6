"""A schema and a model kept ready, for programs that read many documents, in threads or in asyncio.

Reading is work, not waiting: `aextract` gives it to a thread, so that an event loop goes on.
"""

import asyncio
import threading
from collections.abc import Callable
from os import PathLike
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from pydantic import BaseModel

from docextract.asking import Listener, Progress
from docextract.choosing import AUTO
from docextract.errors import UsageError
from docextract.extraction import extract, extract_each
from docextract.pages import Document
from docextract.readers import BUNDLED, Reader, open_reader
from docextract.records import Extraction
from docextract.schema import Schema, load_schema
from docextract.settings import Settings

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


class Extractor(Generic[M]):
    """Reads documents into records of one schema, with a model that is loaded once.

    Any number of threads may use it. As many documents are read at the same time as the model
    takes questions (`Reader.questions_at_once`), the others wait; files are opened and pages drawn
    one after the other. `close` it, or use it in a `with`, when all of them have their results.
    """

    @overload
    def __init__(
        self: "Extractor[M]",
        schema: type[M] | Schema[M],
        *,
        model: str = ...,
        device: str = ...,
        reader: Reader | None = ...,
        settings: Settings = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "Extractor[Any]",
        schema: str | PathLike[str],
        *,
        model: str = ...,
        device: str = ...,
        reader: Reader | None = ...,
        settings: Settings = ...,
    ) -> None: ...
    def __init__(
        self,
        schema: str | PathLike[str] | type[M] | Schema[M],
        *,
        model: str = BUNDLED,
        device: str = "auto",
        reader: Reader | None = None,
        settings: Settings = Settings(),
    ) -> None:
        """Load the schema and the model.

        `schema`, `settings`: as for `docextract.extract`. `model`, `device`: as for
        `docextract.open_reader`; a `reader` that is given takes their place and is not closed.

        Raises:
            SchemaError: the schema cannot be honoured.
            ModelError, DeviceError: the model does not load.
        """
        self._schema: Any = AUTO if schema == AUTO else load_schema(schema)
        self._settings = settings
        self._owned = reader is None
        self._reader = reader or open_reader(model, device)
        self._places = threading.BoundedSemaphore(self._reader.questions_at_once)
        self._closed = False

    def extract(
        self,
        source: str | PathLike[str] | bytes | Document,
        *,
        name: str | None = None,
        progress: Listener | None = None,
    ) -> Extraction[M]:
        """Read a document into one record; as `docextract.extract`."""
        with self._places:
            self._check_open()
            return extract(
                source, self._schema, self._reader, self._settings, name=name, progress=progress
            )

    def extract_each(
        self,
        source: str | PathLike[str] | bytes | Document,
        *,
        name: str | None = None,
        progress: Listener | None = None,
    ) -> list[Extraction[M]]:
        """Read a file of several documents into a record for each, in page order."""
        with self._places:
            self._check_open()
            return extract_each(
                source, self._schema, self._reader, self._settings, name=name, progress=progress
            )

    async def aextract(
        self,
        source: str | PathLike[str] | bytes | Document,
        *,
        name: str | None = None,
        progress: Listener | None = None,
    ) -> Extraction[M]:
        """As `extract`, in a thread; `progress` is called there.

        When the task is cancelled, the reading stops at its next token.
        """
        return await _in_thread(
            lambda listen: self.extract(source, name=name, progress=listen), progress
        )

    def close(self) -> None:
        """Let go of the model."""
        if not self._closed and self._owned:
            self._reader.close()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("the extractor is closed", hint="make another, or close it later")


@overload
async def aextract(
    source: str | PathLike[str] | bytes | Document,
    schema: type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[M]: ...
@overload
async def aextract(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[Any]: ...
async def aextract(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str] | type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = Settings(),
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[Any]:
    """As `docextract.extract`, in a thread; `progress` is called there.

    When the task is cancelled, the reading stops at its next token.
    """
    return await _in_thread(
        lambda listen: extract(source, schema, reader, settings, name=name, progress=listen),
        progress,
    )


class _CancelledError(Exception):
    """Nobody waits for the result any more."""


async def _in_thread(read: Callable[[Listener], R], progress: Listener | None) -> R:
    cancelled = threading.Event()

    def listen(step: Progress) -> None:
        if cancelled.is_set():
            raise _CancelledError
        if progress:
            progress(step)

    try:
        return await asyncio.to_thread(read, listen)
    except asyncio.CancelledError:
        cancelled.set()
        raise
