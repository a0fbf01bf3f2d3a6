from dataclasses import replace
from pathlib import Path

import numpy as np

from training import real
from training.feed import Sources
from training.real.store import RealPage, save


def tray(sources: Sources, pages: list[RealPage], folder: Path) -> real.Tray:
    for page in pages:
        (folder / page.path.name).write_bytes(page.path.read_bytes())
    save(pages, folder)
    return real.Tray(folder, sources.fonts, sources.words)


def test_layouts_weigh_the_same_however_many_copies_there_are(
    sources: Sources, tmp_path: Path
) -> None:
    assert sources.real is not None
    one, other = real.load(sources.real, "train")
    many = replace(one, group="many", record={"currency": "A"}, printings={})
    few = replace(other, group="few", record={"currency": "B"}, printings={})
    rng = np.random.default_rng(0)
    drawn = tray(sources, [many] * 9 + [few], tmp_path)
    seen = [drawn.page(rng, 100).record["currency"] for _ in range(60)]
    assert 15 < seen.count("B") < 45


def test_photos_are_asked_for_what_is_not_there(sources: Sources, tmp_path: Path) -> None:
    assert sources.real is not None
    page = real.load(sources.real, "train")[0]
    photo = replace(page, kind="photo", record={}, printings={}, lines=[])
    drawn = tray(sources, [photo], tmp_path)
    shown = drawn.page(np.random.default_rng(0), 100)
    assert shown.kind == "photo" and len(shown.record) > 5 and not any(shown.record.values())
    assert len(shown.glyphs) == 0


def test_pages_are_never_larger_than_their_budget(sources: Sources, tmp_path: Path) -> None:
    assert sources.real is not None
    page = real.load(sources.real, "train")[0]
    pages = [page, replace(page, kind="invoice")]
    drawn = tray(sources, pages, tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(30):
        shown = drawn.page(rng, 150)
        height, width = shown.pixels.shape
        assert height % 28 == width % 28 == 0 and height * width <= 150 * 784


def test_held_out_pages_are_never_drawn(sources: Sources) -> None:
    assert sources.real is not None
    dev = real.load(sources.real, "dev", "dev_seen")
    assert dev
    drawn = real.Tray(sources.real, sources.fonts, sources.words)
    known = {
        page.path for groups in drawn._pages.values() for pages in groups.values() for page in pages
    }
    assert known and known.isdisjoint(page.path for page in dev)


def test_values_that_stay_as_they_were_are_seldom_asked_for(
    sources: Sources, tmp_path: Path
) -> None:
    assert sources.real is not None
    page = next(p for p in real.load(sources.real, "train") if p.kind == "receipt")
    page = replace(page, record={"total": "4.20", "currency": "RM"}, printings={})
    drawn = tray(sources, [page], tmp_path)
    rng = np.random.default_rng(0)
    asked = [drawn.page(rng, 100).record for _ in range(80)]
    assert all(record["currency"] == "RM" for record in asked)
    # One page in twenty is not rewritten, and of the others every tenth value is asked for.
    assert 2 <= sum("total" in record for record in asked) <= 30
