"""Typefaces, words and scans that need nothing fetched."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pymupdf
import pytest
from PIL import Image

from training import counted, real
from training.bundled import configuration
from training.feed import Sources
from training.synthetic.pages import PageFactory
from zamba2_vl.config import VisionConfig

# MuPDF carries the faces of PDF's base fonts.
FACES = {
    "Sans-Regular": "helv",
    "Sans-Bold": "hebo",
    "Mono-Regular": "cour",
    "Mono-Bold": "cobo",
    "Serif-Regular": "tiro",
}
HEADS = ["bar", "con", "del", "fin", "gar", "hol", "lam", "mor", "pen", "ros"]
TAILS = ["den", "ger", "lit", "man", "row", "son"]
SPLITS = ("train", "train", "dev", "dev_seen", "dev_seen")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Sources of synthetic pages alone."""
    folder = tmp_path_factory.mktemp("sources")
    words = folder / "words"
    words.write_text("\n".join(head + tail for head in HEADS for tail in TAILS))
    fonts = folder / "fonts"
    fonts.mkdir()
    for name, code in FACES.items():
        (fonts / f"{name}.otf").write_bytes(pymupdf.Font(code).buffer)
    return Sources(fonts, words, real=None)


def _lines(glyphs: npt.NDArray[np.int32]) -> list[dict[str, Any]]:
    """The letters as drawn; a new line where the next one stands lower, higher or to the left."""
    step = np.diff(glyphs[:, :2], axis=0)
    ends = np.flatnonzero((np.abs(step[:, 1]) > 4) | (step[:, 0] < 0) | (step[:, 0] > 40)) + 1
    lines = []
    for part in np.split(glyphs, ends):
        (left, top), (right, bottom) = part[:, :2].min(0) - 9, part[:, :2].max(0) + 9
        text = "".join(map(chr, part[:, 2]))
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
        box = [[int(x), int(y)] for x, y in corners]
        lines.append({"text": text, "chars": text, "centres": part[:, :2].tolist(), "box": box})
    return lines


@pytest.fixture(scope="session")
def labelled(drawn: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of labelled "scans", as `training.real` wants them."""
    folder = tmp_path_factory.mktemp("labelled")
    factory = PageFactory(drawn.fonts, drawn.words)
    labels, characters = [], []
    for number, split in enumerate(SPLITS):
        page = factory.document(np.random.default_rng(number), 300, "receipt")
        cv2.imwrite(str(folder / f"{number}.png"), page.pixels)
        truth = {"company": page.record["merchant_name"], "total": f"RM {page.record['total']}"}
        labels.append({"file": f"{number}.png", "split": split, "truth": truth})
        characters.append({"file": f"{number}.png", "lines": _lines(page.glyphs)})
    for name, rows in (("labels", labels), ("characters", characters)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


@pytest.fixture(scope="session")
def sources(drawn: Sources, labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Sources of synthetic and of prepared real pages."""
    prepared = tmp_path_factory.mktemp("prepared")
    assert real.prepare([labelled], prepared) == len(SPLITS)
    return replace(drawn, real=prepared)


def _photo_of_dice(rng: np.random.Generator, path: Path, count: int) -> list[list[Any]]:
    """Dark dice showing two on a pale table, turned by the camera's note; returns their boxes."""
    photo = rng.normal(205, 3, (300, 400, 3)).clip(0, 255).astype(np.uint8)
    boxes = []
    for place in rng.choice(12, count, replace=False).tolist():
        x, y = 20 + 100 * (place % 4), 30 + 95 * (place // 4)
        cv2.rectangle(photo, (x, y), (x + 39, y + 39), (40, 30, 30), -1)
        for pip in (10, 29):
            cv2.circle(photo, (x + pip, y + pip), 4, (240, 240, 240), -1)
        boxes.append([(x - 1) / 400, (y - 1) / 300, (x + 41) / 400, (y + 41) / 300, "two"])
    turned = Image.fromarray(np.rot90(photo))  # note 6 says: turn it right by a quarter
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(path, exif=exif, quality=95)
    return boxes


def _photo_of_coins(rng: np.random.Generator, path: Path, count: int) -> None:
    photo = rng.normal(220, 3, (600, 800, 3)).clip(0, 255).astype(np.uint8)
    for place in rng.choice(20, count, replace=False).tolist():
        middle = 90 + 150 * (place % 5), 80 + 140 * (place // 5)
        cv2.circle(photo, middle, int(rng.integers(30, 40)), (60, 110, 130), -1, cv2.LINE_AA)
    cv2.imwrite(str(path), photo)


@pytest.fixture(scope="session")
def photographed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of labelled photos, as `training.counted` wants them: dice, with boxes, and coins,
    without; the label of the last one is wrong."""
    folder, rng = tmp_path_factory.mktemp("photographed"), np.random.default_rng(7)
    labels: list[dict[str, Any]] = []
    for number, (count, split) in enumerate([(5, "train"), (9, "train"), (3, "dev")]):
        boxes = _photo_of_dice(rng, folder / f"{number}.jpg", count)
        labels.append({"count": count, "by_class": {"two": count}, "boxes": boxes, "split": split})
    for number, (count, wrong, split) in enumerate([(8, 0, "train"), (4, 0, "dev"), (6, 1, "dev")]):
        _photo_of_coins(rng, folder / f"{number + 3}.jpg", count)
        labels.append({"count": count + wrong, "by_class": {"1e": count + wrong}, "split": split})
    rows = [{"file": f"{number}.jpg", **label} for number, label in enumerate(labels)]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


@pytest.fixture(scope="session")
def photos(photographed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """These photos, prepared."""
    folder = tmp_path_factory.mktemp("photos")
    counted.prepare([photographed], folder)
    return folder


@pytest.fixture(scope="session")
def vision() -> VisionConfig:
    """The patches and windows of the bundled model."""
    found = configuration(tiny=True).vision
    assert found is not None
    return found
