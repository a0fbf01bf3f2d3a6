"""Draws the exam in counting: scenes of seeds, faces and words that the training never shows.

    python -m training.scenes.exam FOLDER --fonts assets/fonts --words assets/words

FOLDER gets the pictures and a labels.jsonl that `docextract evaluate FOLDER` reads: one line for
each object that is asked about a picture, {"file", "object", "split", "count", "marks", "boxes"}.
Marks are [x, y] in pixels, boxes lie around them, in fractions of the sides; a split is a setting.
Asked is for up to three objects that a picture shows, the most frequent ones, and for one that it
lacks, a look-alike if there is any.
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.scenes.factory import SceneFactory
from training.scenes.objects import GENERAL, OBJECTS, look_alikes
from training.scenes.stage import Scene

BANDS = ((0, 0), (1, 10), (11, 20), (21, 60), (61, 120))
"""Least and greatest count of the most frequent object; as many scenes of each band."""

SCENES = 200

_SEED = 20261123
_TOKENS = 1568
_SHOWN, _ABSENT = 3, 1
"""Questions about a scene, at most."""

_TURN = ("shelves", "table", "shelves", "bins", "table", "warehouse", "shelves", "document",
         "table", "form")  # fmt: skip
"""Settings, one after the other."""


def draw(folder: Path, fonts: Path, words: Path, scenes: int = SCENES) -> str:
    """Fill `folder`; the same arguments give the same exam. Returns its fingerprint."""
    folder.mkdir(parents=True, exist_ok=True)
    factory = SceneFactory(fonts, words, kept_out=True)
    digest, lines = hashlib.sha256(), []
    for number, (setting, scene) in enumerate(_balanced(factory, scenes)):
        name = f"{number:03}.png"
        cv2.imwrite(str(folder / name), scene.pixels)
        digest.update(scene.pixels.tobytes())
        for asked in [*_shown(scene), *_absent(scene, number)]:
            lines.append(json.dumps({"file": name, "split": setting, **_label(scene, asked)}))
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    digest.update("\n".join(lines).encode())
    return digest.hexdigest()


def _label(scene: Scene, name: str) -> dict[str, Any]:
    """How many of a name a scene shows, and where."""
    marks = scene.marks.get(name, np.empty((0, 2), np.float32)).astype(np.float64)
    half = scene.sizes.get(name, np.empty(0, np.float32)).astype(np.float64)[:, None] / 2
    sides = np.array([scene.pixels.shape[1], scene.pixels.shape[0]] * 2)
    boxes = np.concatenate([marks - half, marks + half], 1) / sides
    return {
        "object": name,
        "count": len(marks),
        "marks": np.round(marks, 1).tolist(),
        "boxes": [[*box, name] for box in np.round(boxes, 5).tolist()],
    }


def _balanced(factory: SceneFactory, amount: int) -> Iterator[tuple[str, Scene]]:
    """Scenes of all settings, as many of each band: one that is full already is passed over."""
    room = dict.fromkeys(range(len(BANDS)), -(-amount // len(BANDS)))
    taken = seed = 0
    while taken < amount:
        setting, seed = _TURN[seed % len(_TURN)], seed + 1
        scene = factory.scene(np.random.default_rng([_SEED, seed]), _TOKENS, setting)
        most = max(map(len, scene.marks.values()), default=0)
        band = next(i for i, (low, high) in enumerate(BANDS) if low <= most <= high)
        if room[band]:
            room[band] -= 1
            taken += 1
            yield setting, scene


def _shown(scene: Scene) -> list[str]:
    """What a scene shows most of; a die before a die that shows 5."""
    return sorted(scene.marks, key=lambda name: (-len(scene.marks[name]), name in GENERAL))[:_SHOWN]


def _absent(scene: Scene, number: int) -> list[str]:
    """What a scene lacks, first what looks like something that it shows."""
    near = [other for name in sorted(scene.marks) for other in look_alikes(name)]
    rest = [name for name in OBJECTS if name not in GENERAL]
    order = np.random.default_rng([_SEED, number]).permutation(len(rest))
    asked = [*near, *(rest[int(place)] for place in order)]
    return [name for name in dict.fromkeys(asked) if name not in scene.marks][:_ABSENT]


def main(words: Sequence[str] | None = None) -> None:
    """Draw the exam that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes.exam", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, required=True, help="folder of .ttf and .otf faces")
    parser.add_argument("--words", type=Path, required=True, help="word list, one word a line")
    parser.add_argument("--scenes", type=int, default=SCENES)
    asked = parser.parse_args(words)
    mark = draw(asked.folder, asked.fonts, asked.words, asked.scenes)
    labels = [json.loads(line) for line in (asked.folder / "labels.jsonl").open(encoding="utf-8")]
    for low, high in BANDS:
        kinds = Counter(row["object"] for row in labels if low <= row["count"] <= high)
        print(f"{low:>3} to {high:<4}{kinds.total():>5} questions about {len(kinds)} objects")
    print(f"{asked.folder}: sha256 {mark}")


if __name__ == "__main__":
    main()
