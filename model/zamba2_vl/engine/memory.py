"""What the scheduler asks of a cache."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.text.paged import PagedState
from zamba2_vl.text.state import DecoderState


class Memory(Protocol):
    """Rows of decoder state: the first ones for running answers, the last for the next prompt."""

    @property
    def most(self) -> int | None:
        """Tokens that one request may take; None: as many as it likes."""

    @property
    def rows(self) -> int:
        """Rows that there are."""

    def grow(self, rows: int, needs: Sequence[int]) -> None:
        """Make room for `rows` rows, and for requests of so many tokens; what is there stays."""

    def open(
        self, row: int, tokens: int, prefix: Prefix | None = None
    ) -> DecoderState | PagedState | None:
        """Empty a row for a request of at most `tokens` tokens; a view of it.

        A prefix that is still remembered has been read already. None: there is no room before
        some other row is closed.
        """

    def close(self, row: int) -> None:
        """The row's request is over."""

    def remember(self, row: int, prefix: Prefix) -> None:
        """Keep what the row holds, which is the state after `prefix`."""

    def knows(self, prefix: Prefix | None) -> bool:
        """Whether a prefix is remembered."""

    def first(self, rows: int) -> DecoderState | PagedState:
        """The first rows; a view."""

    @property
    def last(self) -> DecoderState | PagedState:
        """The last row; a view."""

    def move(self, source: int, target: int) -> None:
        """Let one row take the place of another, which is closed."""


Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """What was kept of a few prefixes; the one that nobody has asked for longest goes first."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._kept: OrderedDict[Prefix, Kept] = OrderedDict()

    def __contains__(self, prefix: Prefix | None) -> bool:
        return prefix in self._kept

    def find(self, prefix: Prefix | None) -> Kept | None:
        """What was kept of a prefix."""
        if prefix is None or prefix not in self._kept:
            return None
        self._kept.move_to_end(prefix)
        return self._kept[prefix]

    def put(self, prefix: Prefix, kept: Kept) -> list[Kept]:
        """Keep something; what had to go for it."""
        gone = [self._kept.pop(prefix)] if prefix in self._kept else []
        self._kept[prefix] = kept
        if len(self._kept) > self._places:
            gone.append(self._kept.popitem(last=False)[1])
        return gone

    def drop(self) -> Kept | None:
        """Let go of the oldest; None: there is nothing left."""
        return self._kept.popitem(last=False)[1] if self._kept else None
