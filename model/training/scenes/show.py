"""Contact sheets of scenes with their marks, to be looked at.

python -m training.scenes.show FOLDER --fonts assets/fonts --words assets/words
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.factory import SceneFactory
from training.scenes.objects import GENERAL
from training.scenes.stage import Scene

_SIDE = 560
_COLUMNS = 3
_COLOURS = ((60, 60, 255), (60, 220, 60), (255, 120, 40), (0, 210, 255), (255, 60, 255))


def marked(scene: Scene) -> NDArray[np.uint8]:
    """The scene (H, W, 3) with a dot on each thing, one colour a kind, and the counts above."""
    picture = cv2.cvtColor(scene.pixels, cv2.COLOR_GRAY2BGR)
    words = []
    for number, name in enumerate(name for name in scene.marks if name not in GENERAL):
        colour = _COLOURS[number % len(_COLOURS)]
        words.append((f"{name} {len(scene.marks[name])}", colour))
        for x, y in scene.marks[name]:
            cv2.circle(picture, (round(float(x)), round(float(y))), 5, colour, 2, cv2.LINE_AA)
    for line, (text, colour) in enumerate(words):
        at = (8, 30 + 32 * line)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 6)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, colour, 2)
    return np.asarray(picture, np.uint8)


def sheet(scenes: Sequence[Scene]) -> NDArray[np.uint8]:
    """Scenes side by side, three a row."""
    tiles = []
    for scene in scenes:
        picture = marked(scene)
        share = _SIDE / max(picture.shape[:2])
        small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        tile = np.full((_SIDE, _SIDE, 3), 40, np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[at : at + _COLUMNS]) for at in range(0, len(tiles), _COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def main(words: Sequence[str] | None = None) -> None:
    """Draw the sheets that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes.show", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, required=True, help="folder of .ttf and .otf faces")
    parser.add_argument("--words", type=Path, required=True, help="word list, one word a line")
    parser.add_argument("--cutouts", type=Path, help="folder of things cut from photos")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--budget", type=int, default=1568, help="visual tokens a scene")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="only scenes of this setting")
    asked = parser.parse_args(words)
    factory = SceneFactory(asked.fonts, asked.words, asked.cutouts)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, asked.count, 9):
        seeds = range(asked.seed + first, asked.seed + min(first + 9, asked.count))
        scenes = [
            factory.scene(np.random.default_rng(seed), asked.budget, asked.kind) for seed in seeds
        ]
        path = asked.folder / f"{asked.kind or 'scenes'}{asked.seed + first:04}.png"
        cv2.imwrite(str(path), sheet(scenes))
        print(path)


if __name__ == "__main__":
    main()
