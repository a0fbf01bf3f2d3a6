import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.framing import Grey, content_box, fit_size


@given(
    width=st.floats(1, 20_000),
    height=st.floats(1, 20_000),
    budget=st.integers(1, 5000),
)
def test_a_size_is_whole_tokens_within_the_budget(width: float, height: float, budget: int) -> None:
    columns, rows = fit_size(width, height, budget)
    assert columns % 28 == rows % 28 == 0
    assert 1 <= columns * rows // 784 <= budget
    assert columns <= max(28, 2 * width)
    assert rows <= max(28, 2 * height)


def test_a4_spends_its_budget_and_keeps_its_aspect() -> None:
    width, height = fit_size(595, 842, 1568, max_enlarge=3)
    assert 0.97 * 1568 <= width * height / 784 <= 1568
    assert width / height == pytest.approx(595 / 842, rel=0.02)


def test_a_long_receipt_keeps_its_aspect() -> None:
    width, height = fit_size(400, 4000, 1600)
    assert width / height == pytest.approx(0.1, rel=0.06)


def test_a_small_picture_is_not_blown_up() -> None:
    assert fit_size(100, 100, 1568) == (196, 196)


@pytest.mark.parametrize("arguments", [(0, 10, 5), (10, -1, 5), (10, 10, 0)])
def test_nonsense_has_no_size(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):
        fit_size(*arguments)


def sheet(height: int = 1400, width: int = 1000) -> Grey:
    return np.full((height, width), 245, np.uint8)


def write(page: Grey, x: int, y: int, letters: int = 30, ink: int = 30) -> None:
    """Something like a line of text: strokes 3 wide and 16 high, 12 apart."""
    for i in range(letters):
        page[y : y + 16, x + 12 * i : x + 12 * i + 3] = ink
        page[y + 6 : y + 9, x + 12 * i : x + 12 * i + 8] = ink


def holds(box: tuple[int, int, int, int], x: int, y: int, letters: int = 30) -> bool:
    return box[0] <= x and box[1] <= y and box[2] >= x + 12 * letters and box[3] >= y + 16


def area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def test_margins_are_cut_and_text_is_not() -> None:
    page = sheet()
    write(page, 300, 200)
    write(page, 320, 500)
    box = content_box(page)
    assert holds(box, 300, 200)
    assert holds(box, 320, 500)
    assert area(box) < 0.2 * page.size


def test_specks_do_not_count() -> None:
    page = sheet()
    write(page, 300, 200)
    page[1300:1303, 900:903] = 0
    page[40:42, 30:34] = 0
    box = content_box(page)
    assert holds(box, 300, 200)
    assert area(box) < 0.1 * page.size


def test_the_dark_border_of_a_scan_is_cut() -> None:
    page = sheet()
    write(page, 300, 200)
    page[:, :6] = 20
    page[-60:] = 20
    page[:, -90:] = 20
    box = content_box(page)
    assert holds(box, 300, 200)
    assert area(box) < 0.1 * page.size


def test_a_shadow_is_no_ink() -> None:
    page = sheet()
    page[:] = np.linspace(90, 245, page.shape[1]).astype(np.uint8)
    write(page, 600, 700)
    box = content_box(page)
    assert holds(box, 600, 700)
    assert area(box) < 0.1 * page.size


@pytest.mark.parametrize("ink", [30, 205])
@pytest.mark.parametrize("corner", [(0, 0), (640, 1384)])
def test_text_at_the_edge_is_kept_even_when_faint(corner: tuple[int, int], ink: int) -> None:
    page = sheet()
    write(page, 300, 600)
    write(page, *corner, ink=ink)
    box = content_box(page)
    assert holds(box, 300, 600)
    assert holds(box, *corner)


def test_white_letters_on_a_black_bar_are_kept() -> None:
    page = sheet()
    page[:80] = 0
    write(page, 100, 30, ink=255)
    write(page, 300, 600)
    assert holds(content_box(page), 100, 30)


def test_noise_is_not_content() -> None:
    page = sheet()
    noise = np.random.default_rng(0).normal(0, 6, page.shape)
    write(page, 300, 200)
    box = content_box(np.clip(page + noise, 0, 255).astype(np.uint8))
    assert holds(box, 300, 200)
    assert area(box) < 0.2 * page.size


@pytest.mark.parametrize("shape", [(1400, 1000), (1, 1), (5, 3000), (28, 28)])
def test_a_blank_page_is_taken_whole(shape: tuple[int, int]) -> None:
    assert content_box(sheet(*shape)) == (0, 0, shape[1], shape[0])
