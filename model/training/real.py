"""Real scans with labels: prepared once, then shown with another crop, tilt and light each time.

`python -m training.real FOLDER OUT` reads FOLDER/labels.jsonl ({"file", "split", "truth"}) and,
where it exists, FOLDER/characters.jsonl (text lines and the centre of every character), cuts the
blank margins as the app does, and writes small pictures and pages.jsonl to OUT.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from docextract.framing import content_box, fit_size
from training.synthetic.pages import SyntheticPage

TRUTH_KEYS = {
    "company": "merchant_name",
    "address": "merchant_address",
    "date": "date",
    "total": "total",
}
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
    record: dict[str, str | None]

    def plain(self, budget: int) -> SyntheticPage:
        """The page as the app shows it: resized to the budget and nothing else."""
        grey = self._pixels()
        width, height = fit_size(grey.shape[1], grey.shape[0], budget)
        return self._warped(grey, np.zeros(4), 0.0, (width, height))

    def varied(self, rng: np.random.Generator, budget: int) -> SyntheticPage:
        """The page with another crop, aspect, tilt, light and sharpness."""
        grey = self._pixels()
        border = rng.uniform(-0.004, 0.04, 4) * (rng.random(4) < 0.7)
        stretch = np.exp(rng.normal(0, 0.05))
        shape = (
            grey.shape[1] * stretch * (1 + border[:2].sum()),
            grey.shape[0] * (1 + border[2:].sum()),
        )
        width, height = fit_size(*shape, int(budget * rng.uniform(0.7, 1.0)))
        page = self._warped(grey, border, float(rng.normal(0, 0.7)), (width, height))
        return SyntheticPage(
            _lit(page.pixels, rng), page.glyphs, page.lines, page.record, page.kind
        )

    def _pixels(self) -> npt.NDArray[np.uint8]:
        grey = cv2.imread(str(self.path), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            raise ValueError(f"{self.path} is no picture")
        return np.asarray(grey, np.uint8)

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
    """The prepared pages of these splits."""
    pages = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    return [
        RealPage(
            folder / page["file"],
            page["split"],
            np.array(page["glyphs"], np.int32).reshape(-1, 3),
            page["record"],
        )
        for page in pages
        if page["split"] in splits
    ]


def prepare(folder: Path, out: Path) -> int:
    """Write the pages of a labelled folder to `out`; returns how many."""
    out.mkdir(parents=True, exist_ok=True)
    characters = _characters(folder / "characters.jsonl")
    count = 0
    with (out / "pages.jsonl").open("w", encoding="utf-8") as index:
        for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
            label = json.loads(line)
            grey = np.asarray(
                cv2.imread(str(folder / label["file"]), cv2.IMREAD_GRAYSCALE), np.uint8
            )
            left, top, right, bottom = content_box(grey)
            cut = grey[top:bottom, left:right]
            width, height = fit_size(cut.shape[1], cut.shape[0], _KEPT_TOKENS, max_enlarge=1.0)
            scale = np.array([width / cut.shape[1], height / cut.shape[0]])
            name = Path(label["file"]).with_suffix(".webp").name
            small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(out / name), small, [cv2.IMWRITE_WEBP_QUALITY, 55])
            lines = characters.get(label["file"], [])
            glyphs = [
                [
                    *((np.array(centre) - (left, top)) * scale).round().astype(int).tolist(),
                    ord(letter),
                ]
                for text in lines
                for centre, letter in zip(text["centres"], text["chars"], strict=False)
                if not letter.isspace()
            ]
            record = _record(label["truth"], lines)
            page = {"file": name, "split": label["split"], "glyphs": glyphs, "record": record}
            index.write(json.dumps(page, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def _record(truth: dict[str, str], lines: list[dict[str, Any]]) -> dict[str, str | None]:
    """What is known of a page: its labels, and what its lines show beyond doubt."""
    record = {ours: truth.get(theirs) or None for theirs, ours in TRUTH_KEYS.items()}
    if record["total"]:
        record["total"] = _SIGN.sub("", record["total"].strip())
    known = {key: value for key, value in record.items() if value}
    return {**known, **_surmised([line["text"] for line in lines], lines)}


def _surmised(texts: list[str], lines: list[dict[str, Any]]) -> dict[str, str]:
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


def _beside(label: re.Pattern[str], lines: list[dict[str, Any]]) -> Iterator[str]:
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


def _characters(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["file"]: row["lines"] for row in rows}


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
        cv2.randn(grain, 0, float(rng.uniform(1, 9)))
        pixels = np.asarray(cv2.add(pixels, grain, dtype=cv2.CV_8U), np.uint8)
    return pixels


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1]), Path(sys.argv[2])), "pages prepared")
