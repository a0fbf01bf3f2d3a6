"""From folders of labelled photos to small grey pictures, an index and cut-outs."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from training.counted import cutting
from training.counted.store import CUTOUTS, Boxes, CountedPhoto, save
from training.scenes.objects import names
from training.scenes.stage import Sprite

CLASSES = {
    **{word: f"die showing {face}" for face, word in
       enumerate(("one", "two", "three", "four", "five", "six"), 1)},
    **{rank: rank for rank in ("nine", "ten", "jack", "queen", "king", "ace")},
}  # fmt: skip
"""What the labels call a thing, and its name among the objects taught."""

_LONG_SIDE = 1000
_QUALITY = 50
_COINS = 160  # cut-outs kept; coins look much alike
_PIECES = 48  # cut-outs kept of each other name


def prepare(folders: list[Path], out: Path) -> Counter[str]:
    """Write the photos of labelled folders to `out`; returns how many of each kind, and cut-outs.

    A photo whose labels give no boxes holds coins; it is left out where not as many coins are
    found as the label says. Raises ValueError for a file that is no picture.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally: Counter[str] = Counter()
    pieces: dict[str, list[Sprite]] = defaultdict(list)
    photos = []
    for photo, colour in _photos(folders, out):
        photos.append(photo)
        tally[f"{photo.kind}, {photo.split}"] += 1
        if photo.split == "train":
            for name, sprite in _pieces(photo, colour):
                pieces[name].append(sprite)
    save(photos, out)
    for name, sprites in sorted(pieces.items()):
        most = _COINS if name == "coin" else _PIECES
        sprites = sprites[:: max(1, len(sprites) // most)][:most]
        tally[f"{name}, cut out"] = len(sprites)
        _write_pieces(out / CUTOUTS / name, sprites)
    return tally


def _photos(folders: list[Path], out: Path) -> Iterator[tuple[CountedPhoto, cutting.Colour]]:
    """Every photo whose things are known, with its picture in colours at the stored size."""
    for folder in folders:
        for line in (folder / "labels.jsonl").read_text("utf-8").splitlines():
            label = json.loads(line)
            colour = _as_seen(folder / label["file"])
            found = _labelled(label, colour) if "boxes" in label else _coins(label, colour)
            if found is None:
                continue
            things, boxes = found
            scale = min(1.0, _LONG_SIDE / max(colour.shape[:2]))
            small = cv2.resize(colour, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            path = out / f"{folder.name}-{Path(label['file']).stem}-counted.webp"
            grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
            Image.fromarray(grey).save(path, quality=_QUALITY, method=6)
            kind = names(things[0])[-1]
            photo = CountedPhoto(path, label["split"], kind, things, boxes * scale)
            yield photo, np.asarray(small, np.uint8)


def _as_seen(path: Path) -> cutting.Colour:
    """A photo turned as its camera noted, (H, W, 3) in OpenCV's order of colours."""
    try:
        with Image.open(path) as photo:
            upright = np.asarray(ImageOps.exif_transpose(photo).convert("RGB"))
    except OSError as error:
        raise ValueError(f"{path} is no picture") from error
    return np.asarray(cv2.cvtColor(upright, cv2.COLOR_RGB2BGR), np.uint8)


def _labelled(label: dict[str, Any], photo: cutting.Colour) -> tuple[list[str], Boxes]:
    height, width = photo.shape[:2]
    shares = np.array([box[:4] for box in label["boxes"]], np.float64)
    return [CLASSES[box[4]] for box in label["boxes"]], shares * (width, height, width, height)


def _coins(label: dict[str, Any], photo: cutting.Colour) -> tuple[list[str], Boxes] | None:
    circles = cutting.coins(photo, label["count"])
    if circles is None:
        return None
    x, y, radius = circles.T
    boxes = np.column_stack([x - radius, y - radius, x + radius, y + radius])
    return ["coin"] * len(circles), boxes


def _pieces(photo: CountedPhoto, colour: cutting.Colour) -> Iterator[tuple[str, Sprite]]:
    """What can be cut out of a photo: things that no other one touches."""
    grey = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8)
    for index, (name, box) in enumerate(zip(photo.things, photo.boxes, strict=True)):
        others = np.delete(photo.boxes, index, axis=0)
        apart = (others[:, :2] > box[2:]).any(1) | (others[:, 2:] < box[:2]).any(1)
        sprite = None
        if photo.kind == "coin":
            circle = np.array([*(box[:2] + box[2:]) / 2, (box[2] - box[0]) / 2])
            sprite = cutting.coin(grey, circle)
        elif apart.all():
            sprite = (cutting.die if photo.kind == "die" else cutting.card)(colour, box)
        if sprite is not None:
            yield name, sprite


def _write_pieces(folder: Path, sprites: list[Sprite]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, sprite in enumerate(sprites):
        pair = Image.merge("LA", [Image.fromarray(sprite.grey), Image.fromarray(sprite.alpha)])
        pair.convert("RGBA").save(folder / f"{number:04}.webp", quality=60, method=6)
