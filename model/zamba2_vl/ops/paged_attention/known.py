"""What the host knows of where a row's tokens lie."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """One row: `start` tokens are behind it, and its pages lie in runs of consecutive ones, each
    (first page, pages), in the order of the tokens."""

    start: int
    runs: tuple[tuple[int, int], ...]

    def before(self, size: int) -> Iterator[slice]:
        """Where the tokens before the start lie in the pool, run by run; pages have `size`."""
        left = self.start
        for page, pages in self.runs:
            if left > 0:
                yield slice(page * size, page * size + min(left, pages * size))
            left -= pages * size

    def own(self, length: int, size: int) -> slice | None:
        """Where the `length` tokens from the start on lie, or None where no run holds them all."""
        first = 0
        for page, pages in self.runs:
            end = first + pages * size
            if first <= self.start and self.start + length <= end:
                place = page * size + self.start - first
                return slice(place, place + length)
            first = end
        return None
