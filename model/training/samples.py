"""A page and an exercise as arrays of fixed size, ready to be stacked into a batch."""

from dataclasses import dataclass, fields, replace
from string import ascii_letters, digits

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.questions import Exercise
from training.scenes.objects import OBJECTS, code_point
from training.vocabulary import LETTERS, LOCATIONS, build
from zamba2_vl.chat import IMAGE_TOKEN, VISION_END, VISION_START, render
from zamba2_vl.config import VisionConfig
from zamba2_vl.vision.windows import PackedLayout, WindowLayout

Batch = dict[str, Tensor]
Ints = npt.NDArray[np.int64]

PATCH = 14
GLYPH_SLOTS = 3
ALPHABET = "".join(chr(code) for code in range(0x21, 0x7F)) + LETTERS
"""Glyph class i + 1 is ALPHABET[i]; 0 is an empty slot."""
FIRST_OBJECT = len(ALPHABET) + 1
"""The class of the first object; the others follow in their order."""
GLYPH_CLASSES = FIRST_OBJECT + len(OBJECTS) + 1
"""The last class is any other letter."""
IGNORED = -100
_LAYOUT = ("coords", "inverse", "bounds")

_CLASS_OF = {ord(letter): index + 1 for index, letter in enumerate(ALPHABET)}
_CLASS_OF |= {code_point(name): FIRST_OBJECT + index for index, name in enumerate(OBJECTS)}

_UNSTEADY = 0.3
"""Share of the locations shown that are a little off, where letters slip."""
_OFF = 5.0  # standard deviation, in thousandths of a side


@dataclass(frozen=True)
class Canvas:
    """The sizes of one batch shape.

    Attributes:
        patches, windows: patches of 14 x 14 pixels and attention windows a page, at most.
        length: tokens a row, image and text.
        text: letters of question and answer, at most.
    """

    patches: int
    windows: int
    length: int
    text: int

    @property
    def image_tokens(self) -> int:
        return self.patches // 4


@dataclass
class Sample:
    """One page with its exercise; all arrays padded to the canvas.

    Attributes:
        patches: (patches, 196) uint8, packed window order, padding 255.
        grid: (2,) patches down and across.
        ids: (length,) token ids; image places hold the image token.
        labels: (text,) what the letters from `start` on should predict: the answer, -100 elsewhere.
        field: (text,) number of the leaf that a label belongs to, 0 where the grammar forces it.
        start: position of the first letter of the text in `ids`.
        counts: 1 where the answer is marks.
        glyphs: (patches, 3) glyph classes in packed order.
    """

    patches: npt.NDArray[np.uint8]
    grid: Ints
    ids: Ints
    labels: Ints
    field: Ints
    start: Ints
    counts: Ints
    glyphs: Ints

    def silent(self) -> "Sample":
        """The same page with nothing to learn or to count, to fill a batch up."""
        return replace(
            self, labels=np.full_like(self.labels, IGNORED), glyphs=np.zeros_like(self.glyphs)
        )


def stack(samples: list[Sample], canvas: Canvas, vision: VisionConfig) -> Batch:
    """One tensor per attribute of `Sample`, batch first, and those of their `PackedLayout`."""
    batch = {
        item.name: torch.from_numpy(np.stack([getattr(sample, item.name) for sample in samples]))
        for item in fields(Sample)
    }
    grids = [sample.grid.tolist() for sample in samples]
    layout = PackedLayout.collate(
        [WindowLayout.for_grid(rows, columns, vision) for rows, columns in grids],
        canvas.patches,
        canvas.windows,
    )
    for name in _LAYOUT:
        batch[f"layout.{name}"] = getattr(layout, name).int()
    return batch


def layout_of(batch: Batch, vision: VisionConfig) -> PackedLayout:
    """The layout that `stack` put into a batch."""
    coords, inverse, bounds = (batch[f"layout.{name}"] for name in _LAYOUT)
    return PackedLayout(vision.window_patches, coords.long(), inverse.long(), bounds)


class Encoder:
    """Turns pages and exercises into samples of one canvas.

    `slips` is the share of answer letters that are shown wrong, so that the model learns to go on
    after a slip of its own; what it should predict stays right. Of the locations many are then
    shown a little beside their place, as the model will put them. With `cut`, an answer that is too
    long is taught as far as there is room.
    """

    def __init__(
        self, vision: VisionConfig, canvas: Canvas, slips: float = 0.0, cut: bool = False
    ) -> None:
        self.vision = vision
        self.canvas = canvas
        self.slips = slips
        self.cut = cut
        self.tokenizer: Tokenizer = build()
        self.letters = np.array([self._id(letter) for letter in ascii_letters + digits])
        self.locations = self._id(LOCATIONS[0])

    def room(self, pixels: npt.NDArray[np.uint8], question: str) -> int:
        """Tokens that an answer may take beside this page and this question."""
        return self._text_room(pixels.size // PATCH**2) - len(self._prompt(question))

    def encode(
        self,
        pixels: npt.NDArray[np.uint8],
        glyphs: npt.NDArray[np.int32],
        exercise: Exercise | None,
        rng: np.random.Generator,
    ) -> Sample | None:
        """The sample, or None if page and exercise do not fit the canvas together.

        Args:
            pixels: (height, width) grey, sides multiples of 28.
            glyphs: (n, 3) x, y, code point.
        """
        height, width = pixels.shape
        rows, columns = height // PATCH, width // PATCH
        count = rows * columns
        if count > self.canvas.patches:
            raise ValueError(f"a page of {count} patches does not fit {self.canvas}")
        layout = WindowLayout.for_grid(rows, columns, self.vision)
        if layout.windows > self.canvas.windows:
            return None
        text = self._text(exercise, self._text_room(count), rng)
        if text is None:
            return None
        patches = np.full((self.canvas.patches, PATCH * PATCH), 255, np.uint8)
        patches[:count] = _units(pixels)[layout.order.numpy()].reshape(count, PATCH * PATCH)
        targets = np.zeros((self.canvas.patches, GLYPH_SLOTS), np.int64)
        _fill_glyphs(targets, glyphs, (rows, columns), layout.inverse.numpy())

        ids_of_text, labels, field = text
        images = count // 4
        ids = np.full(self.canvas.length, self._id("[PAD]"), np.int64)
        ids[0] = self._id(VISION_START)
        ids[1 : 1 + images] = self._id(IMAGE_TOKEN)
        ids[1 + images] = self._id(VISION_END)
        start = 2 + images
        ids[start : start + len(ids_of_text)] = ids_of_text
        return Sample(
            patches,
            np.array([rows, columns]),
            ids,
            _padded(labels, self.canvas.text, IGNORED),
            _padded(field, self.canvas.text, 0),
            np.array(start),
            np.array(int(exercise is not None and exercise.counts)),
            targets,
        )

    def _text_room(self, patches: int) -> int:
        """Tokens that question and answer may take together."""
        return min(self.canvas.text, self.canvas.length - patches // 4 - 2)

    def _prompt(self, question: str) -> list[int]:
        return list(self.tokenizer.encode(render(question)).ids)

    def _text(
        self, exercise: Exercise | None, room: int, rng: np.random.Generator
    ) -> tuple[Ints, Ints, Ints] | None:
        """Tokens, labels and fields; None if they do not fit into `room`."""
        if exercise is None:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing
        ids = self._prompt(exercise.question)
        asked = len(ids)
        chosen = [False] * asked
        field = [0] * len(ids)
        for piece in exercise.answer:
            new = self.tokenizer.encode(piece.text).ids
            ids += new
            chosen += [piece.chosen] * len(new)
            field += [piece.field] * len(new)
        if len(ids) > room and not (self.cut and asked < room):
            return None
        tokens = np.array(ids[:room], np.int64)
        learned = np.array(chosen[:room])
        # The label of a place is the token that follows it.
        answered = np.where(np.arange(len(tokens)) < asked, IGNORED, tokens)
        labels = np.append(answered[1:], IGNORED)
        leaf = np.append(np.array(field[:room])[1:], 0)
        slip = learned & (rng.random(len(tokens)) < self.slips) & np.isin(tokens, self.letters)
        tokens = np.where(slip, rng.choice(self.letters, len(tokens)), tokens)
        return self._unsteady(tokens, learned, rng) if self.slips else tokens, labels, leaf

    def _unsteady(
        self, tokens: Ints, learned: npt.NDArray[np.bool_], rng: np.random.Generator
    ) -> Ints:
        """Some of the locations among `tokens`, of which `learned` are answers, a little off."""
        places = tokens - self.locations
        moved = learned & (places >= 0) & (places < len(LOCATIONS))
        moved &= rng.random(len(tokens)) < _UNSTEADY
        beside = (places + rng.normal(0, _OFF, len(tokens)).round().astype(np.int64)).clip(
            0, len(LOCATIONS) - 1
        )
        return np.where(moved, self.locations + beside, tokens)

    def _id(self, token: str) -> int:
        index = self.tokenizer.encode(token).ids
        if len(index) != 1:
            raise ValueError(f"{token!r} is not one token")
        return index[0]


def _units(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W) -> (units, 4, 196): 2x2 patches a unit, units in raster order."""
    down, across = pixels.shape[0] // 28, pixels.shape[1] // 28
    tiles = pixels.reshape(down, 2, PATCH, across, 2, PATCH).transpose(0, 3, 1, 4, 2, 5)
    return tiles.reshape(down * across, 4, PATCH * PATCH)


def _fill_glyphs(
    targets: Ints,
    glyphs: npt.NDArray[np.int32],
    grid: tuple[int, int],
    packed_of_unit: Ints,
) -> None:
    """Name, patch by patch, the first letters whose centres lie in it, row by row."""
    if not len(glyphs):
        return
    x, y = glyphs[:, 0], glyphs[:, 1]
    inside = (x >= 0) & (y >= 0) & (x < grid[1] * PATCH) & (y < grid[0] * PATCH)
    x, y, codes = x[inside], y[inside], glyphs[inside, 2]
    row, column = y // PATCH, x // PATCH
    unit = packed_of_unit[(row // 2) * (grid[1] // 2) + column // 2]
    patch = unit * 4 + (row % 2) * 2 + column % 2
    by_place = np.lexsort((x, y % PATCH // 7, patch))
    patch, codes = patch[by_place], codes[by_place]
    first = np.searchsorted(patch, patch, side="left")
    slot = np.arange(len(patch)) - first
    kept = slot < GLYPH_SLOTS
    classes = np.array([_CLASS_OF.get(int(code), GLYPH_CLASSES - 1) for code in codes[kept]])
    targets[patch[kept], slot[kept]] = classes


def _padded(values: Ints, size: int, filler: int) -> Ints:
    full = np.full(size, filler, np.int64)
    full[: len(values)] = values
    return full
