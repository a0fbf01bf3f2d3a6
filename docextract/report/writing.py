"""What all tables of outcomes have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TextIO

from docextract.report.results import Line

DOUBTFUL = frozenset(("ambiguous", "check_failed", "contradicted", "hidden"))
"""Statuses and evidence that ask for a person."""


class Writer(ABC):
    """Takes outcomes one by one and writes them to a text stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    @abstractmethod
    def write(self, outcome: Line) -> None:
        """Add one outcome."""

    def finish(self) -> None:
        """Write what had to wait for the last outcome."""
        self.stream.flush()


def message_of(outcome: Line) -> str | None:
    """What went wrong with a document, in one line."""
    error = outcome.get("error")
    return f"{error['name']}: {error['message']}" if error else None


def is_doubtful(known: Mapping[str, Any] | None) -> bool:
    """Whether what is known about a value asks for a person."""
    return known is not None and not DOUBTFUL.isdisjoint((known["status"], known["evidence"]))
