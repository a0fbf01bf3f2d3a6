from dataclasses import fields

import numpy as np
import pytest
import torch

from training.questions import Exercise, Piece, exercise
from training.samples import (
    ALPHABET,
    FIRST_OBJECT,
    GLYPH_CLASSES,
    IGNORED,
    Canvas,
    Encoder,
    Sample,
    layout_of,
    stack,
)
from training.scenes.objects import OBJECTS, code_point
from zamba2_vl.chat import render
from zamba2_vl.config import VisionConfig
from zamba2_vl.vision.windows import WindowLayout

CANVAS = Canvas(patches=160, windows=4, length=200, text=120)
NO_GLYPHS = np.zeros((0, 3), np.int32)
TASK = exercise({"total": "1.50", "date": None})


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def encoder(vision: VisionConfig) -> Encoder:
    return Encoder(vision, CANVAS)


def encoded(
    encoder: Encoder,
    rng: np.random.Generator,
    pixels: np.ndarray | None = None,
    glyphs: np.ndarray = NO_GLYPHS,
    task: Exercise | None = TASK,
) -> Sample:
    page = np.full((140, 168), 200, np.uint8) if pixels is None else pixels
    sample = encoder.encode(page, glyphs, task, rng)
    assert sample is not None
    return sample


def encoder_ids(vision: VisionConfig, *tokens: str) -> list[int]:
    tokenizer = Encoder(vision, CANVAS).tokenizer
    return [tokenizer.encode(token).ids[0] for token in tokens]


def test_patches_lie_in_the_towers_order(
    encoder: Encoder, vision: VisionConfig, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 256, (140, 168), dtype=np.uint8)
    sample = encoded(encoder, rng, pixels)
    coords = WindowLayout.for_grid(10, 12, vision).coords
    for patch, (row, column) in zip(sample.patches, coords.tolist(), strict=False):
        there = pixels[row * 14 : row * 14 + 14, column * 14 : column * 14 + 14]
        assert (patch.reshape(14, 14) == there).all()
    assert (sample.patches[120:] == 255).all()
    assert sample.grid.tolist() == [10, 12]


def test_letters_are_named_in_the_patch_of_their_centre(
    encoder: Encoder, vision: VisionConfig, rng: np.random.Generator
) -> None:
    places = [
        (3, 3, "A"),
        (10, 4, "b"),
        (5, 11, "c"),
        (9, 12, "d"),
        (167, 139, "é"),
        (20, 30, "語"),
    ]
    glyphs = np.array([(x, y, ord(letter)) for x, y, letter in places], np.int32)
    sample = encoded(encoder, rng, glyphs=rng.permutation(glyphs))
    coords = WindowLayout.for_grid(10, 12, vision).coords.tolist()

    def named(row: int, column: int) -> list[int]:
        found: list[int] = sample.glyphs[coords.index([row, column])].tolist()
        return found

    # Upper row first, then from left to right; a fourth letter has no slot.
    assert named(0, 0) == [ALPHABET.index(letter) + 1 for letter in "Abc"]
    assert named(9, 11) == [ALPHABET.index("é") + 1, 0, 0]
    assert named(2, 1) == [GLYPH_CLASSES - 1, 0, 0]
    assert np.count_nonzero(sample.glyphs) == 5


def test_letters_beside_the_page_are_left_out(encoder: Encoder, rng: np.random.Generator) -> None:
    beside = np.array([(-1, 5, 65), (168, 5, 65), (5, 140, 65)], np.int32)
    assert not encoded(encoder, rng, glyphs=beside).glyphs.any()


def test_ids_are_the_conversation(encoder: Encoder, rng: np.random.Generator) -> None:
    sample = encoded(encoder, rng)
    text = render(TASK.question, [30]) + '{"total":"1.50","date":null}</s>'
    expected = encoder.tokenizer.encode(text).ids
    assert sample.ids[: len(expected)].tolist() == expected
    assert set(sample.ids[len(expected) :]) == {encoder.tokenizer.token_to_id("[PAD]")}


def test_labels_are_the_answers_next_letters_and_numbers_tell_the_chosen(
    encoder: Encoder, rng: np.random.Generator
) -> None:
    sample = encoded(encoder, rng)
    learned = np.flatnonzero(sample.labels != IGNORED)
    following = sample.ids[sample.start + learned + 1]
    assert (sample.labels[learned] == following).all()
    answer = encoder.tokenizer.decode(sample.labels[learned].tolist(), skip_special_tokens=False)
    assert answer == '{"total":"1.50","date":null}</s>'
    chosen = sample.field > 0
    assert encoder.tokenizer.decode(sample.labels[chosen].tolist()) == '"1.50"n'
    assert sample.field[chosen].tolist() == [1] * 6 + [2]
    assert not sample.field[sample.labels == IGNORED].any()


def test_slips_change_what_is_shown_and_not_what_is_learned(
    vision: VisionConfig, encoder: Encoder
) -> None:
    task = Exercise("<|read|>", [Piece("forced99", False, 0), Piece("word 123!", True, 1)])
    plain = encoded(encoder, np.random.default_rng(1), task=task)
    slipped = encoded(Encoder(vision, CANVAS, slips=1.0), np.random.default_rng(1), task=task)
    assert (plain.labels == slipped.labels).all()
    changed = np.flatnonzero(plain.ids != slipped.ids)
    begin = int(np.flatnonzero(plain.field)[0] + plain.start + 1)
    assert changed.size > 3
    # Letters and digits of what is chosen, no blanks or marks.
    assert set(changed) <= {begin + i for i, letter in enumerate("word 123!") if letter.isalnum()}


def test_a_thing_has_a_class_of_its_own(encoder: Encoder, rng: np.random.Generator) -> None:
    glyphs = np.array([(20, 30, code_point(name)) for name in ("bottle", "die")], np.int32)
    sample = encoded(encoder, rng, glyphs=glyphs)
    named = sample.glyphs[sample.glyphs > 0] - FIRST_OBJECT
    assert [list(OBJECTS)[index] for index in named] == ["bottle", "die"]
    assert len({*map(code_point, OBJECTS), *map(ord, ALPHABET)}) == GLYPH_CLASSES - 2


def test_places_are_shown_a_little_off_and_learned_as_they_are(
    vision: VisionConfig, rng: np.random.Generator
) -> None:
    places = rng.integers(0, 1000, 80)
    text = "".join(f"<loc_{place}>" for place in places)
    task = Exercise("<|count|>die", [Piece(text, True, 1)], counts=True)
    steady, unsteady = (
        encoded(Encoder(vision, CANVAS, slips), rng, task=task) for slips in (0.0, 0.01)
    )
    assert steady.counts == unsteady.counts == 1
    assert (steady.labels == unsteady.labels).all()
    off = np.abs(steady.ids - unsteady.ids)
    shown = np.isin(steady.ids, steady.labels[steady.labels != IGNORED])
    assert 12 < (off > 0).sum() < 36 and off.max() < 30
    assert not off[~shown].any()
    first = encoder_ids(vision, "<loc_0>", "<loc_999>")
    assert first[0] <= unsteady.ids[shown].min() and unsteady.ids[shown].max() <= first[1]


def test_an_answer_may_fill_the_canvas_and_no_more(
    encoder: Encoder, rng: np.random.Generator
) -> None:
    page = np.full((140, 168), 200, np.uint8)
    room = encoder.room(page, "<|read|>")
    full = Exercise("<|read|>", [Piece("x" * room, True, 1)])
    assert encoded(encoder, rng, page, task=full).labels[-2] != IGNORED
    over = Exercise("<|read|>", [Piece("x" * (room + 1), True, 1)])
    assert encoder.encode(page, NO_GLYPHS, over, rng) is None
    cutting = Encoder(encoder.vision, CANVAS, cut=True)
    assert (
        encoded(cutting, rng, page, task=over).ids == encoded(encoder, rng, page, task=full).ids
    ).all()


def test_pages_too_large_for_the_canvas(encoder: Encoder, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="196 patches does not fit"):
        encoder.encode(np.zeros((196, 196), np.uint8), NO_GLYPHS, None, rng)
    # One patch row in each of five windows.
    assert encoder.encode(np.zeros((28, 504), np.uint8), NO_GLYPHS, None, rng) is None


def test_without_an_exercise_only_the_page_is_shown(
    encoder: Encoder, rng: np.random.Generator
) -> None:
    sample = encoded(encoder, rng, task=None)
    assert (sample.labels == IGNORED).all()
    assert sample.ids[sample.start - 1] == encoder.tokenizer.token_to_id("<|vision_end|>")


def test_a_silent_page_teaches_nothing(encoder: Encoder, rng: np.random.Generator) -> None:
    glyphs = np.array([(3, 3, 65)], np.int32)
    sample = encoded(encoder, rng, glyphs=glyphs)
    silent = sample.silent()
    assert (silent.labels == IGNORED).all() and not silent.glyphs.any()
    assert sample.glyphs.any() and (sample.labels != IGNORED).any()


def test_a_batch_and_its_layout(
    encoder: Encoder, vision: VisionConfig, rng: np.random.Generator
) -> None:
    samples = [encoded(encoder, rng), encoded(encoder, rng, np.zeros((112, 112), np.uint8))]
    batch = stack(samples, CANVAS, vision)
    for item in fields(Sample):
        assert batch[item.name][1].equal(torch.from_numpy(getattr(samples[1], item.name)))
    layout = layout_of(batch, vision)
    assert layout.bounds[:, -1].tolist() == [120, 64]
    units = torch.arange(40.0).expand(2, -1)[..., None]
    alone = WindowLayout.for_grid(10, 12, vision)
    assert layout.raster(units)[0, :30].equal(alone.raster(units[:1, :30])[0])
