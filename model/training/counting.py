"""What a picture of things is asked: where are those of one name. Some of it is not there."""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from docextract.pointing import location_text
from docextract.prompt import compact_count
from training.questions import Exercise, Piece
from training.scenes.objects import GENERAL, OBJECTS, code_point, look_alikes
from training.scenes.stage import Scene

_ABSENT = 1 / 3
_ALIKE = 0.6
"""Share of the questions for what is absent that name something which looks like what is there."""
_FINE = 0.3
"""How often an ace is asked for where playing cards are asked for once."""

UNSURE: Mapping[str, Collection[str]] = {
    "die": ("box",),
    "coin": (),
    "playing card": ("box", "bottle", "can", "jar", "carton", "book", "tin", "pallet", "signature",
                     "stamp", "check box"),
}  # fmt: skip
"""By what is counted in a photo, what may stand beside it without being marked."""


def ask_count(
    scene: Scene, rng: np.random.Generator, unsure: Collection[str] = ()
) -> Exercise | None:
    """Ask for something that a scene shows or, a third of the time, for something that it lacks.

    `unsure`: what it may show without a mark, which is not asked for. None where nothing is left.
    """
    present = sorted(scene.marks)
    absent = [name for name in OBJECTS if name not in scene.marks and name not in unsure]
    if absent and (not present or rng.random() < _ABSENT):
        near = {other for name in present for other in look_alikes(name)}
        alike = [name for name in absent if name in near]
        names = alike if alike and rng.random() < _ALIKE else absent
    else:
        names = present
    if not names:
        return None
    odds = np.array([_FINE if name in GENERAL else 1.0 for name in names])
    name = names[int(rng.choice(len(names), p=odds / odds.sum()))]
    return count_exercise(name, scene)


def count_exercise(name: str, scene: Scene) -> Exercise:
    """The question for one name, and the marks of a scene as its answer; none is the end alone."""
    height, width = scene.pixels.shape
    points = scene.marks.get(name, np.empty((0, 2), np.float32)).astype(np.float64)
    inside = points.clip(0, (width, height)).tolist()
    text = location_text([(x, y) for x, y in inside], width, height)
    pieces = [Piece(text, True, 1)] if text else []
    return Exercise(compact_count(name), [*pieces, Piece("</s>", True, 1)], counts=True)


def object_glyphs(scene: Scene) -> npt.NDArray[np.int32]:
    """(n, 3): the middle of each thing and, as if it were a letter, its name's code point."""
    rows = [
        np.column_stack([points, np.full(len(points), code_point(name))])
        for name, points in scene.marks.items()
    ]
    return np.concatenate([np.empty((0, 3)), *rows]).round().astype(np.int32)
