"""A stored photo: its picture, and what lies in it where."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from docextract.framing import fit_size
from training.real.store import Grey, Points, read_grey
from training.scenes.objects import names
from training.scenes.stage import Scene

Boxes = npt.NDArray[np.float64]

INDEX = "counted.jsonl.gz"
CUTOUTS = "cutouts"
"""Folder beside the index: NAME/0000.webp, things cut out of training photos, with alpha."""


@dataclass(frozen=True)
class CountedPhoto:
    """A stored photo.

    Attributes:
        path: its picture.
        kind: what is counted in it, the most general name: "die".
        things: the finest name of each thing in it: "die showing 3".
        boxes: (n, 4) around them: left, top, right, bottom in pixels of the stored picture.
    """

    path: Path
    split: str
    kind: str
    things: list[str]
    boxes: Boxes

    def grey(self) -> Grey:
        """The stored picture; raises ValueError where it can't be read."""
        return read_grey(self.path)

    def plain(self, budget: int) -> Scene:
        """The photo as the app shows it: resized to `budget` visual tokens and nothing else."""
        grey = self.grey()
        size = fit_size(grey.shape[1], grey.shape[0], budget)
        scale = np.array(size) / grey.shape[::-1]
        shrinks = bool((scale < 1).all())
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        pixels = np.asarray(cv2.resize(grey, size, interpolation=how), np.uint8)
        corners = self.boxes.reshape(-1, 2, 2) * scale
        return scene_of(pixels, self.things, corners.mean(1), np.ptp(corners, axis=1).mean(1))

    def row(self) -> dict[str, Any]:
        """As counted.jsonl.gz holds it: tenths of pixels."""
        return {
            "file": self.path.name,
            "split": self.split,
            "kind": self.kind,
            "things": self.things,
            "boxes": self.boxes.round(1).tolist(),
        }

    @staticmethod
    def of(row: dict[str, Any], folder: Path) -> "CountedPhoto":
        """What `row` wrote."""
        boxes = np.array(row.pop("boxes"), np.float64).reshape(-1, 4)
        return CountedPhoto(path=folder / row.pop("file"), boxes=boxes, **row)


def scene_of(pixels: Grey, things: list[str], centres: Points, sizes: Points) -> Scene:
    """A picture with its marks, each thing under all names as which it counts.

    centres: (n, 2) x, y; sizes: (n,); in pixels.
    """
    mine = np.array([set(names(thing)) for thing in things], object)
    every = sorted(set().union(*mine))
    which = {name: np.array([name in each for each in mine], bool) for name in every}
    return Scene(
        pixels,
        {name: centres[one].astype(np.float32) for name, one in which.items()},
        {name: sizes[one].astype(np.float32) for name, one in which.items()},
    )


def save(photos: Iterable[CountedPhoto], out: Path) -> None:
    """Write the index of photos whose pictures lie in `out`."""
    with gzip.open(out / INDEX, "wt", encoding="utf-8") as index:
        for photo in photos:
            index.write(json.dumps(photo.row(), separators=(",", ":")) + "\n")


def load(folder: Path, *splits: str) -> list[CountedPhoto]:
    """The prepared photos of these splits; none where no photos were prepared."""
    if not (folder / INDEX).exists():
        return []
    with gzip.open(folder / INDEX, "rt", encoding="utf-8") as rows:
        photos = [CountedPhoto.of(json.loads(row), folder) for row in rows]
    return [photo for photo in photos if photo.split in splits]
