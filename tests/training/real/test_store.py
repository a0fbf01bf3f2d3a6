from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from docextract.framing import fit_size
from training.real.store import Line, RealPage, Span, load, save

# Centres of black blots on white paper, far from its edges: each is a "letter" of one line.
BLOTS = [(x, y) for x in range(60, 400, 70) for y in range(60, 600, 90)]


def blot(x: int, y: int) -> Line:
    box = np.array([[x - 9, y - 9], [x + 9, y - 9], [x + 9, y + 9], [x - 9, y + 9]], float)
    return Line("A", np.array([x], float), box)


@pytest.fixture
def blots(tmp_path: Path) -> RealPage:
    pixels = np.full((640, 440), 255, np.uint8)
    for x, y in BLOTS:
        cv2.circle(pixels, (x, y), 6, 0, -1)
    cv2.imwrite(str(tmp_path / "page.png"), pixels)
    lines = [blot(x, y) for x, y in BLOTS]
    record: dict[str, str | None] = {"total": "1.00", "date": None}
    return RealPage(
        tmp_path / "page.png", "train", "receipt", "g", lines, record, {"total": [[Span(0, 0, 1)]]}
    )


def darkness(pixels: npt.NDArray[np.uint8], x: int, y: int) -> float:
    """How much darker it is at a place than the paper around."""
    around = pixels[max(0, y - 16) : y + 17, max(0, x - 16) : x + 17]
    return float(np.percentile(around, 90)) - float(pixels[y - 1 : y + 2, x - 1 : x + 2].mean())


@pytest.mark.parametrize("budget", [120, 300, 1568])
def test_a_page_is_shown_plainly_as_the_app_shows_it(blots: RealPage, budget: int) -> None:
    page = blots.plain(budget)
    assert page.pixels.shape[::-1] == fit_size(440, 640, budget)
    assert all(darkness(page.pixels, x, y) > 100 for x, y, _ in page.glyphs)
    assert page.record == {"total": "1.00", "date": None} and page.kind == "receipt"


@pytest.mark.parametrize("budget", [150, 400])
def test_letters_follow_the_varied_picture(blots: RealPage, budget: int) -> None:
    shapes, dark = set(), []
    for seed in range(40):
        page = blots.varied(np.random.default_rng(seed), budget)
        height, width = page.pixels.shape
        shapes.add((height, width))
        assert height % 28 == width % 28 == 0 and height * width <= budget * 784
        assert page.pixels.dtype == np.uint8 and len(page.glyphs) == len(BLOTS)
        dark += [
            darkness(page.pixels, x, y)
            for x, y, _ in page.glyphs
            if 16 < x < width - 16 and 16 < y < height - 16
        ]
    assert len(shapes) > 5
    assert np.mean(np.array(dark) > 60) > 0.98


def test_no_two_looks_are_the_same(blots: RealPage) -> None:
    one, other = (blots.varied(np.random.default_rng(seed), 200).pixels for seed in (1, 2))
    assert one.shape != other.shape or np.abs(one.astype(int) - other).mean() > 1


def test_middles_lie_on_the_slope_of_a_line() -> None:
    line = Line("AB", np.array([10.0, 90.0]), np.array([[0, 0], [100, 50], [100, 70], [0, 20]]))
    assert line.centres.tolist() == [[10, 15], [90, 55]]
    moved = line.moved((0, 10), np.array([2.0, 2.0]))
    assert moved.centres.tolist() == [[20, 10], [180, 90]]


def test_what_was_saved_is_loaded_by_split(blots: RealPage, tmp_path: Path) -> None:
    assert save([blots], tmp_path) == 1
    assert load(tmp_path, "dev", "dev_seen") == []
    [page] = load(tmp_path, "dev", "train")
    assert (page.record, page.printings, page.group) == (blots.record, blots.printings, "g")
    assert np.array_equal(page.glyphs, blots.glyphs)
