import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from docextract.framing import Grey, find_print, fit_size


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
    box = find_print(page).box
    assert holds(box, 300, 200)
    assert holds(box, 320, 500)
    assert area(box) < 0.2 * page.size


def test_specks_do_not_count() -> None:
    page = sheet()
    write(page, 300, 200)
    page[1300:1303, 900:903] = 0
    page[40:42, 30:34] = 0
    box = find_print(page).box
    assert holds(box, 300, 200)
    assert area(box) < 0.1 * page.size


def test_the_dark_border_of_a_scan_is_cut() -> None:
    page = sheet()
    write(page, 300, 200)
    page[:, :6] = 20
    page[-60:] = 20
    page[:, -90:] = 20
    box = find_print(page).box
    assert holds(box, 300, 200)
    assert area(box) < 0.1 * page.size


def test_a_shadow_is_no_ink() -> None:
    page = sheet()
    page[:] = np.linspace(90, 245, page.shape[1]).astype(np.uint8)
    write(page, 600, 700)
    box = find_print(page).box
    assert holds(box, 600, 700)
    assert area(box) < 0.1 * page.size


@pytest.mark.parametrize("ink", [30, 205])
@pytest.mark.parametrize("corner", [(0, 0), (640, 1384)])
def test_text_at_the_edge_is_kept_even_when_faint(corner: tuple[int, int], ink: int) -> None:
    page = sheet()
    write(page, 300, 600)
    write(page, *corner, ink=ink)
    box = find_print(page).box
    assert holds(box, 300, 600)
    assert holds(box, *corner)


def test_white_letters_on_a_black_bar_are_kept() -> None:
    page = sheet()
    page[:80] = 0
    write(page, 100, 30, ink=255)
    write(page, 300, 600)
    assert holds(find_print(page).box, 100, 30)


def test_noise_is_not_content() -> None:
    page = sheet()
    noise = np.random.default_rng(0).normal(0, 6, page.shape)
    write(page, 300, 200)
    box = find_print(np.clip(page + noise, 0, 255).astype(np.uint8)).box
    assert holds(box, 300, 200)
    assert area(box) < 0.2 * page.size


@pytest.mark.parametrize("shape", [(1400, 1000), (1, 1), (5, 3000), (28, 28)])
def test_a_blank_page_is_taken_whole(shape: tuple[int, int]) -> None:
    assert find_print(sheet(*shape)) == ((0, 0, shape[1], shape[0]), True, False)


def printed(page: np.ndarray[tuple[int, int], np.dtype[np.floating]] | Grey, quality: int) -> Grey:
    """The page as a scanner saves it."""
    file = io.BytesIO()
    Image.fromarray(np.clip(page, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("L"))


def grain(sigma: float, blur: float = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The noise of a sensor, or with `blur` the coarser one of paper."""
    noise = np.random.default_rng(1).normal(0, 1, sheet().shape)
    if blur:
        soft = Image.fromarray((128 + 40 * noise).clip(0, 255).astype(np.uint8))
        noise = np.asarray(soft.filter(ImageFilter.GaussianBlur(blur)), float)
        noise = (noise - noise.mean()) / noise.std()
    return sigma * noise


def drawn(*shapes: tuple[str, tuple[int, ...], int, int]) -> Grey:
    """Paper with lines and discs (kind, box, shade, width) on it."""
    image = Image.fromarray(sheet())
    pencil = ImageDraw.Draw(image)
    for kind, box, shade, width in shapes:
        if kind == "line":
            pencil.line(box, fill=shade, width=width)
        elif kind == "disc":
            pencil.ellipse(box, fill=shade)
        else:
            pencil.polygon(box, fill=shade)
    return np.asarray(image)


def text(words: str, height: int, paper: int = 245, ink: int = 30, blur: float = 0) -> Grey:
    image = Image.new("L", sheet().shape[::-1], paper)
    font = ImageFont.load_default(height)
    ImageDraw.Draw(image).text((200, 600), words, fill=ink, font=font)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(blur)))


_ROWS = "\n".join(["Total amount 1,234.50 EUR"] * 20)
_SHADOW = np.linspace(90, 245, 1000)[None] + grain(3)
_BLANKS = {
    "white": sheet() + 10,
    "black": sheet() * 0,
    "grey": sheet() // 2,
    "sensor": sheet() + grain(12),
    "paper": sheet() + grain(6, 1.5),
    "shadow": _SHADOW,
    "scan border": np.pad(sheet()[40:-40, 60:-60] + grain(3)[40:-40, 60:-60], [(40,), (60,)]),
    "tilted": drawn(("all", (0, 0, 1000, 0, 1000, 1400, 0, 1400), 20, 0))
    + 225 * (drawn(("all", (70, 40, 940, 90, 910, 1330, 40, 1290), 0, 0)) < 9),
    "show-through": 245 - (255.0 - text(_ROWS, 18, 255, 0, blur=2)[:, ::-1]) / 12 + grain(2),
    "dust": drawn(
        *[("disc", (x, 7 * x % 1400, x + 2, 7 * x % 1400 + 2), 60, 0) for x in range(20, 980, 31)]
    ),
    "holes": drawn(*[("disc", (40, y, 68, y + 28), 15, 0) for y in (260, 610, 870, 1120)]),
    "staple": drawn(("line", (60, 60, 100, 68), 30, 4)),
    "fold": drawn(("line", (0, 700, 1000, 706), 190, 4), ("line", (0, 704, 1000, 710), 225, 4)),
    "streaks": drawn(("line", (400, 0, 400, 1400), 60, 2), ("line", (731, 0, 731, 1400), 120, 1)),
    "rules": drawn(*[("line", (80, y, 920, y), 150, 2) for y in range(100, 1400, 50)]),
}


@pytest.mark.parametrize("quality", [30, 80])
@pytest.mark.parametrize("name", _BLANKS)
def test_a_page_without_print_is_blank(name: str, quality: int) -> None:
    assert find_print(printed(_BLANKS[name], quality)).blank


_PRINTS = {
    "a line": text("Total 153.35", 18) + grain(3),
    "a number": text("5.00", 18) + grain(3),
    "small": text("Total 153.35", 11),
    "faint thermal": text("Total 153.35", 18, ink=205) + grain(3),
    "faint and blurred": text("Total 153.35", 18, ink=190, blur=1),
    "white on black": text("Total 153.35", 18, paper=8, ink=240),
    "grey on grey": text("Total 153.35", 18, paper=128, ink=85),
    "under noise": text("Total 153.35", 20) + grain(15),
    "in a shadow": np.minimum(_SHADOW, text("Total 153.35", 18)),
    "beside holes": np.minimum(_BLANKS["holes"], text("Total 153.35", 18)),
    "a faint page": 240 - (255.0 - text(_ROWS, 18, 255, 0)) / 9 + grain(2),
    "large": text("SALE 50", 240),
    "turned": text("Total 153.35", 18).T,
}


@pytest.mark.parametrize("quality", [30, 80])
@pytest.mark.parametrize("name", _PRINTS)
def test_a_page_with_print_is_not_blank(name: str, quality: int) -> None:
    assert not find_print(printed(_PRINTS[name], quality)).blank


@pytest.mark.parametrize("name", ["a line", "faint thermal", "white on black", "under noise"])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_lines_that_run_down_the_page_are_sideways(name: str, quarters: int) -> None:
    page = printed(_PRINTS[name], 80)
    assert find_print(np.rot90(page, quarters)).sideways == (quarters % 2 == 1)


def test_a_line_on_a_long_till_roll_is_found() -> None:
    roll = np.full((8000, 500), 245, np.uint8)
    roll[5000:5040, 40:340] = text("Total 153.35", 24, ink=190)[590:630, 190:490]
    found = find_print(roll)
    assert not found.blank
    assert found.box[1] < 5020 < found.box[3] and area(found.box) < 0.1 * roll.size
