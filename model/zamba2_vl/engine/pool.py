"""Which pages of a memory are free."""

from collections.abc import Iterable


class PagePool:
    """Which pages are free, and how many use each of the others. Page 0 is never given away."""

    def __init__(self) -> None:
        self._users = [1]

    def __len__(self) -> int:
        return len(self._users)

    @property
    def free(self) -> int:
        """Pages that nobody uses."""
        return self._users.count(0)

    def grow(self, pages: int) -> None:
        """Have so many pages in all."""
        self._users += [0] * (pages - len(self))

    def take(self, count: int) -> list[int] | None:
        """Pages for one user, in a row if such are free; None if there are too few."""
        free = [page for page, users in enumerate(self._users) if not users]
        if len(free) < count:
            return None
        starts = range(len(free) - count + 1)
        runs = (start for start in starts if free[start + count - 1] - free[start] == count - 1)
        start = next(runs, 0)
        taken = free[start : start + count]
        self.share(taken)
        return taken

    def share(self, pages: Iterable[int]) -> None:
        """One user more for each of the pages."""
        for page in pages:
            self._users[page] += 1

    def give_back(self, pages: Iterable[int]) -> None:
        """One user less for each of the pages."""
        for page in pages:
            self._users[page] -= 1
