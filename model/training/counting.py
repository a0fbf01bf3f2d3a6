"""What a picture of things is asked: where are those of one name. Some of it is not there."""

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from docextract.framing import TOKEN_SIDE
from docextract.pointing import location_text
from docextract.prompt import compact_count
from training.questions import Exercise, Piece
from training.samples import PATCH
from training.scenes.objects import GENERAL, OBJECTS, code_point, look_alikes
from training.scenes.stage import Scene

_ABSENT = 1 / 3
_ALIKE = 0.6
"""Share of the questions for what is absent that name something which looks like what is there."""
_FINE = 0.3
"""How often an ace is asked for where playing cards are asked for once."""
_ROW = 0.5
"""How far below the highest thing of a row, in sizes of the things, another still belongs to it:
things that stand or lie in a row should not change places by a few pixels."""
_CORE = 0.12
_MOST_CORE = 28.0
"""Half the side of a thing's core, as a share of its size, and in pixels at most."""

UNSURE: Mapping[str, Collection[str]] = {
    "die": ("box", "book", "tin", "carton"),
    "coin": ("book", "box", "tin", "carton"),
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
    row = max(TOKEN_SIDE, _ROW * float(np.median(scene.sizes[name]))) if inside else TOKEN_SIDE
    text = location_text([(x, y) for x, y in inside], width, height, row)
    pieces = [Piece(text, True, 1)] if text else []
    return Exercise(compact_count(name), [*pieces, Piece("</s>", True, 1)], counts=True)


def object_glyphs(scene: Scene) -> npt.NDArray[np.int32]:
    """(n, 3): the core of each thing and, as if it were letters, its name's code point.

    The core is one point in each patch about the middle: one of a small thing, up to 16 of a large
    one, whose very middle nothing in the picture tells to the patch.
    """
    rows = [np.empty((0, 3))]
    for name, points in scene.marks.items():
        for point, size in zip(points, scene.sizes[name], strict=True):
            steps = int(min(_CORE * size, _MOST_CORE) * 2 // PATCH)
            away = (np.arange(steps + 1) - steps / 2) * PATCH
            across, down = (axis.ravel() for axis in np.meshgrid(point[0] + away, point[1] + away))
            rows.append(np.column_stack([across, down, np.full(len(down), code_point(name))]))
    return np.concatenate(rows).round().astype(np.int32)
