from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch

from training import counted, real
from training.feed import (
    MAIN_KEYS,
    CountedPhotos,
    Desk,
    DrawnPages,
    DrawnScenes,
    Feed,
    Mixture,
    Pool,
    RealPages,
    Sheet,
    Sources,
    held_out,
    loader,
)
from training.real.store import save
from training.samples import FIRST_OBJECT, IGNORED, Batch, Canvas, Encoder, Sample, stack
from zamba2_vl.config import VisionConfig

CROPS = Canvas(patches=64, windows=1, length=200, text=150)
PAGES = Canvas(patches=1024, windows=24, length=768, text=510)
CROPS_OF_TWO = Sheet(CROPS, 2)
CROP = Mixture(crop=(112, 112), lines=(1, 3))


def texts(batch: Batch, encoder: Encoder) -> list[str]:
    """What each row asks and is answered, images and padding left out."""
    special = {encoder.tokenizer.token_to_id(name) for name in ("[PAD]", "<|image_pad|>")}
    return [
        encoder.tokenizer.decode([i for i in row if i not in special], skip_special_tokens=False)
        for row in batch["ids"].tolist()
    ]


def first(feed: Feed) -> Batch:
    return next(iter(feed))


def test_crops_are_read_aloud(drawn: Sources, vision: VisionConfig) -> None:
    batch = first(Feed(drawn, CROP, [Sheet(CROPS, 3)], vision, seed=1))
    assert batch["patches"].shape == (3, 64, 196)
    assert batch["glyphs"].count_nonzero() > 10
    for text in texts(batch, Encoder(vision, CROPS)):
        assert "<s>user\n<|read|></s>\n<s>assistant\n" in text and text.endswith("</s>")


def test_the_first_lesson_has_no_text(drawn: Sources, vision: VisionConfig) -> None:
    canvas = replace(CROPS, length=18, text=0)
    batch = first(Feed(drawn, replace(CROP, text=False), [Sheet(canvas, 2)], vision, seed=1))
    assert batch["labels"].shape == (2, 0)
    assert batch["glyphs"].any()


def test_the_same_seed_draws_the_same_batches(drawn: Sources, vision: VisionConfig) -> None:
    one, same, other = (
        first(Feed(drawn, CROP, [Sheet(CROPS, 2)], vision, seed)) for seed in (1, 1, 2)
    )
    assert all(one[name].equal(same[name]) for name in one)
    assert not one["patches"].equal(other["patches"])


def test_documents_are_asked_for_their_values_or_read(drawn: Sources, vision: VisionConfig) -> None:
    encoder = Encoder(vision, PAGES)
    asked = []
    for read in (0.0, 1.0):
        batch = first(Feed(drawn, Mixture(read=read), [Sheet(PAGES, 4)], vision, seed=1))
        asked.append(["<|read|>" in text for text in texts(batch, encoder)])
    assert not all(asked[0]) and all(asked[1])


def test_a_page_that_cannot_be_drawn_is_left_out_but_not_a_second(
    drawn: Sources, vision: VisionConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    feed, desk = Feed(drawn, CROP, [Sheet(CROPS, 2)], vision, seed=1), Desk(drawn, CROP)
    good, bad = desk.sample, iter([ValueError("no such letter"), None, None, ValueError("again")])

    def sometimes(*arguments: Any) -> Sample | None:
        failure = next(bad)
        if failure:
            raise failure
        return good(*arguments)

    desk.sample = sometimes  # type: ignore[method-assign]
    rng = np.random.default_rng(0)
    assert len(feed.batch(desk, CROPS_OF_TWO, rng)["ids"]) == 2
    assert "no such letter" in capsys.readouterr().err
    with pytest.raises(ValueError, match="again"):
        feed.batch(desk, CROPS_OF_TWO, rng)


def test_real_pages_are_mixed_in(sources: Sources, vision: VisionConfig) -> None:
    desk = Desk(sources, Mixture(real=1.0))
    assert desk.tray
    rng = np.random.default_rng(0)
    samples = [sample for _ in range(6) if (sample := desk.sample(Encoder(vision, PAGES), 0, rng))]
    assert len(samples) > 3
    assert all((sample.labels != IGNORED).any() and sample.glyphs.any() for sample in samples)


def test_a_scan_of_which_nothing_is_known_still_shows_its_letters(
    drawn: Sources, labelled: Path, vision: VisionConfig, tmp_path: Path
) -> None:
    real.prepare([labelled], tmp_path)
    unknown = [replace(scan, record={}, printings={}) for scan in real.load(tmp_path, "train")]
    save(unknown, tmp_path)
    desk = Desk(replace(drawn, real=tmp_path), Mixture(real=1.0))
    sample = desk.sample(Encoder(vision, PAGES), 0, np.random.default_rng(0))
    assert sample is not None
    assert sample.glyphs.any() and (sample.labels == IGNORED).all()


def test_things_are_counted_in_photos_and_drawn_scenes(
    drawn: Sources, photos: Path, vision: VisionConfig
) -> None:
    rng, encoder = np.random.default_rng(0), Encoder(vision, PAGES, slips=0.1)
    for share in (0.0, 1.0):
        desk = Desk(replace(drawn, real=photos), Mixture(count=1.0, photos=share))
        samples = [desk.sample(encoder, 0, rng) for _ in range(8)]
        batch = stack([sample for sample in samples if sample], PAGES, vision)
        assert batch["counts"].all()
        assert (batch["glyphs"] >= FIRST_OBJECT).any()
        asked = texts(batch, encoder)
        assert all("<|count|>" in text and text.endswith("</s>") for text in asked)
        assert any("<loc_" in text for text in asked)


def test_a_page_is_not_counted_and_a_count_is_not_read(
    drawn: Sources, vision: VisionConfig
) -> None:
    desk, rng = Desk(drawn, Mixture(count=0.5)), np.random.default_rng(0)
    encoder = Encoder(vision, PAGES, cut=True)
    batch = stack([s for _ in range(10) if (s := desk.sample(encoder, 0, rng))], PAGES, vision)
    counted = ["<|count|>" in text for text in texts(batch, encoder)]
    assert batch["counts"].tolist() == counted and 1 < sum(counted) < 9


def test_the_tower_alone_learns_things_without_a_question(
    drawn: Sources, vision: VisionConfig
) -> None:
    desk = Desk(drawn, Mixture(count=1.0, text=False))
    encoder, rng = Encoder(vision, PAGES), np.random.default_rng(1)
    samples = [sample for _ in range(4) if (sample := desk.sample(encoder, 0, rng))]
    assert any((sample.glyphs >= FIRST_OBJECT).any() for sample in samples)
    assert all((sample.labels == IGNORED).all() for sample in samples)


def test_held_out_photos_are_asked_for_what_lies_in_them(
    photos: Path, vision: VisionConfig
) -> None:
    encoder = Encoder(vision, PAGES)
    pages = CountedPhotos(counted.load(photos, "dev"), encoder)
    [batch] = held_out(pages, encoder, batch=2, workers=0)
    dice, coins = texts(batch, encoder)
    assert "<|count|>die</s>" in dice and dice.count("<loc_") == 2 * 3
    assert "<|count|>coin</s>" in coins and coins.count("<loc_") == 2 * 4


def test_held_out_scenes_are_the_same_each_time_and_some_lack_what_is_asked(
    drawn: Sources, vision: VisionConfig
) -> None:
    encoder = Encoder(vision, PAGES)
    one, same = (DrawnScenes(drawn, encoder, 4) for _ in range(2))
    assert all((one[i].patches == same[i].patches).all() for i in range(4))
    assert (one[3].labels != IGNORED).sum() == 1  # the end alone


def test_without_prepared_scans_all_pages_are_drawn(drawn: Sources) -> None:
    assert Desk(drawn, Mixture(real=1.0)).tray is None


def test_drawn_pages_are_held_out_in_batches_of_one_size(
    drawn: Sources, vision: VisionConfig
) -> None:
    encoder = Encoder(vision, PAGES)
    pages = DrawnPages(drawn, encoder, 3)
    batches = held_out(pages, encoder, batch=2, workers=0)
    assert [len(batch["patches"]) for batch in batches] == [2, 2]
    learned = [(batch["labels"] != IGNORED).any(1).tolist() for batch in batches]
    assert learned == [[True, True], [True, False]]
    assert not batches[1]["glyphs"][1].any()
    assert torch.from_numpy(pages[2].patches).equal(batches[1]["patches"][0])


def test_held_out_scans_are_asked_for_their_main_keys(
    sources: Sources, vision: VisionConfig
) -> None:
    assert sources.real is not None
    encoder = Encoder(vision, PAGES)
    pages = RealPages(real.load(sources.real, "dev_seen"), encoder)
    [batch] = held_out(pages, encoder, batch=2, workers=0)
    for text in texts(batch, encoder):
        assert "<|extract|>merchant_name,total</s>" in text
    # Numbered by the place among the main keys, the unknown ones left out.
    assert batch["field"].unique().tolist() == [0, 1, MAIN_KEYS["receipt"].index("total") + 1]


def numbered() -> Iterator[Batch]:
    return ({"n": torch.tensor(n)} for n in count())


def test_a_pool_shows_no_batch_more_often_than_it_may() -> None:
    with Pool(numbered(), uses=3, seed=0) as pool:
        shown = [int(pool.take()["n"]) for _ in range(300)]
    assert max(shown.count(n) for n in set(shown)) <= 3
    assert pool.repeats == len(shown) - len(set(shown))


def test_a_batch_is_shown_again_while_no_new_one_has_come() -> None:
    drawn = Event()

    def slow() -> Iterator[Batch]:
        yield from islice(numbered(), 1)
        drawn.wait()
        yield from numbered()

    with Pool(slow(), uses=3, seed=0) as pool:
        shown = [pool.take() for _ in range(3)]
        assert shown[0] is shown[1] is shown[2]
        assert pool.repeats == 2
        drawn.set()
        assert pool.take() is not shown[0]


def test_a_pool_of_one_use_shows_every_batch_once_and_in_order() -> None:
    with Pool(numbered(), uses=1, seed=0) as pool:
        assert [int(pool.take()["n"]) for _ in range(50)] == list(range(50))
        assert pool.repeats == 0


def test_a_closed_pool_draws_no_more() -> None:
    drawn = []

    def drawing() -> Iterator[Batch]:
        for batch in numbered():
            drawn.append(batch)
            yield batch

    with Pool(drawing(), uses=1, seed=0) as pool:
        pool.take()
    stopped = len(drawn)
    assert stopped <= 6
    assert not pool._drawing.is_alive()


def test_what_breaks_the_drawing_reaches_the_trainer() -> None:
    def broken() -> Iterator[Batch]:
        yield from islice(numbered(), 2)
        raise FileNotFoundError("no fonts")

    with Pool(broken(), uses=1, seed=0) as pool, pytest.raises(FileNotFoundError, match="no fonts"):
        for _ in range(4):
            pool.take()


def test_a_loader_without_workers_draws_in_this_process(
    drawn: Sources, vision: VisionConfig
) -> None:
    feed = Feed(drawn, CROP, [Sheet(CROPS, 2)], vision, seed=3)
    [batch] = islice(loader(feed, workers=0), 1)
    assert batch["patches"].equal(first(feed)["patches"])
