"""From folders with labels to one folder of small pictures and an index."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from docextract.framing import fit_size
from training.real.picture import write_grey
from training.real.scans import receipt
from training.real.store import RealPage, read_grey, save

_MOST_PHOTOS = 24
"""Photos kept of a folder: they only teach that there is nothing to read."""
_PHOTO_TOKENS = 500


def prepare(folders: list[Path], out: Path) -> int:
    """Write the pages of labelled folders to `out`; returns how many.

    Raises ValueError for a file that is no picture, pymupdf.FileDataError for one that is no PDF.
    """
    out.mkdir(parents=True, exist_ok=True)
    return save((page for folder in folders for page in _pages(folder, out)), out)


def _pages(folder: Path, out: Path) -> Iterator[RealPage]:
    # Only preparing reads PDFs: machines that teach need no MuPDF.
    from training.real.invoices import invoice

    read = {row["file"]: row["lines"] for row in _rows(folder / "characters.jsonl")}
    labels = _rows(folder / "labels.jsonl")
    photos = [label["file"] for label in labels if "truth" not in label and _trained(label)]
    photos = photos[:: max(1, len(photos) // _MOST_PHOTOS)][:_MOST_PHOTOS]
    layouts: Counter[str] = Counter()
    for label in labels:
        name = Path(label["file"])
        stem = f"{folder.name}-{name.stem}"
        if "truth" not in label:  # a photo of things that are counted
            if label["file"] in photos:
                yield _photo(folder / name, out, stem)
        elif name.suffix.lower() == ".pdf":
            yield from invoice(folder, out, stem, label, layouts)
        else:
            yield receipt(folder, out, stem, label, read.get(label["file"], []))


def _trained(label: dict[str, Any]) -> bool:
    return bool(label["split"] == "train")


def _photo(path: Path, out: Path, stem: str) -> RealPage:
    grey = read_grey(path)
    size = fit_size(grey.shape[1], grey.shape[0], _PHOTO_TOKENS, max_enlarge=1.0)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    where = write_grey(out / stem, np.asarray(small, np.uint8))
    return RealPage(where, "train", "photo", stem, [], {}, {})


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.name == "characters.jsonl" and not path.exists():
        return []
    # Not str.splitlines, which also splits at separators that JSON may hold unescaped.
    with path.open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]
