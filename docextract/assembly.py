"""The answers of all pages become one record, with what is known about each of its values.

A value is taken from the first page that has it, an amount from the last: totals stand at the end,
and what stands before is carried forward. Lists are joined in page order. Printed values
are converted under the hints of the whole record, and the schema's class has the last word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from docextract.answer import Answer
from docextract.errors import SchemaError
from docextract.grounding import Place
from docextract.printed import (
    CONVERTERS,
    AmbiguousError,
    Hints,
    Kind,
    NotReadableError,
    gather_hints,
)
from docextract.records import Check, FieldEvidence
from docextract.rules import Rules
from docextract.schema import Field, Group, Leaf, Listing, Schema
from docextract.types import clock

M = TypeVar("M", bound=BaseModel)


_SUMS = ("amount", "number", "float")
_NOWHERE = Place("none")


@dataclass(frozen=True)
class PageAnswer:
    """What was answered about a page, or about several at once.

    `places` say where the values stand, by their paths in the answer.
    """

    pages: tuple[int, ...]
    answer: Answer
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def page(self) -> int | None:
        """The page, if it is one."""
        return self.pages[0] if len(self.pages) == 1 else None


@dataclass(frozen=True)
class Doubt:
    """A value that fails a check of itself or of a sum: how it was read, where, and what fails."""

    path: str
    source: PageAnswer
    text: str | None
    reason: str


@dataclass(frozen=True)
class Assembled(Generic[M]):
    """A record in JSON types, its validated object, and the evidence of every value.

    `doubts` are values that a second look may mend, in the order of the schema. `kinds` and
    `logprobs` are those of every value too; what is absent has the log-probabilities of being so
    on each page.
    """

    data: dict[str, Any]
    record: M | None
    fields: Mapping[str, FieldEvidence]
    checks: tuple[Check, ...]
    doubts: tuple[Doubt, ...]
    kinds: Mapping[str, Kind]
    logprobs: Mapping[str, tuple[float, ...]]


def assemble(schema: Schema[M], answers: Sequence[PageAnswer]) -> Assembled[M]:
    """Merge, convert and validate.

    Raises:
        SchemaError: the schema's own code fails on the values.
    """
    parts = [_Part(one.answer.record, one, "") for one in answers]
    tree = _merge(schema.fields, parts, "")
    slots = list(_slots(tree))
    hints = _hints(slots)
    for slot in slots:
        slot.settle(hints)
    record, errors = _validate(schema.model, _python(schema.fields, tree))
    places = {slot.path: slot for slot in slots}
    checks = [check for slot in slots for check in slot.checks]
    checks += _complaints(errors, places)
    checks += _judged(schema.rules, places)
    data = _json(tree)
    if record is not None:
        data = _as_validated(data, _dump(record))
    fields = {slot.path: slot.evidence(value) for slot, value in _with_values(tree, data)}
    return Assembled(
        data,
        record,
        fields,
        tuple(checks),
        doubts=tuple(doubt for slot in slots if (doubt := slot.doubt)),
        kinds={slot.path: slot.leaf.kind for slot in slots},
        logprobs={slot.path: slot.logprobs for slot in slots},
    )


@dataclass(frozen=True)
class _Part:
    """A value of one page's answer, and its path there."""

    value: Any
    source: PageAnswer
    path: str

    @property
    def logprobs(self) -> tuple[float, ...]:
        return self.source.answer.logprobs.get(self.path, ())

    @property
    def place(self) -> Place:
        return self.source.places.get(self.path, _NOWHERE)

    def under(self, key: str | int) -> "_Part":
        return _Part(self.value[key], self.source, f"{self.path}.{key}" if self.path else str(key))


@dataclass(frozen=True)
class _Candidate:
    """What a page says: as printed, and converted unless `problem` says why not."""

    printed: Any
    source: PageAnswer
    repairs: tuple[str, ...]
    logprobs: tuple[float, ...]
    place: Place
    value: Any = None
    problem: NotReadableError | AmbiguousError | None = None


@dataclass
class _Slot:
    """A leaf of the record; `silence` holds the log-probabilities of the pages' nulls."""

    leaf: Leaf
    path: str
    candidates: list[_Candidate]
    silence: tuple[float, ...]
    chosen: _Candidate | None = None
    reasons: list[str] = field(default_factory=list)
    """What speaks against the value."""
    disputed: bool = False
    """Another page says otherwise. Which of them is wrong, no second look at one can tell."""
    checks: list[Check] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [c.printed for c in self.candidates if isinstance(c.printed, str)]

    def settle(self, hints: Hints) -> None:
        """Convert what the pages say, and choose."""
        converted = [_convert(self.leaf, candidate, hints) for candidate in self.candidates]
        readable = [candidate for candidate in converted if candidate.problem is None]
        if any(one.place.evidence == "grounded" for one in readable):
            # Against what a page's words hold, what those of another contradict does not count.
            readable = [one for one in readable if one.place.evidence != "contradicted"]
        in_order = readable or converted
        if not in_order:
            return
        self.chosen = in_order[-1 if self.leaf.kind in _SUMS else 0]
        if self.chosen.problem:
            name = "unambiguous" if self._ambiguous else "readable"
            self.checks.append(Check(name, self.path, False, str(self.chosen.problem)))
            if not self._ambiguous:
                self.reasons.append(str(self.chosen.problem))
        others = [c for c in readable if _essence(c.value) != _essence(self.chosen.value)]
        if others:
            pages = ", ".join(f"page {c.source.page}: {c.printed}" for c in [self.chosen, *others])
            self.disputed = True
            self.checks.append(Check("pages_agree", self.path, False, f"pages disagree ({pages})"))

    @property
    def value(self) -> Any:
        return self.chosen.value if self.chosen else None

    @property
    def logprobs(self) -> tuple[float, ...]:
        return self.chosen.logprobs if self.chosen else self.silence

    @property
    def doubt(self) -> Doubt | None:
        """What speaks against the value, if anything does."""
        if self.chosen is None or not self.reasons:
            return None
        text = self.chosen.printed if isinstance(self.chosen.printed, str) else None
        return Doubt(self.path, self.chosen.source, text, self.reasons[0])

    @property
    def _ambiguous(self) -> bool:
        return self.chosen is not None and isinstance(self.chosen.problem, AmbiguousError)

    def evidence(self, value: Any) -> FieldEvidence:
        """What is known, given the value that the record ended up with."""
        if self.chosen is None:
            return FieldEvidence(None, None, "absent")
        found = FieldEvidence(
            value,
            self.chosen.printed if isinstance(self.chosen.printed, str) else None,
            "found",
            self.chosen.place.evidence,
            page=self.chosen.place.page or self.chosen.source.page,
            box=self.chosen.place.box,
            repairs=self.chosen.repairs,
        )
        if self._ambiguous:
            return replace(found, status="ambiguous")
        if self.reasons or self.disputed:
            return replace(found, status="check_failed")
        return replace(found, status="repaired") if found.repairs else found


_Tree: TypeAlias = "dict[str, _Tree] | list[_Tree] | _Slot"


def _merge(node: Field, parts: list[_Part], path: str) -> Any:
    if isinstance(node, Group):
        return {
            key: _merge(inner, [part.under(key) for part in parts], _join(path, key))
            for key, inner in node.fields.items()
        }
    if isinstance(node, Listing):
        items = [part.under(number) for part in parts for number in range(len(part.value))]
        filled = [item for item in items if not _is_empty(item.value)]
        return [
            _merge(node.element, [item], _join(path, number)) for number, item in enumerate(filled)
        ]
    candidates = [
        _Candidate(
            part.value,
            part.source,
            part.source.answer.repairs_of(part.path),
            part.logprobs,
            part.place,
        )
        for part in parts
        if part.value is not None
    ]
    silence = [value for part in parts if part.value is None for value in part.logprobs]
    return _Slot(node, path, candidates, tuple(silence))


def _join(path: str, key: str | int) -> str:
    return f"{path}.{key}" if path else str(key)


def _is_empty(value: Any) -> bool:
    """Whether nothing is in it: a row that the model opened and left blank is no row."""
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value is None or value == []


def _slots(tree: _Tree) -> Iterator[_Slot]:
    if isinstance(tree, _Slot):
        yield tree
        return
    for inner in tree.values() if isinstance(tree, dict) else tree:
        yield from _slots(inner)


def _hints(slots: Sequence[_Slot]) -> Hints:
    """What the record says about the customs of its page.

    The text layer has no say here: what it holds need not be visible.
    """
    texts: dict[str, list[str]] = {}
    for slot in slots:
        texts.setdefault(slot.leaf.kind, []).extend(slot.texts)
    return gather_hints(
        amounts=[*texts.get("amount", []), *texts.get("number", []), *texts.get("float", [])],
        dates=[*texts.get("date", []), *texts.get("datetime", [])],
        currencies=texts.get("currency", []),
        words=texts.get("text", []),
    )


def _convert(leaf: Leaf, candidate: _Candidate, hints: Hints) -> _Candidate:
    if leaf.choices or not isinstance(candidate.printed, str):
        return replace(candidate, value=candidate.printed)
    try:
        return replace(candidate, value=CONVERTERS[leaf.kind](candidate.printed, hints))
    except (NotReadableError, AmbiguousError) as problem:
        return replace(candidate, problem=problem)


def _essence(value: Any) -> Any:
    """What two pages must agree on: of a text the letters, not their case, blanks and marks."""
    return re.sub(r"[\W_]+", "", value.casefold()) if isinstance(value, str) else value


_ABSENT = object()


def _python(node: Field, tree: Any) -> Any:
    """The values for the schema's class, or _ABSENT where it shall do without one.

    It shall where null would be no valid value: what is required is then reported as missing, and
    the rest takes the default that its class gives it. The JSON record says null all the same.
    """
    if isinstance(node, Group):
        inner = {key: _python(node.fields[key], branch) for key, branch in tree.items()}
        if not node.required and all(slot.chosen is None for slot in _slots(tree)):
            return None if node.nullable else _ABSENT
        return {key: value for key, value in inner.items() if value is not _ABSENT}
    if isinstance(node, Listing):
        if not tree and not node.required:
            return None if node.nullable else _ABSENT
        return [_python(node.element, branch) for branch in tree]
    return _ABSENT if tree.value is None and not node.nullable else tree.value


def _validate(model: type[M], values: dict[str, Any]) -> tuple[M | None, list[ErrorDetails]]:
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, error.errors(include_url=False)
    except Exception as error:
        # The user's own validators ran; whatever they raise besides ValueError is a fault there.
        raise SchemaError(
            f"the schema {model.__name__} fails on a record: {type(error).__name__}: {error}"
        ) from error


def _complaints(errors: list[ErrorDetails], slots: Mapping[str, _Slot]) -> Iterator[Check]:
    for error in errors:
        path = ".".join(map(str, error["loc"])) or None
        slot = _nearest(path, slots)
        if slot is not None and slot.value is None:
            if slot.chosen is None:
                yield Check("required", slot.path, False, f"{slot.path} is required and absent")
            continue
        if slot is not None:
            slot.reasons.append(error["msg"])
            path = slot.path
        yield Check("valid", path, False, error["msg"])


def _judged(rules: Rules, slots: Mapping[str, _Slot]) -> Iterator[Check]:
    """What the schema's rules say of the values.

    A broken rule puts all its values in doubt but those that another rule bears out.
    """
    values = {path: slot.value for path, slot in slots.items()}
    verdicts = [verdict for rule in rules for verdict in rule.judge(values)]
    borne_out = {path for verdict in verdicts if verdict.passed for path in verdict.involved}
    for verdict in verdicts:
        if not verdict.passed:
            doubtful = set(verdict.involved) - borne_out or set(verdict.involved)
            for path in doubtful:
                slots[path].reasons.append(verdict.message)
        yield Check(verdict.name, verdict.path, verdict.passed, verdict.message)


def _nearest(path: str | None, slots: Mapping[str, _Slot]) -> _Slot | None:
    """The leaf that a validation error is about; Pydantic may add steps of its own behind it."""
    steps = (path or "").split(".")
    for length in range(len(steps), 0, -1):
        if slot := slots.get(".".join(steps[:length])):
            return slot
    return None


def _json(tree: _Tree) -> Any:
    if isinstance(tree, dict):
        return {key: _json(inner) for key, inner in tree.items()}
    if isinstance(tree, list):
        return [_json(inner) for inner in tree]
    return _json_value(tree.value)


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, time):
        return clock(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _dump(record: BaseModel) -> dict[str, Any]:
    try:
        return record.model_dump(mode="json", by_alias=True)
    except Exception as error:
        # As above: the user's own serialisers ran.
        raise SchemaError(
            f"the schema {type(record).__name__} makes no JSON: {type(error).__name__}: {error}"
        ) from error


def _as_validated(data: Any, dumped: Any) -> Any:
    """The record as its class writes it; what is null on the page stays null, whatever it says."""
    if isinstance(data, dict):
        if not isinstance(dumped, dict):
            return data
        return {key: _as_validated(value, dumped.get(key, value)) for key, value in data.items()}
    if isinstance(data, list):
        if not isinstance(dumped, list) or len(dumped) != len(data):
            return data
        return [_as_validated(*pair) for pair in zip(data, dumped, strict=True)]
    return None if data is None else dumped


def _with_values(tree: _Tree, data: Any) -> Iterator[tuple[_Slot, Any]]:
    if isinstance(tree, _Slot):
        yield tree, data
    elif isinstance(tree, dict):
        for key, inner in tree.items():
            yield from _with_values(inner, data[key])
    else:
        for inner, value in zip(tree, data, strict=True):
            yield from _with_values(inner, value)
