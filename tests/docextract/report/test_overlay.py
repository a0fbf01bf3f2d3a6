import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docextract.counting.zones import Zones
from docextract.errors import OutputError
from docextract.pages import Document, open_document
from docextract.records import Count, Mark
from docextract.report.overlay import overlay_path, save_overlays

BLUE, ORANGE = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
NONE = Zones(())
CAN = Count(
    "shop/a.png",
    "can",
    1,
    2,
    "review",
    "the model was not sure that it had marked all, and this is a reason of some length",
    marks=(Mark(50, 50), Mark(150, 50)),
    size=(200, 100),
)
JAR = Count("shop/a.png", "jar", 1, 1, "ok", marks=(Mark(100, 80),), size=(200, 100))


@pytest.fixture
def document() -> Document:
    content = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(content, "PNG")
    return open_document(content.getvalue(), name="shop/a.png")


def pixels_of(path: Path) -> Any:
    with Image.open(path) as made:
        return np.asarray(made.convert("RGB"))


def has(pixels: Any, colour: tuple[int, int, int]) -> bool:
    return bool((pixels == colour).all(-1).any())


def test_dots_of_each_colour_stand_where_the_marks_are(document: Document, tmp_path: Path) -> None:
    save_overlays(document, [CAN, JAR], NONE, tmp_path)
    pixels = pixels_of(tmp_path / "shop" / "a.png.png")
    height, width = 196, 392  # at twice the size, in whole tokens
    for mark, colour in ((CAN.marks[0], BLUE), (CAN.marks[1], BLUE), (JAR.marks[0], ORANGE)):
        x, y = round(mark.x * width / 200), round(mark.y * height / 100)
        assert has(pixels[y - 12 : y + 12, x - 12 : x + 12], colour)
    assert not has(pixels[:20, :20], BLUE)
    legend = pixels[height:]
    assert has(legend, BLUE) and has(legend, ORANGE)


def test_tiles_and_zones_are_drawn(document: Document, tmp_path: Path) -> None:
    zones = Zones((("", "left", ((10.0, 10.0), (90.0, 10.0), (90.0, 90.0))),))
    plain, drawn = tmp_path / "plain", tmp_path / "drawn"
    save_overlays(document, [CAN], NONE, plain)
    save_overlays(document, [replace(CAN, tiles=((0, 0, 120, 100),))], zones, drawn)
    before, after = (pixels_of(folder / "shop" / "a.png.png")[:196] for folder in (plain, drawn))
    changed = (before != after).any(-1)
    assert changed[:, 230:240].any() and changed[30:60, 100:160].any()


def test_an_overlay_that_shows_the_same_is_left_alone(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "shop" / "a.png.png"
    save_overlays(document, [CAN], NONE, tmp_path)
    before = path.stat().st_mtime_ns
    save_overlays(document, [CAN], NONE, tmp_path)
    assert path.stat().st_mtime_ns == before
    save_overlays(document, [replace(CAN, count=1, marks=CAN.marks[:1])], NONE, tmp_path)
    assert path.stat().st_mtime_ns != before
    path.write_bytes(b"torn")
    save_overlays(document, [CAN], NONE, tmp_path)
    assert pixels_of(path).shape[1] == 392


def test_what_was_not_counted_has_no_overlay(document: Document, tmp_path: Path) -> None:
    save_overlays(document, [Count("a.png", "can", 1)], NONE, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_an_output_error(
    document: Document, tmp_path: Path
) -> None:
    (tmp_path / "shop").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        save_overlays(document, [CAN], NONE, tmp_path)


@pytest.mark.parametrize(
    ("file", "page", "place"),
    [
        ("a.jpg", 1, "a.jpg.png"),
        ("x/a.pdf", 3, "x/a.pdf-3.png"),
        ("../x/a.jpg", 1, "x/a.jpg.png"),
        ("/x/a.jpg", 1, "x/a.jpg.png"),
    ],
)
def test_overlays_stay_in_their_folder(file: str, page: int, place: str) -> None:
    assert overlay_path(Path("out"), file, page) == Path("out") / place
