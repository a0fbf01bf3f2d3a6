import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from docextract.pointing import ruled
from training import vocabulary
from training.bundled import configuration
from training.counting import count_exercise, object_glyphs
from training.lessons import (
    FIELDS,
    Figures,
    Pupil,
    Tally,
    glyph_figures,
    letter_figures,
    relit,
    shown,
)
from training.questions import exercise
from training.samples import (
    FIRST_OBJECT,
    GLYPH_CLASSES,
    IGNORED,
    Batch,
    Canvas,
    Encoder,
    layout_of,
    stack,
)
from training.scenes.stage import Scene
from zamba2_vl.config import VisionConfig
from zamba2_vl.image import ImageProcessor
from zamba2_vl.vision.windows import WindowLayout

LARGE = 50.0
READ = torch.zeros(1)
"""Answers that count nothing."""
TOKENS = vocabulary.build().get_vocab()
SMALL = Canvas(patches=96, windows=4, length=100, text=70)


@pytest.fixture
def pupil() -> Pupil:
    torch.manual_seed(0)
    return Pupil(configuration(tiny=True)).eval()


def batch(vision: VisionConfig, canvas: Canvas, silent: int = 0) -> Batch:
    rng = np.random.default_rng(0)
    encoder = Encoder(vision, canvas)
    samples = []
    for size in [(112, 84), (84, 168)]:
        glyphs = np.column_stack(
            [rng.integers(0, size[1], 30), rng.integers(0, size[0], 30), rng.integers(65, 90, 30)]
        )
        pixels = rng.integers(0, 256, size, dtype=np.uint8)
        task = exercise({"total": "1.50", "date": None})
        sample = encoder.encode(pixels, glyphs.astype(np.int32), task, rng)
        assert sample is not None
        samples.append(sample)
    return stack(samples + [samples[0].silent()] * silent, canvas, vision)


def close(one: Figures, other: Figures) -> None:
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5)


def test_glyph_figures_by_hand() -> None:
    targets = torch.tensor([[[1, 0, 0], [2, 3, 0]]])
    logits = torch.zeros(1, 2, 3, GLYPH_CLASSES)
    # Right but for one letter that is taken for nothing.
    for patch, slot, named in [(0, 0, 1), (0, 1, 0), (0, 2, 0), (1, 0, 2), (1, 1, 0), (1, 2, 0)]:
        logits[0, patch, slot, named] = LARGE
    loss, filled, right = glyph_figures(logits.flatten(2), targets)
    assert (filled.item(), right.item()) == (3, 2)
    assert loss.item() == pytest.approx(LARGE / (3 + 3 * 0.15))


def test_letter_figures_by_hand() -> None:
    labels = torch.tensor([[5, 6, IGNORED, 7, 5], [5, IGNORED, 9, IGNORED, 8]])
    # The last letter is forced: it weighs little and counts for nothing.
    field = torch.tensor([[1, 1, 0, 2, 3], [1, 0, 3, 0, 0]])
    written = torch.tensor([[5, 6, 1, 8, 5], [5, 1, 9, 1, 1]])
    logits = LARGE * torch.nn.functional.one_hot(written, 12).float()
    loss, learned, right, *_, leaves, leaves_right = letter_figures(logits, labels, field, READ)
    assert loss.item() == pytest.approx(LARGE * 1.1 / 6.1)
    assert (learned.item(), right.item()) == (6, 5)
    assert leaves[:5].tolist() == [0, 2, 1, 2, 0]
    assert leaves_right[:5].tolist() == [0, 2, 0, 2, 0]


def test_nulls_are_told_from_strings() -> None:
    build = vocabulary.build()
    task = exercise({"a": None, "b": "n", "c": None})
    ids, field = [], []
    for piece in task.answer:
        new = build.encode(piece.text).ids
        ids += new
        field += [piece.field] * len(new)
    labels = torch.tensor([ids])
    wrong = labels.clone()
    wrong[0, field.index(3)] = 0
    logits = torch.nn.functional.one_hot(wrong, vocabulary.VOCABULARY_SIZE).float()
    _, _, _, nulls, nulls_right, *_ = letter_figures(logits, labels, torch.tensor([field]), READ)
    assert (nulls.item(), nulls_right.item()) == (2, 1)


def test_leaves_beyond_the_last_number_count_with_it() -> None:
    labels, field = torch.tensor([[1, 2]]), torch.tensor([[FIELDS + 5, FIELDS + 9]])
    logits = torch.nn.functional.one_hot(torch.tensor([[1, 1]]), 4).float()
    *_, leaves, leaves_right = letter_figures(logits, labels, field, READ)
    assert (leaves[-1].item(), leaves_right[-1].item()) == (1, 0)


def test_nothing_to_learn_is_no_loss() -> None:
    nothing = torch.full((1, 3), IGNORED)
    none = torch.zeros_like(nothing)
    loss, learned, *_ = letter_figures(torch.randn(1, 3, 5), nothing, none, READ)
    assert (loss.item(), learned.item()) == (0, 0)


def places(*numbers: int) -> list[int]:
    first = TOKENS["<loc_0>"]
    return [first + number for number in numbers]


def test_figures_of_counts_by_hand() -> None:
    end, letter = TOKENS["</s>"], TOKENS["a"]
    right = [[*places(100, 200, 300, 400), end], [end], [*places(7), end], [letter, end]]
    said = [[*places(110, 211, 300), letter, end], [end], [*places(8), *places(9)], [letter, end]]
    labels = torch.tensor([row + [IGNORED] * (5 - len(row)) for row in right])
    given = torch.tensor([row + [end] * (5 - len(row)) for row in said])
    logits = LARGE * torch.nn.functional.one_hot(given, vocabulary.VOCABULARY_SIZE).float()
    counts = torch.tensor([1, 1, 1, 0])
    figures = letter_figures(logits, labels, (labels != IGNORED).long(), counts)
    _, letters, letters_right, _, _, marked, close, counted, counts_right, leaves, _ = figures
    assert (letters.item(), letters_right.item(), leaves.sum().item()) == (2, 2, 1)
    assert (marked.item(), close.item()) == (5, 3)
    assert (counted.item(), counts_right.item()) == (3, 2)


def test_all_locations_together_outweigh_an_end_that_none_of_them_does() -> None:
    end, first = TOKENS["</s>"], places(0)[0]
    logits = torch.full((1, 1, vocabulary.VOCABULARY_SIZE), -LARGE)
    logits[..., first : first + 10] = 0.0
    logits[..., end] = 1.0
    asked = torch.tensor([[end]]), torch.ones(1, 1).long(), torch.ones(1)
    assert logits.argmax().item() == end
    assert letter_figures(logits, *asked)[8].item() == 0
    logits[..., end] = 3.0
    assert letter_figures(logits, *asked)[8].item() == 1


def marks(lost: float, *answers: list[int]) -> torch.Tensor:
    """The loss of answers that are all right, but that the end takes `lost` of the chances of each
    location and locations take as much of the end's."""
    end, width = TOKENS["</s>"], max(map(len, answers))
    labels = torch.tensor([row + [IGNORED] * (width - len(row)) for row in answers])
    tokens = torch.arange(vocabulary.VOCABULARY_SIZE)
    logits = torch.zeros(*labels.shape, len(tokens))
    for row, answer in enumerate(answers):
        for step, token in enumerate(answer):
            bell = torch.exp(-0.5 * ((tokens - token) / 2.0) ** 2) * ((tokens - token).abs() <= 4)
            if token == end:
                bell = (tokens == places(500)[0]).float()
            one = (tokens == end).float()
            kept, other = (one, bell / bell.sum()) if token == end else (bell / bell.sum(), one)
            logits[row, step] = ((1 - lost) * kept + lost * other).clamp(min=1e-30).log()
    loss, *_ = letter_figures(logits, labels, (labels != IGNORED).long(), torch.ones(len(labels)))
    return loss


def test_whether_there_is_one_more_weighs_the_same_in_all_answers() -> None:
    end = TOKENS["</s>"]
    short, long = [end], [*places(100, 200, 300, 400, 500, 600), end]
    weights = (6 * (20 / 1) ** 0.5, 7 * 6 * (20 / 7) ** 0.5)
    for answers, weight, choices in (
        ([short], weights[0], 1),
        ([long], weights[1], 7),
        ([short, long], sum(weights), 8),
    ):
        assert marks(0.0, *answers).item() == pytest.approx(0, abs=1e-4)
        expected = -10 * choices * math.log(1 - 0.3) / weight
        assert marks(0.3, *answers).item() == pytest.approx(expected, rel=1e-3)


def test_a_place_beside_the_right_one_is_nearly_right() -> None:
    labels, field = torch.tensor([places(500)]), torch.ones(1, 1).long()
    here = torch.arange(vocabulary.VOCABULARY_SIZE) - places(500)[0]
    bell = torch.where(here.abs() <= 4, -0.5 * (here / 2.0) ** 2, -LARGE)[None, None]
    loss, *_ = letter_figures(bell, labels, field, torch.ones(1))
    assert loss.item() == pytest.approx(0, abs=1e-5)
    one, two, far = (
        letter_figures(
            4 * torch.nn.functional.one_hot(torch.tensor([places(place)]), here.numel()).float(),
            labels,
            field,
            torch.ones(1),
        )[0].item()
        for place in (500, 502, 520)
    )
    assert one < two < far


def test_places_at_the_edge_have_neighbours_on_one_side() -> None:
    labels, logits = torch.tensor([places(0, 999)]), torch.zeros(1, 2, vocabulary.VOCABULARY_SIZE)
    loss, *_ = letter_figures(logits, labels, torch.ones(1, 2).long(), torch.ones(1))
    assert math.isfinite(loss.item())


def test_things_weigh_more_than_letters() -> None:
    targets = torch.tensor([[[1, FIRST_OBJECT, 0]]])
    logits = torch.zeros(1, 1, 3, GLYPH_CLASSES)
    logits[0, 0, [0, 2], [1, 0]] = LARGE  # the thing is taken for anything
    loss, filled, right = glyph_figures(logits.flatten(2), targets)
    assert (filled.item(), right.item()) == (2, 1)
    assert loss.item() == pytest.approx(12 * math.log(GLYPH_CLASSES) / (1 + 12 + 0.15))


def test_a_tally_is_a_mean_over_what_was_counted() -> None:
    def figures(loss: float, letters: int, right: int, leaf: int) -> Figures:
        leaves, leaves_right = torch.zeros(FIELDS).long(), torch.zeros(FIELDS).long()
        leaves[leaf], leaves_right[leaf] = 4, right
        numbers = [torch.tensor(n) for n in (letters, right, 8, 2, 4, 3, 10, 9, 5, 1)]
        return Figures(torch.tensor(loss), torch.tensor(2 * loss), *numbers, leaves, leaves_right)

    tally = Tally(torch.device("cpu"))
    tally.add(figures(1.0, 10, 1, 1), 5)
    tally.add(figures(2.0, 30, 3, 2), 2)
    assert (tally.batches, tally.pages) == (2, 7)
    assert tally.means() == {
        "letter_loss": 1.5,
        "glyph_loss": 3.0,
        "letters": 0.1,
        "glyphs": 0.25,
        "leaves": 0.5,
        "nulls": 0.75,
        "places": 0.9,
        "counts": 0.2,
    }
    assert tally.by_field(3) == [0.25, 0.75, 0.0]


def test_padding_changes_nothing(pupil: Pupil, vision: VisionConfig) -> None:
    wide = Canvas(patches=160, windows=9, length=200, text=90)
    with torch.no_grad():
        tight, loose = (
            pupil(one, layout_of(one, vision), with_text=True)
            for one in (batch(vision, SMALL), batch(vision, wide))
        )
    # Empty slots are learned too, a little, so that the glyph loss knows of padding.
    close(tight._replace(glyph_loss=loose.glyph_loss), loose)
    assert tight.letters > 0 and tight.glyphs > 0


def test_silent_pages_are_not_counted(pupil: Pupil, vision: VisionConfig) -> None:
    with torch.no_grad():
        alone, filled = (
            pupil(one, layout_of(one, vision), with_text=True)
            for one in (batch(vision, SMALL), batch(vision, SMALL, silent=2))
        )
    close(alone._replace(glyph_loss=filled.glyph_loss), filled)


def test_without_text_only_the_tower_learns(pupil: Pupil, vision: VisionConfig) -> None:
    pages = batch(vision, SMALL)
    figures = pupil(pages, layout_of(pages, vision), with_text=False)
    figures.glyph_loss.backward()
    learning = {name for name, p in pupil.named_parameters() if p.grad is not None}
    assert "glyph_head.weight" in learning
    assert any("vision_tower.blocks" in name for name in learning)
    assert not any("language_model" in name or "merger" in name for name in learning)
    assert figures.letters.item() == figures.leaves.sum().item() == 0


def test_every_parameter_learns(pupil: Pupil, vision: VisionConfig) -> None:
    pages = batch(vision, SMALL)
    figures = pupil.train()(pages, layout_of(pages, vision), with_text=True)
    (figures.letter_loss + figures.glyph_loss).backward()
    gradients = {name: p.grad for name, p in pupil.named_parameters()}
    assert all(
        gradient is not None and gradient.isfinite().all() for gradient in gradients.values()
    )
    idle = {name for name, gradient in gradients.items() if not gradient.any()}
    # The second half of an adapter begins at nothing, and so holds the first half back at first.
    assert all("adapter" in name and name.endswith(".0.weight") for name in idle)


def test_the_first_guess_is_as_good_as_any(pupil: Pupil, vision: VisionConfig) -> None:
    pages = batch(vision, SMALL)
    figures = pupil(pages, layout_of(pages, vision), with_text=True)
    assert figures.letter_loss.item() == pytest.approx(math.log(1536), rel=0.1)
    assert figures.glyph_loss.item() == pytest.approx(math.log(GLYPH_CLASSES), rel=0.15)


def test_counted_pictures_are_ruled_as_the_app_rules_them(
    pupil: Pupil, vision: VisionConfig
) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (112, 168), dtype=np.uint8)
    scene = Scene(grey, {"die": np.array([(30, 40)], np.float32)}, {"die": np.ones(1, np.float32)})
    tasks = [count_exercise("die", scene), exercise({"total": "1.50"})]
    canvas = replace(SMALL, patches=128)
    encoder = Encoder(vision, canvas)
    samples = [encoder.encode(grey, object_glyphs(scene), task, rng) for task in tasks]
    both = stack([sample for sample in samples if sample], canvas, vision)
    coords = layout_of(both, vision).coords
    seen = shown(
        both["patches"], coords, both["grid"], both["counts"], pupil.mean, pupil.deviation, False
    )
    layout = WindowLayout.for_grid(8, 12, vision)
    plain = np.repeat(grey[..., None], 3, axis=2)
    for row, picture, fine in [(0, ruled(grey), 1 / 255 / 0.26), (1, plain, 1e-5)]:
        there = layout.pack(ImageProcessor()(picture).patches)
        torch.testing.assert_close(seen[row, :96], there, atol=fine, rtol=0)
        means = seen[row, :96].view(96, 3, 196).mean(-1), there.view(96, 3, 196).mean(-1)
        torch.testing.assert_close(*means, atol=0.01, rtol=0)


def test_light_changes_from_page_to_page() -> None:
    torch.manual_seed(0)
    grey = torch.full((3, 40, 196), 0.5)
    lit = relit(grey)
    assert lit.mean((1, 2)).std() > 0.01
    assert 0 < (lit - lit.mean((1, 2), keepdim=True)).abs().mean() < 0.1
