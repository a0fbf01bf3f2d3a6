"""What a batch does with each document, as the parts that every kind of job has.

A job is a small value that travels to other processes: it names schema and model and holds
neither. Opened there, it becomes the work itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from docextract.batch.inputs import File
from docextract.errors import DocextractError
from docextract.pages import Document
from docextract.records import Status
from docextract.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What became of a document, in JSON types. `result` is the job's own; `pages` were read."""

    status: Status
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    pages: int | None = None
    seconds: float = 0.0

    @classmethod
    def failed(cls, error: DocextractError, seconds: float = 0.0) -> "Outcome":
        """Of a document that could not be read."""
        return cls("failed", error=error.to_dict(), seconds=seconds)


@dataclass(frozen=True)
class Task:
    """A document to read: its key in the ledger, and a file that holds it."""

    key: str
    file: File


@dataclass(frozen=True)
class Entry:
    """A file and what became of its document. `sha256` is None where nobody could hash it."""

    file: str
    sha256: str | None
    outcome: Outcome


def chosen(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Some of the settings as words of a job's identity, as they are called on the command line."""
    return {
        f"--{name.replace('_', '-')}": str(getattr(settings, name) or "unset") for name in names
    }


class Work(Protocol):
    """A job with its model loaded, in a worker."""

    @property
    def at_once(self) -> int:
        """How many documents it reads at the same time, each in a thread of its own."""

    def read(self, document: Document) -> Outcome:
        """Read one open document.

        Raises:
            DocextractError: it cannot be read.
        """


class Job(Protocol):
    """One kind of batch. Instances are pickled."""

    @property
    def settings(self) -> Settings:
        """How documents are opened."""

    @property
    def layout(self) -> str:
        """A word for how `lines` are laid out; results of another layout are written anew."""

    def identity(self) -> Mapping[str, str]:
        """Everything that decides what a document becomes, as words for people and hashes.

        Raises:
            SchemaError, ModelError: there is no such schema or model.
        """

    def open(self) -> Work:
        """Load the model. In a worker, once.

        Raises:
            SchemaError, ModelError, DeviceError: it cannot be done at all.
        """

    def lines(self, entry: Entry) -> Iterable[Mapping[str, Any]]:
        """What the results say about a file: one JSON object a line."""
