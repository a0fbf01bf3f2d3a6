import io

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docextract.visibility import visible_words

INVISIBLE_MODE = 3


@pytest.fixture
def page() -> pymupdf.Page:
    return pymupdf.open().new_page()


def seen(page: pymupdf.Page) -> dict[str, bool]:
    """What is visible of a page that went through a file."""
    with pymupdf.open("pdf", page.parent.tobytes()) as document:
        return seen_on(document[0])


def seen_on(page: pymupdf.Page) -> dict[str, bool]:
    flags = pymupdf.TEXTFLAGS_WORDS & ~pymupdf.TEXT_MEDIABOX_CLIP
    words = page.get_text("words", flags=flags, clip=pymupdf.INFINITE_RECT())
    boxes = [tuple(pymupdf.Rect(word[:4]) * page.rotation_matrix) for word in words]
    texts = [word[4] for word in words]
    return dict(zip(texts, visible_words(page, texts, boxes), strict=True))


def photo() -> bytes:
    noise = np.random.default_rng(7).normal(128, 60, (40, 60)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((600, 400), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"fontsize": 4},
        {"color": (0.7, 0.7, 0.7)},
        {"rotate": 90},
        {"render_mode": 1},
        {"fill_opacity": 0.4},
    ],
)
def test_what_can_be_read_is_visible(page: pymupdf.Page, style: dict[str, object]) -> None:
    page.insert_text((200, 300), "1.99 x - Total", **style)
    assert set(seen(page).values()) == {True}


def test_light_letters_on_a_dark_ground_are_visible(page: pymupdf.Page) -> None:
    page.draw_rect((40, 40, 300, 80), fill=(0, 0, 0.5))
    page.insert_text((50, 65), "white", color=(1, 1, 1))
    assert seen(page) == {"white": True}


def test_letters_on_a_picture_are_visible(page: pymupdf.Page) -> None:
    page.insert_image(page.rect, stream=photo())
    page.insert_text((50, 100), "printed", fontsize=14)
    assert seen(page) == {"printed": True}


@pytest.mark.parametrize(
    "style",
    [
        {"render_mode": INVISIBLE_MODE},
        {"color": (1, 1, 1)},
        {"color": (0.97, 0.97, 0.97)},
        {"fontsize": 1},
        {"fill_opacity": 0.0},
    ],
)
def test_what_no_one_sees_is_not(page: pymupdf.Page, style: dict[str, object]) -> None:
    page.insert_text((200, 300), "9.99 hidden", **style)
    page.insert_text((200, 350), "plain")
    assert seen(page) == {"9.99": False, "hidden": False, "plain": True}


def test_what_is_painted_over_is_not(page: pymupdf.Page) -> None:
    page.insert_text((50, 100), "under white")
    page.draw_rect((40, 80, 300, 110), color=(1, 1, 1), fill=(1, 1, 1))
    page.insert_text((50, 200), "under picture")
    page.insert_image((40, 180, 300, 210), stream=photo(), keep_proportion=False)
    assert set(seen(page).values()) == {False}


def test_what_stands_beside_the_page_is_not(page: pymupdf.Page) -> None:
    page.insert_text((-80, 100), "outside")
    assert seen(page) == {"outside": False}


def test_an_invisible_text_over_its_own_picture_proves_nothing(page: pymupdf.Page) -> None:
    """A scan with the letters of somebody's text recognition."""
    page.insert_text((50, 100), "1,299.00", fontsize=14)
    scan = page.get_pixmap(dpi=150).tobytes()
    scanned = pymupdf.open().new_page()
    scanned.insert_image(scanned.rect, stream=scan)
    scanned.insert_text((50, 100), "1,999.00", fontsize=14, render_mode=INVISIBLE_MODE)
    assert seen(scanned) == {"1,999.00": False}


def test_of_two_words_in_one_place_neither_is_believed(page: pymupdf.Page) -> None:
    page.insert_text((50, 100), "1.99")
    page.insert_text((50, 100), "9.99", render_mode=INVISIBLE_MODE)
    page.insert_text((50, 200), "bold")
    page.insert_text((50.3, 200), "bold")
    assert seen(page) == {"1.99": False, "9.99": False, "bold": True}


def test_words_under_a_watermark_are_visible(page: pymupdf.Page) -> None:
    page.insert_text((60, 400), "DRAFT", fontsize=180, color=(0.9, 0.9, 0.9))
    page.insert_text((150, 380), "Total 12.00")
    assert set(seen(page).values()) == {True}


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_page_is_looked_at_as_it_is_shown(page: pymupdf.Page, degrees: int) -> None:
    page.insert_text((50, 100), "visible")
    page.insert_text((50, 130), "white", color=(1, 1, 1))
    page.set_rotation(degrees)
    assert seen(page) == {"visible": True, "white": False}


def test_what_stands_in_a_form_field_is_visible(page: pymupdf.Page) -> None:
    field = pymupdf.Widget()
    field.field_name, field.field_type = "name", pymupdf.PDF_WIDGET_TYPE_TEXT
    field.rect, field.field_value = pymupdf.Rect(50, 50, 200, 70), "Alice"
    page.add_widget(field)
    assert seen(page) == {"Alice": True}


def test_the_page_is_left_as_it_is(page: pymupdf.Page) -> None:
    page.insert_text((50, 100), "kept")
    assert seen_on(page) == {"kept": True}
    assert page.get_text().strip() == "kept"


def test_a_page_without_words_has_none(page: pymupdf.Page) -> None:
    assert visible_words(page, [], []) == []
