"""Real scans with labels: prepared once, then shown with another crop, tilt and light each time.

`python -m training.real FOLDER OUT` reads FOLDER/labels.jsonl ({"file", "split", "truth"}, the
truth being any of company, address, date and total) and, where it exists, FOLDER/characters.jsonl
({"file", "lines"}, with the centre of every character). It cuts the blank margins as the app does
and writes small pictures and pages.jsonl to OUT.
"""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from docextract.framing import find_print, fit_size
from training.synthetic.pages import SyntheticPage

TRUTH_KEYS = {
    "company": "merchant_name",
    "address": "merchant_address",
    "date": "date",
    "total": "total",
}
Line = dict[str, Any]
"""A line of text as characters.jsonl has it: `text`, `box` (four corners), `chars`, `centres`."""

_KEPT_TOKENS = 1800  # stored a little sharper than the model sees it, for the crops to come
_TIME = re.compile(r"(?<!\d)((?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)\s*([AP]\.?M(?![A-Z]))?", re.I)
_AMOUNT = re.compile(r"(?:RM)?(\d[\d,]*\.\d\d)$")
_SIGN = re.compile(r"^(?:RM|MYR|\$|€|£)\s*|\s*(?:RM|MYR|\$|€|£)$", re.I)


@dataclass(frozen=True)
class RealPage:
    """A stored scan: its picture, (n, 3) glyph centres and code points, and its record."""

    path: Path
    split: str
    glyphs: npt.NDArray[np.int32]
    record: dict[str, str]

    def plain(self, budget: int) -> SyntheticPage:
        """The page as the app shows it: resized to `budget` visual tokens and nothing else."""
        grey = _grey(self.path)
        width, height = fit_size(grey.shape[1], grey.shape[0], budget)
        return self._warped(grey, np.zeros(4), 0.0, (width, height))

    def varied(self, rng: np.random.Generator, budget: int) -> SyntheticPage:
        """The page with another crop, aspect, tilt, light and sharpness."""
        grey = _grey(self.path)
        border = rng.uniform(-0.004, 0.04, 4) * (rng.random(4) < 0.7)
        stretch = np.exp(rng.normal(0, 0.05))
        shape = (
            grey.shape[1] * stretch * (1 + border[:2].sum()),
            grey.shape[0] * (1 + border[2:].sum()),
        )
        width, height = fit_size(*shape, int(budget * rng.uniform(0.7, 1.0)))
        page = self._warped(grey, border, float(rng.normal(0, 0.7)), (width, height))
        return replace(page, pixels=_lit(page.pixels, rng))

    def _warped(
        self,
        grey: npt.NDArray[np.uint8],
        border: npt.NDArray[np.float64],
        degrees: float,
        size: tuple[int, int],
    ) -> SyntheticPage:
        """Crop (fractions left, right, top, bottom added), turn and resize in one step."""
        height, width = grey.shape
        left, top = border[0] * width, border[2] * height
        across = size[0] / (width * (1 + border[0] + border[1]))
        down = size[1] / (height * (1 + border[2] + border[3]))
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
        place = np.array([[across, 0, left * across], [0, down, top * down], [0, 0, 1]])
        matrix = turn @ place
        if degrees == 0 and not border.any():
            shrinks = across < 1 and down < 1
            pixels = cv2.resize(
                grey, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            )
        else:
            pixels = cv2.warpAffine(
                grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        centres = self.glyphs[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        glyphs = np.column_stack([centres.round().astype(np.int32), self.glyphs[:, 2]])
        return SyntheticPage(
            np.asarray(pixels, np.uint8), glyphs.astype(np.int32), [], dict(self.record), "receipt"
        )


def load(folder: Path, *splits: str) -> list[RealPage]:
    """The prepared pages of these splits; raises FileNotFoundError where none were prepared."""
    return [
        RealPage(
            folder / page["file"],
            page["split"],
            np.array(page["glyphs"], np.int32).reshape(-1, 3),
            page["record"],
        )
        for page in _rows(folder / "pages.jsonl")
        if page["split"] in splits
    ]


def prepare(folder: Path, out: Path) -> int:
    """Write the pages of a labelled folder to `out`; returns how many.

    Raises ValueError for a file that is no picture.
    """
    out.mkdir(parents=True, exist_ok=True)
    characters = _characters(folder / "characters.jsonl")
    labels = _rows(folder / "labels.jsonl")
    with (out / "pages.jsonl").open("w", encoding="utf-8") as index:
        for label in labels:
            page = _prepared(folder, out, label, characters.get(label["file"], []))
            index.write(json.dumps(page, ensure_ascii=False, separators=(",", ":")) + "\n")
    return len(labels)


def _prepared(folder: Path, out: Path, label: dict[str, Any], lines: list[Line]) -> dict[str, Any]:
    """One page's row of pages.jsonl; its picture goes to `out`."""
    grey = _grey(folder / label["file"])
    left, top, right, bottom = find_print(grey).box
    cut = grey[top:bottom, left:right]
    width, height = fit_size(cut.shape[1], cut.shape[0], _KEPT_TOKENS, max_enlarge=1.0)
    scale = np.array([width / cut.shape[1], height / cut.shape[0]])
    name = Path(label["file"]).with_suffix(".webp").name
    small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(out / name), small, [cv2.IMWRITE_WEBP_QUALITY, 55])
    glyphs = [
        [*((np.array(centre) - (left, top)) * scale).round().astype(int).tolist(), ord(letter)]
        for line in lines
        # Characters that were read by machine lack a centre now and then.
        for centre, letter in zip(line["centres"], line["chars"], strict=False)
        if not letter.isspace()
    ]
    record = _record(label["truth"], lines)
    return {"file": name, "split": label["split"], "glyphs": glyphs, "record": record}


def _record(truth: dict[str, str], lines: list[Line]) -> dict[str, str]:
    """What is known of a page: its labels, and what its lines show beyond doubt."""
    known = {ours: truth[theirs] for theirs, ours in TRUTH_KEYS.items() if truth.get(theirs)}
    if "total" in known:
        known["total"] = _SIGN.sub("", known["total"].strip())
    return known | _surmised(lines)


def _surmised(lines: list[Line]) -> dict[str, str]:
    """What is printed once and cannot be mistaken, on a receipt of the English-speaking world."""
    texts = [line["text"] for line in lines]
    found: dict[str, str] = {}
    times = {
        " ".join(part for part in match.groups() if part)
        for text in texts
        for match in _TIME.finditer(text)
    }
    if len(times) == 1:
        found["time"] = times.pop()
    if any(re.search(r"(?<![A-Z])RM(?![A-Z])", text) for text in texts):
        found["currency"] = "RM"
    cards = [text for text in texts if re.search(r"VISA|MASTER|CARD|DEBIT|CREDIT", text, re.I)]
    cash = [match.group() for text in texts if (match := re.match(r"CASH(?![A-Z])", text, re.I))]
    if cash and not cards:
        found["payment_method"] = cash[0]
    subtotals = set(_beside(re.compile(r"SUB-?\s?TOTAL", re.I), lines))
    if len(subtotals) == 1:
        found["subtotal"] = subtotals.pop()
    return found


def _beside(label: re.Pattern[str], lines: list[Line]) -> Iterator[str]:
    """Amounts in the row of a label, to its right."""
    for line in lines:
        if not label.match(line["text"]):
            continue
        middle = np.mean([corner[1] for corner in line["box"]])
        for other in lines:
            same_row = abs(np.mean([corner[1] for corner in other["box"]]) - middle) < 12
            amount = _AMOUNT.fullmatch(other["text"])
            if amount and same_row and other["box"][0][0] > line["box"][0][0]:
                yield amount.group(1)


def _grey(path: Path) -> npt.NDArray[np.uint8]:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError(f"{path} is no picture")
    return np.asarray(grey, np.uint8)


def _characters(path: Path) -> dict[str, list[Line]]:
    return {row["file"]: row["lines"] for row in _rows(path)} if path.exists() else {}


def _rows(path: Path) -> list[dict[str, Any]]:
    # Not str.splitlines, which also splits at separators that JSON may hold unescaped.
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _lit(pixels: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Other light, contrast, sharpness and grain."""
    kind = rng.random()
    if kind < 0.2:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (3, 3), rng.uniform(0.3, 0.9)), np.uint8)
    elif kind < 0.35:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        pixels = np.asarray(cv2.addWeighted(pixels, 1.6, soft, -0.6, 0), np.uint8)
    levels = np.arange(256, dtype=np.float32) / 255
    levels = levels ** np.exp(rng.normal(0, 0.25)) * rng.uniform(0.7, 1.1) + rng.uniform(-0.12, 0.1)
    pixels = np.asarray(cv2.LUT(pixels, (levels.clip(0, 1) * 255).astype(np.uint8)), np.uint8)
    if rng.random() < 0.4:
        grain = np.empty(pixels.shape, np.int16)
        cv2.randn(grain, np.zeros(1), np.array([rng.uniform(1, 9)]))
        pixels = np.asarray(cv2.add(pixels, grain, dtype=cv2.CV_8U), np.uint8)
    return pixels


def main() -> None:
    """Prepare a folder, as the command line says."""
    parser = argparse.ArgumentParser(description="Prepare labelled scans for training.")
    parser.add_argument("folder", type=Path, help="pictures with labels.jsonl, characters.jsonl")
    parser.add_argument("out", type=Path, help="small pictures and pages.jsonl")
    arguments = parser.parse_args()
    print(prepare(arguments.folder, arguments.out), "pages prepared")


if __name__ == "__main__":
    main()
