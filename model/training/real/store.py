"""A stored real page: its picture, its lines of text, its values and where they are printed."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from training.real import show
from training.synthetic.pages import SyntheticPage

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Record = dict[str, str | None]

INDEX = "pages.jsonl.gz"


@dataclass(frozen=True)
class Line:
    """A line of text: its letters without blanks, their middles' x, and the box around them.

    `box` holds the corners from the upper left one on, clockwise; the middles lie halfway between
    its upper and its lower edge.
    """

    text: str
    xs: Points
    box: Points

    @cached_property
    def centres(self) -> Points:
        """(n, 2): the middle of each letter."""
        left, right = (self.box[0] + self.box[3]) / 2, (self.box[1] + self.box[2]) / 2
        slope = (right[1] - left[1]) / max(right[0] - left[0], 1.0)
        return np.column_stack([self.xs, left[1] + (self.xs - left[0]) * slope])

    def moved(self, shift: tuple[float, float], scale: Points) -> "Line":
        """The line on a picture whose upper left corner was cut by `shift` and then scaled."""
        return Line(self.text, (self.xs - shift[0]) * scale[0], (self.box - shift) * scale)

    def row(self) -> list[Any]:
        """As pages.jsonl.gz holds it: whole pixels, the middles by their distances."""
        return [self.text, _steps(self.xs), _whole(self.box.ravel())]

    @staticmethod
    def of(row: list[Any]) -> "Line":
        """What `row` wrote."""
        text, steps, box = row
        xs = np.cumsum(steps, dtype=np.float64)
        return Line(text, xs, np.array(box, np.float64).reshape(4, 2))


@dataclass(frozen=True)
class Span:
    """The letters `start` to `end` (not included) of a line of the page."""

    line: int
    start: int
    end: int


Printing = list[Span]
"""One printing of a value: one span, or one for each line that it runs over."""


@dataclass(frozen=True)
class RealPage:
    """A stored page.

    Attributes:
        path: its picture.
        kind: "receipt", "invoice", or "photo" for a picture without any document.
        group: pages of one layout share it.
        record: values as printed; None is absent. What is not known is no key.
        printings: for a value, every place where it is printed.
    """

    path: Path
    split: str
    kind: str
    group: str
    lines: list[Line]
    record: Record
    printings: dict[str, list[Printing]]

    @cached_property
    def glyphs(self) -> Points:
        """(n, 3): middle and code point of every letter."""
        return np.concatenate([np.empty((0, 3)), *map(letters, self.lines)])

    def grey(self) -> Grey:
        """The stored picture; raises ValueError where it can't be read."""
        return read_grey(self.path)

    def plain(self, budget: int) -> SyntheticPage:
        """The page as the app shows it: resized to `budget` visual tokens and nothing else."""
        return self._page(show.plain(self.grey(), self.glyphs, budget))

    def varied(self, rng: np.random.Generator, budget: int) -> SyntheticPage:
        """The page with another crop, aspect, tilt, light and sharpness."""
        return self._page(show.varied(rng, self.grey(), self.glyphs, budget))

    def _page(self, shown: tuple[Grey, show.Glyphs]) -> SyntheticPage:
        return SyntheticPage(*shown, [], dict(self.record), self.kind)

    def row(self) -> dict[str, Any]:
        """As pages.jsonl.gz holds it."""
        return {
            "file": self.path.name,
            "split": self.split,
            "kind": self.kind,
            "group": self.group,
            "lines": [line.row() for line in self.lines],
            "record": self.record,
            "printings": {
                key: [[[s.line, s.start, s.end] for s in spans] for spans in all_of_it]
                for key, all_of_it in self.printings.items()
            },
        }

    @staticmethod
    def of(row: dict[str, Any], folder: Path) -> "RealPage":
        """What `row` wrote."""
        printings = {
            key: [[Span(*span) for span in spans] for spans in all_of_it]
            for key, all_of_it in row.pop("printings").items()
        }
        lines = [Line.of(line) for line in row.pop("lines")]
        return RealPage(path=folder / row.pop("file"), lines=lines, printings=printings, **row)


def letters(line: Line) -> Points:
    """(n, 3): the letters of a line with their middles."""
    codes = np.array([ord(letter) for letter in line.text], np.float64)
    return np.column_stack([line.centres, codes])


def save(pages: Iterable[RealPage], out: Path) -> int:
    """Write the index of pages whose pictures lie in `out`; returns how many."""
    rows = [page.row() for page in pages]
    with gzip.open(out / INDEX, "wt", encoding="utf-8") as index:
        for row in rows:
            index.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    return len(rows)


def load(folder: Path, *splits: str) -> list[RealPage]:
    """The prepared pages of these splits; raises FileNotFoundError where none were prepared."""
    with gzip.open(folder / INDEX, "rt", encoding="utf-8", newline="\n") as rows:
        pages = [RealPage.of(json.loads(row), folder) for row in rows]
    return [page for page in pages if page.split in splits]


def read_grey(path: Path) -> Grey:
    """A picture in grey; raises ValueError for a file that is none."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError(f"{path} is no picture")
    return np.asarray(grey, np.uint8)


def _steps(values: Points) -> list[int]:
    return [round(float(step)) for step in np.diff(np.round(values), prepend=0)]


def _whole(values: Points) -> list[int]:
    return [round(float(value)) for value in values]
