import contextlib
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pymupdf
import pytest
from PIL import Image, ImageDraw

from docextract.errors import (
    DamagedFileError,
    EmptyDocumentError,
    EncryptedError,
    LimitError,
    MissingFileError,
    NotADocumentError,
    UsageError,
)
from docextract.pages import WHOLE, Document, Page, open_document, parse_selection
from docextract.settings import Limits


def pdf(pages: int = 1, rotation: int = 0, **saving: Any) -> bytes:
    with pymupdf.open() as document:
        for number in range(1, pages + 1):
            page = document.new_page(width=595, height=842)
            page.insert_text((100, 120), f"Invoice {number}", fontsize=14)
            page.insert_text((100, 160), "Total 153.35", fontsize=14)
            page.set_rotation(rotation)
        return bytes(document.tobytes(**saving))


def drawing(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """White paper with a few strokes around the middle and one in the upper left quarter."""
    image = Image.new("L", (width, height), 255)
    pencil = ImageDraw.Draw(image)
    for x in range(width // 4, 3 * width // 4, 8):
        pencil.line((x, height // 2, x, height // 2 + 12), fill=0, width=2)
        if x < width // 2:
            pencil.line((x, height // 4, x, height // 4 + 12), fill=0, width=2)
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def only_page(content: bytes, budget: int = 400) -> Page:
    with open_document(content) as document:
        assert document.page_count == 1
        return document.render(1, budget)


def dark_share(page: Page) -> float:
    return float((page.pixels < 128).mean())


def test_a_pdf_page_is_drawn_at_its_budget() -> None:
    page = only_page(pdf(), 1568)
    height, width, channels = page.pixels.shape
    assert channels == 3
    assert height % 28 == width % 28 == 0
    assert height * width // 784 <= 1568
    assert page.size == (595, 842)
    assert page.unit == "point"
    assert dark_share(page) > 0.01


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_words_stand_where_their_ink_is(rotation: int) -> None:
    page = only_page(pdf(rotation=rotation), 1568)
    assert [word.text for word in page.words] == ["Invoice", "1", "Total", "153.35"]
    assert page.size == ((842, 595) if rotation in (90, 270) else (595, 842))
    left, top, right, bottom = page.cut
    across = page.pixels.shape[1] / (right - left)
    down = page.pixels.shape[0] / (bottom - top)
    ink = page.pixels[:, :, 0] < 128
    for word in page.words:
        x0, y0, x1, y1 = word.box
        rows = slice(int((y0 - top) * down), int((y1 - top) * down))
        columns = slice(int((x0 - left) * across), int((x1 - left) * across))
        assert ink[rows, columns].mean() > 0.02
        ink[rows, columns] = False
    assert ink.mean() < 0.002  # no ink but that of the words


def test_blank_margins_are_cut_in_page_units() -> None:
    page = only_page(pdf())
    left, top, right, bottom = page.cut
    assert 60 < left <= 100
    assert 60 < top <= 110
    assert 180 <= right < 250
    assert 160 <= bottom < 200


@pytest.mark.parametrize("size", [(595.2, 841.92), (419.53, 595.28), (3.84, 3.84), (5000.1, 71.3)])
def test_text_up_to_the_edges_of_a_page_of_odd_size_is_kept(size: tuple[float, float]) -> None:
    width, height = size
    with pymupdf.open() as made:
        page = made.new_page(width=width, height=height)
        for x, y in ((0, 0), (width, height), (0, height), (width, 0)):
            page.draw_line((x - 4, y - 4), (x + 4, y + 4), width=1)
        content = made.tobytes()
    left, top, right, bottom = only_page(content).cut
    assert 0 <= left < 1 and 0 <= top < 1
    assert width - 1 < right <= width + 1e-3 and height - 1 < bottom <= height + 1e-3


def test_a_crop_shows_that_part_alone() -> None:
    with open_document(pdf()) as document:
        page = document.render(1, 400, crop=(0, 300, 595, 842))
    assert page.cut == (0, 300, 595, 842)
    assert dark_share(page) == 0


def test_a_page_may_be_shown_with_its_margins() -> None:
    with open_document(pdf()) as document:
        assert document.render(1, 400, WHOLE).cut == (0, 0, *document.render(1, 400).size)


def test_a_crop_outside_the_page_is_refused() -> None:
    with open_document(pdf()) as document, pytest.raises(ValueError, match="outside"):
        document.render(1, 400, crop=(500, 300, 700, 842))


def test_pages_are_chosen() -> None:
    with open_document(pdf(5)) as document:
        assert document.numbers() == [1, 2, 3, 4, 5]
        assert document.numbers("4-,2,1-2") == [1, 2, 4, 5]
        assert document.numbers("4-9") == [4, 5]
        assert document.render(4, 200).words[1].text == "4"
        with pytest.raises(EmptyDocumentError, match="no page 6-9.* has 5"):
            document.numbers("6-9")


@pytest.mark.parametrize("text", ["", "0", "3-1", "a", "1;2", "-3", "1-2-3", "²"])
def test_what_is_no_selection_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_selection(text)


PICTURES = [
    ("PNG", "RGB"),
    ("PNG", "RGBA"),
    ("PNG", "LA"),
    ("PNG", "P"),
    ("PNG", "1"),
    ("PNG", "L"),
    ("PNG", "I;16"),
    ("JPEG", "L"),
    ("JPEG", "RGB"),
    ("JPEG", "CMYK"),
    ("WEBP", "RGB"),
    ("BMP", "RGB"),
    ("GIF", "P"),
    ("TIFF", "RGB"),
    ("TIFF", "1"),
    ("TIFF", "F"),
    ("TIFF", "CMYK"),
]


@pytest.mark.parametrize(("kind", "mode"), PICTURES)
def test_pictures_of_every_kind_and_mode_are_read(kind: str, mode: str) -> None:
    image = drawing(mode="L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 16)
    page = only_page(saved(image, kind))
    assert page.unit == "pixel"
    assert page.size == (400, 300)
    assert page.words == ()
    assert page.pixels.dtype == np.uint8
    assert 0.01 < dark_share(page) < 0.4


def test_transparent_paper_is_white() -> None:
    image = Image.new("RGBA", (400, 300), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (100, 100, 103, 130))
    assert dark_share(only_page(saved(image, "PNG"))) < 0.5


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
def test_a_turned_photo_stands_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    page = only_page(saved(drawing(), kind, exif=exif))
    assert page.size == (300, 400)


def test_a_small_picture_at_most_doubles() -> None:
    page = only_page(saved(drawing(80, 60), "PNG"), 1568)
    assert page.pixels.shape[0] <= 120
    assert page.pixels.shape[1] <= 160


def test_every_frame_of_a_tiff_is_a_page_but_thumbnails() -> None:
    thumbnail = drawing(100, 75)
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    frames = [drawing(410, 300), thumbnail, drawing(420, 300)]
    content = saved(drawing(400, 300), "TIFF", save_all=True, append_images=frames)
    with open_document(content) as document:
        sizes = [document.render(number, 200).size for number in document.numbers()]
    assert sizes == [(400, 300), (410, 300), (420, 300)]


@pytest.mark.parametrize(
    ("dpi", "aspect"), [((204, 98), 2.08), ((200, 200), 1), ((72, 1), 1), ((0, 0), 1)]
)
def test_a_fax_is_shown_as_tall_as_it_was_sent(dpi: tuple[int, int], aspect: float) -> None:
    page = only_page(saved(drawing(1728, 1100, "1"), "TIFF", dpi=dpi), 1568)
    left, top, right, bottom = page.cut
    height, width, _ = page.pixels.shape
    shown = (height / (bottom - top)) / (width / (right - left))
    assert shown == pytest.approx(aspect, rel=0.06)


def test_a_gif_has_one_page() -> None:
    content = saved(drawing(), "GIF", save_all=True, append_images=[drawing(mode="P")] * 2)
    assert only_page(content).size == (400, 300)


def test_junk_before_a_pdf_does_no_harm() -> None:
    assert only_page(b"\r\n\x00junk\n" + pdf()).words


@pytest.fixture(params=["aes-256", "rc4-40"])
def locked(request: pytest.FixtureRequest) -> bytes:
    method = {"aes-256": pymupdf.PDF_ENCRYPT_AES_256, "rc4-40": pymupdf.PDF_ENCRYPT_RC4_40}
    return pdf(encryption=method[request.param], user_pw="sesame", owner_pw="open")


def test_a_password_opens(locked: bytes) -> None:
    with open_document(locked, passwords=["no", "sesame"]) as document:
        assert document.render(1, 200).words
    with open_document(locked, passwords=["open"]) as document:
        assert document.render(1, 200).words


@pytest.mark.parametrize(
    ("passwords", "words"), [([], "encrypted"), (["nope"], "wrong"), (["nope", "no"], "none of")]
)
def test_without_the_password_it_stays_shut(
    locked: bytes, passwords: list[str], words: str
) -> None:
    with pytest.raises(EncryptedError, match=words) as caught:
        open_document(locked, passwords=passwords)
    assert "--password" in caught.value.hint


def test_a_password_that_only_forbids_changes_is_no_hindrance() -> None:
    content = pdf(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="open")
    assert only_page(content).words


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"gone\.pdf: no such file"):
        open_document(tmp_path / "gone.pdf")


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(NotADocumentError, match="folder"):
        open_document(tmp_path)


def test_a_name_that_the_system_refuses_is_missing() -> None:
    with pytest.raises(MissingFileError):
        open_document(Path("a\0b"))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file on this system")
def test_an_endless_file_meets_the_limit() -> None:
    with pytest.raises(LimitError, match="bytes"):
        open_document(Path("/dev/zero"), Limits(max_bytes=1000))


@pytest.mark.parametrize("content", [b"hello, world", b"PK\x03\x04" + bytes(100), bytes(1000)])
def test_what_is_no_document_is_told_so(content: bytes) -> None:
    with pytest.raises(NotADocumentError) as caught:
        open_document(content)
    assert "PDF, JPEG" in caught.value.hint


def heic() -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(drawing()).save(file)
    return file.getvalue()


def test_heic_is_read() -> None:
    page = only_page(heic())
    assert page.size == (400, 300)
    assert 0.01 < dark_share(page) < 0.4


def test_damaged_heic_is_told_so() -> None:
    with pytest.raises(DamagedFileError), open_document(heic()[:300]) as document:
        document.render(1, 100)


def test_without_its_package_heic_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(NotADocumentError, match="HEIC") as caught:
        open_document(heic_header())
    assert "pillow-heif" in caught.value.hint


def heic_header() -> bytes:
    return b"\0\0\0\x18ftypheic" + bytes(100)


def test_a_page_knows_whether_it_is_blank() -> None:
    with pymupdf.open() as made:
        made.new_page().insert_text((100, 120), "5.00")
        made.new_page()
        content = made.tobytes()
    with open_document(content) as document:
        assert [document.render(number, 200).blank for number in (1, 2)] == [False, True]
    assert only_page(saved(Image.new("L", (400, 300), 90), "PNG")).blank
    assert not only_page(saved(drawing(), "PNG")).blank


_ROWS = ("Corner Shop", "25/12/2018", "3 Apples 4.50", "Pears, a bag of 2", "TOTAL 153.35")


@pytest.mark.parametrize("written", [0, 90, 180, 270])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_words_of_a_pdf_say_how_to_turn_it(written: int, rotation: int) -> None:
    def square(degrees: int, rotation: int) -> Page:
        with pymupdf.open() as made:
            page = made.new_page(width=400, height=400)
            around = (pymupdf.Point(200, 200), pymupdf.Matrix(degrees))
            for row, text in enumerate(_ROWS):
                page.insert_text((80, 110 + 40 * row), text, fontsize=20, morph=around)
            page.set_rotation(rotation)
            content = made.tobytes()
        with open_document(content) as document:
            return document.render(1, 196, crop=(0, 0, 400, 400))

    page = square(written, rotation)
    [turn] = page.turns
    turned = page.upright(turn)
    assert (turned.turned, turned.words, turned.cut) == (turn, page.words, page.cut)
    straight = square(0, 0).pixels.astype(int)
    assert np.abs(turned.pixels - straight).mean() < 3
    assert np.abs(page.upright((turn + 180) % 360).pixels - straight).mean() > 3


def test_a_picture_says_which_way_its_lines_run_but_not_which_end_is_up() -> None:
    page = Image.new("L", (784, 784), 255)
    for number, text in enumerate(_ROWS):
        ImageDraw.Draw(page).text((80, 100 + 90 * number), text, fill=0, font_size=40)

    def square(degrees: int) -> Page:
        with open_document(saved(page.rotate(degrees), "PNG")) as document:
            return document.render(1, 784, crop=(0, 0, 784, 784))

    assert square(0).turns == square(180).turns == (0, 180)
    assert square(90).turns == square(270).turns == (90, 270)
    for degrees in (90, 180, 270):  # Pillow turns them the other way
        assert np.array_equal(square(degrees).upright(degrees).pixels, square(0).pixels)
    assert np.array_equal(square(90).upright(90).upright(0).pixels, square(90).pixels)


def test_a_pdf_that_was_cut_off_is_repaired_and_says_so() -> None:
    whole = pdf(2)
    with open_document(whole) as document:
        assert not document.repaired
    with open_document(whole[: whole.rindex(b"xref")]) as document:
        assert document.render(1, 200).words and document.repaired


def test_a_pdf_of_which_nothing_is_left_is_damaged() -> None:
    content = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    content += b"2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n"
    with pytest.raises(DamagedFileError, match="no page of it is left") as caught:
        open_document(content)
    assert "anew" in caught.value.hint


def test_an_empty_file_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    with pytest.raises(EmptyDocumentError, match="empty"):
        open_document(tmp_path / "empty.pdf")


@pytest.mark.parametrize(
    "content",
    [
        saved(drawing(1000, 1000), "JPEG")[:3000],
        saved(drawing(), "PNG")[:200],
        saved(drawing(), "TIFF")[:400],
        saved(drawing(), "WEBP")[:100],
        saved(drawing(), "BMP")[:1000],
    ],
    ids=["jpeg", "png", "tiff", "webp", "bmp"],
)
def test_a_cut_off_picture_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedFileError), open_document(content) as document:
        document.render(1, 200)


def test_a_pdf_of_nothing_has_no_pages() -> None:
    with pytest.raises((DamagedFileError, EmptyDocumentError)):
        open_document(b"%PDF-1.7\n%%EOF")


def test_a_cut_off_pdf_gives_pages_or_one_error() -> None:
    whole = pdf(3)
    for length in range(20, len(whole), len(whole) // 40):
        try:
            with open_document(whole[:length]) as document:
                for number in document.numbers():
                    document.render(number, 100)
        except (DamagedFileError, EmptyDocumentError):
            continue


def test_random_changes_give_pages_or_one_error() -> None:
    random = np.random.default_rng(1)
    for whole in (
        pdf(),
        saved(drawing(), "TIFF"),
        saved(drawing(), "PNG"),
        saved(drawing(), "GIF"),
    ):
        for _ in range(25):
            changed = bytearray(whole)
            for position in random.integers(20, len(changed), 8):
                changed[position] = random.integers(256)
            try:
                with open_document(bytes(changed)) as document:
                    document.render(1, 100)
            except (DamagedFileError, EmptyDocumentError, LimitError, EncryptedError):
                continue


def test_too_many_pages_are_refused() -> None:
    with (
        open_document(pdf(5), Limits(max_pages=4)) as document,
        pytest.raises(LimitError, match="5 pages"),
    ):
        document.numbers()


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf())
    with pytest.raises(LimitError, match="bytes"):
        open_document(path, Limits(max_bytes=100))


def bomb() -> bytes:
    """A PNG of a few kilobytes that wants 10 gigapixels."""
    content = bytearray(saved(Image.new("1", (10, 10)), "PNG"))
    content[16:24] = (100_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with open_document(bomb()) as document, pytest.raises(LimitError, match="100000 x 100000"):
        document.render(1, 200)
    with (
        open_document(saved(drawing(), "PNG"), Limits(max_pixels=1000)) as document,
        pytest.raises(LimitError, match="400 x 300"),
    ):
        document.render(1, 200)


def test_a_picture_in_a_pdf_with_too_many_pixels_is_refused() -> None:
    with pymupdf.open() as made:
        made.new_page().insert_image((0, 0, 100, 100), stream=saved(drawing(), "PNG"))
        content = made.tobytes()
    with (
        open_document(content, Limits(max_pixels=1000)) as document,
        pytest.raises(LimitError, match="400 x 300"),
    ):
        document.render(1, 200)


@pytest.fixture
def document() -> Iterator[Document]:
    with open_document(pdf(2), name="two.pdf") as opened:
        yield opened


def test_messages_use_the_given_name(document: Document) -> None:
    with pytest.raises(EmptyDocumentError, match=r"^two\.pdf: "):
        document.numbers("7")


def test_mupdf_keeps_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    broken = pdf().replace(b"endobj", b"endxxx").replace(b"xref", b"xxxx")
    with contextlib.suppress(DamagedFileError, EmptyDocumentError):
        only_page(broken)
    assert capfd.readouterr() == ("", "")


def test_a_file_that_may_not_be_read_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.pdf"
    path.write_bytes(pdf())
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MissingFileError, match="cannot be opened .*Permission denied"):
        open_document(path)


def test_an_attached_einvoice_is_read() -> None:
    with pymupdf.open() as pdf:
        pdf.new_page()
        pdf.embfile_add("note.txt", b"hello")
        pdf.embfile_add("factur-x.xml", b"<Invoice><ID>R-17</ID></Invoice>")
        content = pdf.tobytes()
    with open_document(content) as document:
        assert document.attached == {"invoice_number": ("R-17",)}


def test_an_attachment_that_unpacks_to_too_much_is_left_packed() -> None:
    noise = np.random.default_rng(1).bytes(2**19)
    with pymupdf.open() as pdf:
        pdf.new_page()
        pdf.embfile_add("large.xml", b"<Invoice><ID>1</ID><!--" + noise.hex().encode() + b"-->")
        content = pdf.tobytes(deflate=True)
    with open_document(content) as document:
        assert document.attached == {}


def test_a_picture_has_nothing_attached(tmp_path: Path) -> None:
    Image.new("L", (30, 30)).save(tmp_path / "a.png")
    with open_document(tmp_path / "a.png") as document:
        assert document.attached == {}
