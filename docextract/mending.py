"""Fields that fail a check are asked again, alone.

What the second look gives is taken only where it settles the matter: a check that failed now
holds, none fails that held before, and no value is lost. It then carries the repair `ask_again`.
Otherwise the first answer stays as it was, with its failed checks.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from docextract.assembly import Assembled, Doubt, PageAnswer, assemble
from docextract.schema import Group, Listing, Schema

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

REPAIR = "ask_again"

Ask = Callable[[Schema[Any], Doubt], PageAnswer | None]
"""Asks about the pages of a doubt for a schema of that field alone; None where there is no answer,
or no more patience."""


def mend(schema: Schema[M], answers: Sequence[PageAnswer], ask: Ask) -> Assembled[M]:
    """The record of `answers`, its failing fields asked again one by one.

    A value inside an object is asked alone, one in a list together with its list, which comes
    last. Raises what `assemble` raises.
    """
    answers = list(answers)
    result = assemble(schema, answers)
    asked: set[tuple[str, ...]] = set()
    while (found := _next(schema, result.doubts, asked)) is not None:
        doubt, steps = found
        asked.add(steps)
        second = ask(replace(schema, fields=_alone(schema.fields, steps), rules=()), doubt)
        if second is None or _is_absent(second.answer.record, steps):
            continue
        place = answers.index(doubt.source)
        mended = _with(doubt.source, second, steps)
        changed = [*answers[:place], mended, *answers[place + 1 :]]
        after = assemble(schema, changed)
        if _settles(result, after, ".".join(steps)):
            answers, result = changed, after
    return result


def _next(
    schema: Schema[Any], doubts: Sequence[Doubt], asked: set[tuple[str, ...]]
) -> tuple[Doubt, tuple[str, ...]] | None:
    """The first doubt about what has not been asked yet, single values before lists."""
    waiting = [(doubt, _steps(schema.fields, doubt.path)) for doubt in doubts]
    new = [(doubt, steps) for doubt, steps in waiting if steps not in asked]
    return min(new, key=lambda pair: ".".join(pair[1]) != pair[0].path, default=None)


def _steps(group: Group, path: str) -> tuple[str, ...]:
    """The keys that lead to a value, as far as the list that it stands in."""
    for key, field in group.fields.items():
        if path == key or (isinstance(field, Listing) and path.startswith(f"{key}.")):
            return (key,)
        if isinstance(field, Group) and path.startswith(f"{key}."):
            return (key, *_steps(field, path[len(key) + 1 :]))
    raise KeyError(path)


def _alone(group: Group, steps: Sequence[str]) -> Group:
    """The group with nothing in it but the field that the steps lead to."""
    key, *further = steps
    field = group.fields[key]
    if isinstance(field, Group) and further:
        field = _alone(field, further)
    return replace(group, fields={key: field})


def _with(first: PageAnswer, second: PageAnswer, steps: Sequence[str]) -> PageAnswer:
    """The first answer with the value at `steps` from the second."""
    path = ".".join(steps)
    old, new = first.answer, second.answer
    touched = _swapped(old.touched, new.touched, path)
    touched[path] = (*new.repairs, *touched.get(path, ()), REPAIR)
    answer = replace(
        old,
        record=_replaced(old.record, new.record, steps),
        touched=touched,
        logprobs=_swapped(old.logprobs, new.logprobs, path),
    )
    return PageAnswer(first.pages, answer, _swapped(first.places, second.places, path))


def _is_absent(record: Mapping[str, Any], steps: Sequence[str]) -> bool:
    value: Any = record
    for step in steps:
        value = value[step]
    return value is None or value == []


def _swapped(first: Mapping[str, T], second: Mapping[str, T], path: str) -> dict[str, T]:
    """What the second says of the path and below, and the first of all else."""
    kept = {place: value for place, value in first.items() if not _within(place, path)}
    return kept | {place: value for place, value in second.items() if _within(place, path)}


def _within(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")


def _replaced(
    record: dict[str, Any], other: dict[str, Any], steps: Sequence[str]
) -> dict[str, Any]:
    key, *further = steps
    value = _replaced(record[key], other[key], further) if further else other[key]
    return {**record, key: value}


def _settles(before: Assembled[Any], after: Assembled[Any], path: str) -> bool:
    failing, still = _failing(before), _failing(after)
    return (
        not still - failing
        and still.total() < failing.total()
        and sum(_values(after, path)) >= max(1, sum(_values(before, path)))
    )


def _failing(result: Assembled[Any]) -> Counter[tuple[str, str]]:
    """The checks that fail, of whatever row."""
    return Counter(
        (check.name, ".".join("*" if step.isdecimal() else step for step in check.path.split(".")))
        if check.path
        else (check.name, "")
        for check in result.checks
        if not check.passed
    )


def _values(result: Assembled[Any], path: str) -> Iterator[bool]:
    """Whether each value at the path, or below it, is there."""
    for place, found in result.fields.items():
        if _within(place, path):
            yield found.value is not None
