"""The job of a batch that counts things in pictures."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docextract import __version__
from docextract.batch.job import Entry, Outcome, chosen
from docextract.counting import count
from docextract.counting.assignment import Assignment
from docextract.pages import Document
from docextract.readers import Reader, identify, open_reader
from docextract.records import Count, Status
from docextract.settings import Settings

_DECIDING = ("budget", "pages", "min_confidence", "tiles")


@dataclass(frozen=True)
class Counting:
    """Count what the `assignment` names, with `model` on `device`; see `docextract.count`.

    Zones and what is expected are laid beside the marks when lines are written, and no picture is
    looked at again for their sake. `details`: whether lines also hold what is behind a count.
    """

    assignment: Assignment
    model: str
    device: str
    settings: Settings
    details: bool = False

    @property
    def layout(self) -> str:
        """Lines are divided by zones and compared with the list; with details they are longer."""
        laid = repr((self.assignment.zones, self.assignment.expected, self.details))
        return f"counts {hashlib.sha256(laid.encode()).hexdigest()[:12]}"

    def identity(self) -> Mapping[str, str]:
        """The objects, the weights, and how the pictures are shown."""
        listed = sorted({entry.object for entry in self.assignment.expected.entries})
        return {
            "the job": "counting",
            "the version": __version__,
            "the objects": ", ".join(self.assignment.objects) or f"expected {', '.join(listed)}",
            "the model": f"{self.model} ({identify(self.model)[:12]})",
            **chosen(self.settings, _DECIDING),
        }

    def open(self) -> "_Counter":
        """Load the model."""
        return _Counter(self.assignment, open_reader(self.model, self.device), self.settings)

    def lines(self, entry: Entry) -> Iterator[Mapping[str, Any]]:
        """One line for a page, an object and a zone."""
        for one in self.counts(entry):
            yield {**one.to_dict(self.details), "sha256": entry.sha256}

    def counts(self, entry: Entry) -> list[Count]:
        """What `lines` tell, with what they leave out."""
        if entry.outcome.result is None:
            names = self.assignment.asked(entry.file)
            found = [Count(entry.file, name, error=entry.outcome.error) for name in names]
        else:
            kept = entry.outcome.result["counts"]
            found = [replace(Count.from_dict(line), file=entry.file) for line in kept]
        return self.assignment.reported(found)


class _Counter:
    """The job with its model loaded."""

    def __init__(self, assignment: Assignment, reader: Reader, settings: Settings) -> None:
        self._assignment = assignment
        self._reader = reader
        self._settings = settings

    @property
    def at_once(self) -> int:
        return self._reader.questions_at_once

    def read(self, document: Document) -> Outcome:
        asked = self._assignment.asked(document.name)
        counts = count(document, asked, self._reader, self._settings)
        result = {"counts": [one.to_dict(details=True) for one in counts]}
        status = status_of(counts)
        return Outcome(
            status,
            result,
            error=counts[0].error if status == "failed" else None,
            pages=len(document.numbers(self._settings.pages)),
        )


def status_of(counts: Sequence[Count]) -> Status:
    """Of a document: failed where nothing could be counted, else of its most doubtful count."""
    statuses = {one.status for one in counts}
    if statuses == {"failed"}:
        return "failed"
    return "ok" if statuses == {"ok"} else "review"
