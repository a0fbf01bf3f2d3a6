"""A picture with what was counted on it: numbered dots, the tiles, the zones and a legend."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from docextract.counting.tiles import median_gap
from docextract.counting.zones import Polygon, Zones
from docextract.errors import OutputError
from docextract.pages import WHOLE, Document, Page
from docextract.records import Count
from docextract.report.counts import FACINGS

BUDGET = 3400
"""Visual tokens that the picture is drawn at: numbers must be read on it."""

_COLOURS = (  # told apart by most who see colours otherwise, after Okabe and Ito
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8B3A62", "#5D5D00",
)  # fmt: skip
_DIGEST = "docextract-counts"
_LEAST, _MOST = 7.0, 22.0  # pixels: the radius of a dot
_ZONE = (110, 84, 0)
_PAPER, _INK, _DIM = "#FFFFFF", "#1A1A1A", "#666666"

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def save_overlays(document: Document, counts: Sequence[Count], zones: Zones, folder: Path) -> None:
    """Draw the counted pages of a document into files below `folder`.

    What is there already and shows the same is left alone.

    Raises:
        InputError: a page cannot be drawn.
        OutputError: a file cannot be written.
    """
    pages: dict[int, list[Count]] = {}
    for count in counts:
        if count.page is not None and count.count is not None:
            pages.setdefault(count.page, []).append(count)
    for number, members in pages.items():
        path = overlay_path(folder, members[0].file, number)
        shown = json.dumps([count.to_dict(details=True) for count in members])
        digest = hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest()
        if _digest_of(path) != digest:
            picture = draw_overlay(
                document.render(number, BUDGET, WHOLE), members, zones.of(members[0])
            )
            about = PngInfo()
            about.add_text(_DIGEST, digest)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.save(path, pnginfo=about)
            except OSError as error:
                raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _digest_of(path: Path) -> str | None:
    """What an overlay says that it shows."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return str(picture.info.get(_DIGEST))
    except (OSError, SyntaxError):
        return None


def draw_overlay(page: Page, counts: Sequence[Count], zones: Mapping[str, Polygon]) -> Image.Image:
    """The counts of one page on its pixels. A dot's number is the place of its mark in its line."""
    picture = Image.fromarray(page.pixels).convert("RGB")
    left, top, right, bottom = page.cut
    across, down = picture.width / (right - left), picture.height / (bottom - top)

    def on_picture(x: float, y: float) -> tuple[float, float]:
        return (x - left) * across, (y - top) * down

    names = dict.fromkeys(count.object for count in counts)
    colours = dict(zip(names, cycle(_COLOURS), strict=False))
    veil = Image.new("RGBA", picture.size)
    pen = ImageDraw.Draw(veil)
    for tile in dict.fromkeys(tile for count in counts for tile in count.tiles):
        edges = [*on_picture(*tile[:2]), *on_picture(*tile[2:])]
        pen.rectangle(edges, outline=(255, 255, 255, 150), width=3)
        pen.rectangle(edges, outline=(0, 0, 0, 150), width=1)
    for name, corners in zones.items():
        outline = [on_picture(x, y) for x, y in corners]
        pen.polygon(outline, fill=(*_ZONE, 20), outline=(*_ZONE, 255), width=3)
        place, font = (outline[0][0] + 6, outline[0][1] + 6), _font(picture.width / 60 + 8)
        pen.rectangle(pen.textbbox(place, f" {name} ", font), fill=(*_ZONE, 255))
        pen.text(place, f" {name} ", fill="white", font=font)
    for count in counts:
        places = [on_picture(mark.x, mark.y) for mark in count.marks]
        radius = _radius(places)
        for number, (x, y) in enumerate(places, 1):
            dot = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse(dot, fill=colours[count.object], outline="white", width=2)
            size = radius * (1.3 if number < 10 else 1.0 if number < 100 else 0.75)
            pen.text((x, y), str(number), fill="white", font=_font(size), anchor="mm")
    picture.paste(veil, mask=veil)
    return _with_legend(picture, counts, colours)


def overlay_path(folder: Path, file: str, page: int) -> Path:
    """Where the overlay of a page goes: the place of its file again, below `folder`."""
    parts = [part for part in Path(file).parts if part not in ("..", Path(file).anchor)]
    inside = folder.joinpath(*parts)
    return inside.with_name(f"{inside.name}{f'-{page}' if page > 1 else ''}.png")


def _radius(places: Sequence[tuple[float, float]]) -> float:
    """Small enough that neighbours keep apart."""
    gap = median_gap(np.array(places, np.float64).reshape(-1, 2))
    return min(max(0.3 * gap, _LEAST), _MOST) if gap else _MOST


def _with_legend(
    picture: Image.Image, counts: Sequence[Count], colours: Mapping[str, str]
) -> Image.Image:
    size = min(max(picture.width / 45, 13.0), 22.0)
    font, height, edge = _font(size), round(1.6 * size), round(0.8 * size)
    width = max(picture.width, 360)
    lines = [
        (line, colours[count.object]) for count in counts for line in _words(count, font, width)
    ]
    legend = Image.new("RGB", (width, height * (len(lines) + 1) + 2 * edge), _PAPER)
    pen = ImageDraw.Draw(legend)
    for row, (line, colour) in enumerate(lines):
        y = edge + row * height
        if not line.startswith(" "):
            pen.ellipse((edge, y + 0.2 * size, edge + size, y + 1.2 * size), fill=colour)
        pen.text(
            (edge + 1.5 * size, y + 0.7 * size), line.strip(), fill=_INK, font=font, anchor="lm"
        )
    y = edge + len(lines) * height
    pen.text((edge, y + 0.7 * size), FACINGS, fill=_DIM, font=_font(0.8 * size), anchor="lm")
    whole = Image.new("RGB", (width, picture.height + legend.height), _PAPER)
    whole.paste(picture, (0, 0))
    whole.paste(legend, (0, picture.height))
    return whole


def _words(count: Count, font: Font, width: int) -> list[str]:
    """What the legend says of a count, in lines that are not too long; later ones are indented."""
    zone = f", {count.zone}" if count.zone else ""
    sku = f" ({count.sku})" if count.sku else ""
    text = f"{count.object}{sku}{zone}: {'not counted' if count.count is None else count.count}"
    if count.expected is not None:
        text += f" of {count.expected} expected"
    if count.tiles:
        text += f", in {len(count.tiles)} tiles"
    if count.reason:
        text += f"; review: {count.reason}"
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(longer) > width - 70 and lines[-1]:
            lines.append(f" {word}")
        else:
            lines[-1] = longer
    return lines


def _font(size: float) -> Font:
    return ImageFont.load_default(size)
