"""What comes out: extractions with their evidence, counts with their marks, a line for each file.

Frozen, all JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from docextract.errors import DocextractError
from docextract.printed import Kind

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

FieldStatus = Literal["found", "absent", "repaired", "ambiguous", "check_failed"]
Evidence = Literal["grounded", "none", "contradicted", "hidden"]
Status = Literal["ok", "review", "failed"]


@dataclass(frozen=True)
class FieldEvidence:
    """One value, where it comes from and what is known about it.

    `value` is normalised (as in the record), `text` is as printed. `page` counts from 1. `box` is
    left, top, right, bottom in points of the page, pixels of a picture. `repairs` names what was
    done to the model's answer to get at the value.
    """

    value: Any
    text: str | None
    status: FieldStatus
    evidence: Evidence = "none"
    confidence: float | None = None
    page: int | None = None
    box: tuple[float, float, float, float] | None = None
    repairs: tuple[str, ...] = ()

    @property
    def needs_review(self) -> bool:
        """Whether the value alone sends its document to a person."""
        return self.status in ("ambiguous", "check_failed") or self.evidence in (
            "contradicted",
            "hidden",
        )


@dataclass(frozen=True)
class Check:
    """Something that was looked at; `path` is the field, or None for the whole document."""

    name: str
    path: str | None
    passed: bool
    message: str


@dataclass(frozen=True)
class Timings:
    """Seconds. `load`: the model; `first_token`, `decode`: of the answers of all pages;
    `total`: from the call of `extract` to its end."""

    load: float
    rasterise: float
    first_token: float
    decode: float
    total: float


@dataclass(frozen=True)
class Tokens:
    """`visual`: of all page pictures; `prompt`: these and the question; `answer`: written."""

    visual: int
    prompt: int
    answer: int


@dataclass(frozen=True)
class Signal:
    """What is known about a value, without a look at the page.

    `logprobs` are the natural logarithms of the model's own probabilities for each token of the
    value as it wrote it, quotes or null included; an absent value has those of every page's null.
    `listed`: it stands in a list. `doubts` counts the failed checks of its document.
    """

    kind: Kind
    logprobs: tuple[float, ...]
    listed: bool
    status: FieldStatus
    evidence: Evidence
    repairs: int
    doubts: int

    def to_dict(self) -> dict[str, Any]:
        """In JSON types; `Signal.from_dict` takes it back."""
        return {**asdict(self), "logprobs": list(self.logprobs)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "logprobs": tuple(values["logprobs"])})


@dataclass(frozen=True)
class Extraction(Generic[M]):
    """A document's record.

    `data` is the record in JSON types, with every key of the schema, null where a value is absent;
    `record` is the validated object of the schema's class, or None where `data` cannot be one.
    """

    version: str
    file: str
    schema: str
    status: Status
    data: dict[str, Any]
    record: M | None = field(repr=False, compare=False)
    fields: Mapping[str, FieldEvidence]
    checks: tuple[Check, ...]
    model: str
    timings: Timings
    tokens: Tokens
    pages: tuple[int, int] | None = None
    """The first and the last page of the document, where it is one of several in its file."""
    signals: Mapping[str, Signal] = field(default_factory=dict, repr=False)
    """What each value's confidence rests on, by path."""

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON types; `record` is the data."""
        return {
            "version": self.version,
            "file": self.file,
            **({"pages": list(self.pages)} if self.pages else {}),
            "schema": self.schema,
            "status": self.status,
            "record": self.data,
            "fields": {path: _jsonable(asdict(value)) for path, value in self.fields.items()},
            "checks": [asdict(check) for check in self.checks],
            "model": self.model,
            "timings": {name: round(value, 4) for name, value in asdict(self.timings).items()},
            "tokens": asdict(self.tokens),
        }


Form = Literal["points", "boxes", "number"]
"""What a model answered a count with; the middles of boxes are marks, a number has none."""


@dataclass(frozen=True)
class Mark:
    """The middle of an object that was counted, in points of its page, pixels of a picture.

    `score`: the probability that the model gave to just this place, None where it does not say. It
    is small even for a sure mark, as the places beside it are nearly as good: it ranks marks.
    """

    x: float
    y: float
    score: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """In JSON types; the place to a hundredth."""
        return {"x": round(self.x, 2), "y": round(self.y, 2), "score": self.score}


@dataclass(frozen=True)
class CountSignal:
    """What is known about a count, without a look at the page.

    `marks` are the log-probabilities of each mark as the model wrote it, `stop` that of its ending
    there, the least of several answers; empty and None where the model does not tell. `tiled`: the
    page was looked at in parts. `doubts` counts the reasons for a person to look.
    """

    marks: tuple[float, ...]
    stop: float | None
    tiled: bool
    doubts: int

    def to_dict(self) -> dict[str, Any]:
        """In JSON types; `CountSignal.from_dict` takes it back."""
        return {**asdict(self), "marks": list(self.marks)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{**values, "marks": tuple(values["marks"])})


@dataclass(frozen=True)
class Count:
    """How many of an object one page shows, or one zone of it, and where they are.

    `count` is the number of the `marks`, but for a model that gave a `number` alone; it is None
    where `error` says why nothing was counted. `reason` says why a person should look. `confidence`
    is that of the page's count. `size` is the page's width and height. `tiles` are the parts (left,
    top, right, bottom) that were looked at one by one, none where the whole page was enough.
    """

    file: str
    object: str
    page: int | None = None
    count: int | None = None
    status: Status = "failed"
    reason: str | None = None
    confidence: float | None = None
    marks: tuple[Mark, ...] = ()
    zone: str | None = None
    sku: str | None = None
    expected: int | None = None
    error: Mapping[str, Any] | None = None
    form: Form = "points"
    size: tuple[float, float] | None = None
    tiles: tuple[tuple[float, float, float, float], ...] = ()
    signal: CountSignal | None = field(default=None, repr=False)
    """What the confidence rests on."""

    @property
    def difference(self) -> int | None:
        """What was counted beyond what was expected; negative where some are missing."""
        if self.count is None or self.expected is None:
            return None
        return self.count - self.expected

    def to_dict(self, details: bool = False) -> dict[str, Any]:
        """One line of results; with `details` also `form`, `size` and `tiles`."""
        line: dict[str, Any] = {
            "file": self.file,
            "page": self.page,
            "object": self.object,
            "count": self.count,
            "status": self.status,
            "reason": self.reason,
            "confidence": self.confidence,
            "marks": [mark.to_dict() for mark in self.marks],
            "zone": self.zone,
            "sku": self.sku,
            "expected": self.expected,
            "difference": self.difference,
            "error": self.error,
        }
        if details:
            size = list(self.size) if self.size else None
            tiles = [list(tile) for tile in self.tiles]
            line |= {"form": self.form, "size": size, "tiles": tiles}
        return line

    @classmethod
    def from_dict(cls, line: Mapping[str, Any]) -> Self:
        """What `to_dict` made a line of; without `details`, as if there had been none."""
        kept = {key: value for key, value in line.items() if key in cls.__dataclass_fields__}
        marks = tuple(Mark(**mark) for mark in line["marks"])
        size = tuple(line["size"]) if line.get("size") else None
        tiles = tuple(tuple(tile) for tile in line.get("tiles", ()))
        return cls(**{**kept, "marks": marks, "size": size, "tiles": tiles})


@dataclass(frozen=True)
class Outcome:
    """What became of one file: an extraction or an error. A bad file is an outcome, no crash."""

    file: str
    extraction: Extraction[Any] | None = None
    error: DocextractError | None = None

    @classmethod
    def of(cls, extraction: Extraction[Any]) -> Self:
        """Of a file that was read."""
        return cls(extraction.file, extraction=extraction)

    @classmethod
    def failed(cls, file: str, error: DocextractError) -> Self:
        """Of a file that was not."""
        return cls(file, error=error)

    @property
    def status(self) -> Status:
        return self.extraction.status if self.extraction else "failed"

    def to_dict(self, details: bool = False) -> dict[str, Any]:
        """One line of results; with `details` the whole extraction where there is one."""
        if details and self.extraction:
            return self.extraction.to_dict()
        problem = self.error.to_dict() if self.error else None
        record = self.extraction.data if self.extraction else None
        pages = self.extraction.pages if self.extraction else None
        return {
            "file": self.file,
            **({"pages": list(pages)} if pages else {}),
            "status": self.status,
            "record": record,
            "error": problem,
        }


def _jsonable(values: dict[str, Any]) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
