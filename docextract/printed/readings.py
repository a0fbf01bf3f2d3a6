"""What a printed text can mean: one reading, several, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class NotReadableError(ValueError):
    """The text is no value of this kind."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(f"{text!r} is not {kind}")


class AmbiguousError(ValueError):
    """The text can mean several values, and nothing on the page says which."""

    def __init__(self, text: str, values: Sequence[object]) -> None:
        self.values = tuple(values)
        super().__init__(f"{text!r} may be {' or '.join(str(value) for value in self.values)}")


@dataclass(frozen=True)
class Reading(Generic[T]):
    """One meaning, and the convention under which it holds ("" where any gives the same)."""

    value: T
    convention: str = ""


def choose(text: str, readings: Sequence[Reading[T]], convention: str | None) -> T:
    """The only reading, or the one that the page's convention names.

    Raises:
        AmbiguousError: several remain. `readings` must not be empty.
    """
    if len(readings) > 1:
        readings = [r for r in readings if r.convention == convention] or readings
    if len(readings) > 1:
        raise AmbiguousError(text, [reading.value for reading in readings])
    return readings[0].value
