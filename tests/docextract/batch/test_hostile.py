"""Files made to do harm, each opened and drawn where they could do it: a page or a coded error."""

import io
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docextract.batch.inputs import File, key_of, stamp_of
from docextract.batch.job import Task
from docextract.batch.opener import Opener
from docextract.errors import DocextractError, ExitCode
from docextract.settings import Settings

SECONDS = 5.0
SETTINGS = Settings(timeout=SECONDS)
MEMORY = 2**31
BUDGET = 64


def pdf(*objects: bytes, pages: str = "[3 0 R]", count: int = 1) -> bytes:
    """A PDF by hand, without a table of where its objects are."""
    head = (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids " + pages.encode() + b"/Count %d>>endobj\n" % count
    )
    return head + b"\n".join(objects) + b"\ntrailer<</Root 1 0 R>>\n%%EOF"


def page(
    content: bytes, box: str = "[0 0 200 200]", extra: bytes = b"", packed: bool = False
) -> bytes:
    stream, how = (zlib.compress(content, 9), b"/Filter/FlateDecode") if packed else (content, b"")
    return (
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox " + box.encode() + b"/Contents 4 0 R"
        b"/Resources<<" + extra + b">>>>endobj\n"
        b"4 0 obj<</Length %d%s>>stream\n%s\nendstream endobj" % (len(stream), how, stream)
    )


FONT = b"/Font<</F 5 0 R>>"
HELVETICA = b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj"


def bomb() -> bytes:
    """32 MiB of drawing in 32 kB."""
    return pdf(page(b"0 0 m 9 9 l S\n" * (2**25 // 14), packed=True))


def huge_png() -> bytes:
    """A picture that says it has 10^10 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + b"\0\0\0\0IEND\xaeB`\x82"
    )


def image_pdf(filter_: bytes, side: int = 100) -> bytes:
    data = b"\0" * 64
    extra = b"/XObject<</I 5 0 R>>"
    image = (
        b"5 0 obj<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray"
        b"/BitsPerComponent 1/Filter/%s/Length %d>>stream\n%s\nendstream endobj"
        % (side, side, filter_, len(data), data)
    )
    return pdf(page(b"200 0 0 200 0 0 cm /I Do", extra=extra), image)


def shut(how: int) -> bytes:
    with pymupdf.open() as document:
        document.new_page()
        return bytes(document.tobytes(encryption=how, user_pw="s3same", owner_pw="0wner"))


def gif_then_pdf() -> bytes:
    picture = io.BytesIO()
    Image.new("L", (50, 50), 255).save(picture, "GIF")
    return picture.getvalue() + pdf(page(b""))


def many_forms() -> bytes:
    """Forms that draw each other twice: 2^40 of them at the bottom."""
    forms = [
        b"%d 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>"
        b"/Length 11>>stream\n/F Do /F Do\nendstream endobj" % (number, number + 1)
        for number in range(5, 45)
    ]
    last = (
        b"45 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 5>>"
        b"stream\n0 g f\nendstream endobj"
    )
    return pdf(page(b"/F Do", extra=b"/XObject<</F 5 0 R>>"), *forms, last)


FILES: dict[str, Callable[[], bytes]] = {
    "a bomb of drawing": bomb,
    "a picture of 10^10 pixels": huge_png,
    "a bitmap of 10^10 pixels": lambda: (
        b"BM"
        + struct.pack("<IHHI", 99, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 10**5, 10**5, 1, 24, 0, 0, 1, 1, 0, 0)
    ),
    "a page of 10^6 points": lambda: pdf(page(b"0 0 m 999999 999999 l S", "[0 0 1000000 1000000]")),
    "a page of no size": lambda: pdf(page(b"", "[0 0 0 0]")),
    "a page turned inside out": lambda: pdf(page(b"", "[200 200 0 0]")),
    "a page of sizes that are no numbers": lambda: pdf(page(b"", "[0 0 1e999 nan]")),
    "pages that contain themselves": lambda: pdf(pages="[2 0 R 2 0 R]", count=9),
    "a billion pages": lambda: pdf(page(b""), count=10**9),
    "pages that are not there": lambda: pdf(pages="[9 0 R]", count=5),
    "contents that contain themselves": lambda: pdf(
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>endobj",
        b"4 0 obj[4 0 R 4 0 R]endobj",
    ),
    "a form that draws itself": lambda: pdf(
        page(b"/F Do", extra=b"/XObject<</F 5 0 R>>"),
        b"5 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>"
        b"/Length 5>>stream\n/F Do\nendstream endobj",
    ),
    "forms beyond counting": many_forms,
    "letters of no size": lambda: pdf(page(b"BT /F 0 Tf (Total) Tj ET", extra=FONT), HELVETICA),
    "letters of endless size": lambda: pdf(
        page(b"BT /F 1e30 Tf 9 9 Td (Total) Tj ET", extra=FONT), HELVETICA
    ),
    "dots beyond counting": lambda: pdf(page(b"[0.000001] 0 d 0 0 m 200 200 l S")),
    "states beyond counting": lambda: pdf(page(b"q " * 10**6)),
    "brackets beyond counting": lambda: pdf(page(b"[" * 10**6)),
    "JBIG2 that is noise": lambda: image_pdf(b"JBIG2Decode"),
    "JPEG 2000 that is noise": lambda: image_pdf(b"JPXDecode"),
    "a fax that is noise": lambda: image_pdf(b"CCITTFaxDecode"),
    "a picture of 10^10 pixels in a page": lambda: image_pdf(b"FlateDecode", 10**5),
    "a table of contents at the wrong place": lambda: pdf(page(b"")) + b"\nstartxref\n99999\n%%EOF",
    "encrypted by RC4 with 40 bits": lambda: shut(pymupdf.mupdf.PDF_ENCRYPT_RC4_40),
    "encrypted by RC4 with 128 bits": lambda: shut(pymupdf.mupdf.PDF_ENCRYPT_RC4_128),
    "encrypted by AES with 128 bits": lambda: shut(pymupdf.mupdf.PDF_ENCRYPT_AES_128),
    "encrypted by AES with 256 bits": lambda: shut(pymupdf.mupdf.PDF_ENCRYPT_AES_256),
    "a picture and a document at once": gif_then_pdf,
    "a page for a web": lambda: b"<html><script>while(1);</script></html>",
    "an archive": lambda: b"PK\x03\x04" + b"\0" * 100,
    "zeros": lambda: bytes(10**6),
}


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    opener = Opener(MEMORY)
    yield opener
    opener.close()


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_a_page_or_a_coded_error(
    name: str, opener: Opener, tmp_path: Path
) -> None:
    started = time.monotonic()
    open_and_draw(FILES[name](), opener, tmp_path)
    assert time.monotonic() - started < 3 * SECONDS


SAMPLES = Path(__file__).parents[3] / "samples"
PLACE = st.floats(0, 1, exclude_max=True)
PIECE = st.binary(max_size=8) | st.sampled_from(
    [b"", b"endobj", b" 0 R", b"<<", b">>", b"99999999999", b"-1", b"/Length 0", b"\xff\xd8\xff"]
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


@settings(max_examples=40)
@given(
    st.sampled_from(["invoice.pdf", "receipt.jpg"]),
    st.lists(st.tuples(PLACE, st.integers(0, 64), PIECE), min_size=1, max_size=6),
)
def test_a_document_with_other_bytes_in_it_is_a_page_or_a_coded_error(
    opener: Opener, place: Path, sample: str, changes: list[tuple[float, int, bytes]]
) -> None:
    content = (SAMPLES / sample).read_bytes()
    for where, length, piece in changes:
        start = int(where * len(content))
        content = content[:start] + piece + content[start + length :]
    open_and_draw(content, opener, place)


def open_and_draw(content: bytes, opener: Opener, folder: Path) -> None:
    """Do what a reading does, and make sure that whatever fails has its code."""
    path = folder / "hostile"
    path.write_bytes(content)
    file = File(str(path), path.name)
    task = Task(key_of(file, stamp_of(file), 2**28), file)
    try:
        with opener.open(task, SETTINGS) as document:
            for number in document.numbers()[:3]:
                assert document.render(number, BUDGET).pixels.size <= BUDGET * 784 * 3
    except DocextractError as error:
        assert error.exit_code in (ExitCode.INPUT, ExitCode.ENCRYPTED), error
        assert error.message.startswith("hostile")
        assert "s3same" not in error.message + error.hint
