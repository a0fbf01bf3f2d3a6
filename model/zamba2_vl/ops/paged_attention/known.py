"""What the host knows of where a row's tokens lie."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """One row: `start` tokens are behind it, and its pages lie in runs of consecutive ones, each
    (first page, pages), in the order of the tokens."""

    start: int
    runs: tuple[tuple[int, int], ...]

    def pieces(self, tokens: int, grain: int, size: int) -> list[slice] | None:
        """Where each `grain` of the row's first `tokens` tokens lies in a pool of pages of `size`.

        None where the tokens are not whole grains, or one lies in no single run.
        """
        places: list[slice] = []
        first = 0
        for page, pages in self.runs:
            end = first + pages * size
            while len(places) * grain >= first and (len(places) + 1) * grain <= min(end, tokens):
                place = page * size + len(places) * grain - first
                places.append(slice(place, place + grain))
            first = end
        return places if len(places) * grain == tokens else None
