"""Open documents and turn their pages into pixels that fit a token budget."""

import io
import math
import stat
import threading
import traceback
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from docextract.einvoice import read_einvoice
from docextract.errors import (
    DamagedFileError,
    DocextractError,
    EmptyDocumentError,
    EncryptedError,
    InputError,
    LimitError,
    MissingFileError,
    NotADocumentError,
    UsageError,
)
from docextract.framing import PixelBox, find_print, fit_size, probe_pixel
from docextract.settings import Limits

Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in page units: points of a PDF, pixels of a picture."""

WHOLE: Box = (0.0, 0.0, math.inf, math.inf)
"""As a crop: the page with its margins."""

_PDF_ENLARGE = 3.0  # pixels per point: letters of 10 points get 30 pixels and no more
_PICTURE_ENLARGE = 2.0
_SUBFILE_TYPE = 254  # TIFF tag NewSubfileType
_REDUCED_IMAGE = 1  # its bit that marks a thumbnail of another frame
_PICTURES = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_ANEW = "get the file anew from where it came from"
_SIGNATURES = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"II*\0", b"MM\0*")
_MOST_ATTACHMENTS = 20
_MOST_PACKED = 2**18  # bytes of a compressed attachment, which may unpack to a thousand times that
_HEIC_BRANDS = (b"heic", b"heix", b"mif1")

_ONE_AT_A_TIME = threading.RLock()
"""Held by whoever uses MuPDF, which bears one thread, or the global settings of Pillow."""


class Word(NamedTuple):
    """A word of the text layer and where it stands, in page units.

    Or a line that was recognised in the pixels (docextract.recognition): it has a box for each of
    its letters, and may lack the blanks between its words.
    """

    text: str
    box: Box
    visible: bool = True
    """Whether the pixels show it (docextract.visibility)."""
    letters: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One view of a page.

    `pixels` (H, W, 3) RGB shows the part `cut` of a page of `size` (width, height); the sides of
    `pixels` are multiples of 28 within the budget it was drawn for. `words` are those of the whole
    page. `size`, `cut` and the words' boxes are in `unit`s. On a `blank` page nothing is printed.
    `pictured` is the share of the page that pictures cover; print in them is not among the words.
    `turns` are the degrees, clockwise, by which the print may have to be turned to stand upright,
    the likelier first; `pixels` are as filed all the same, unless `upright` has `turned` them.
    """

    number: int
    pixels: Pixels
    size: tuple[float, float]
    cut: Box
    words: tuple[Word, ...]
    unit: Literal["point", "pixel"]
    blank: bool
    pictured: float
    turns: tuple[int, ...] = (0,)
    turned: int = 0

    def upright(self, turn: int) -> "Page":
        """The same view with its pixels turned clockwise by 0, 90, 180 or 270 degrees.

        All else stays on the page as filed.
        """
        quarters = (self.turned - turn) // 90
        pixels = np.ascontiguousarray(np.rot90(self.pixels, quarters))
        return replace(self, pixels=pixels, turned=turn)


class Document(ABC):
    """An open document that draws its pages on demand. Close it, or use it in a `with`."""

    unit: Literal["point", "pixel"]

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def page_count(self) -> int:
        """Pages of the document, frames of a TIFF."""

    @property
    def repaired(self) -> bool:
        """Whether the file turned out to be damaged, so that some of it may be gone.

        It may turn out late, when a page is drawn.
        """
        return False

    @property
    def attached(self) -> Mapping[str, Sequence[str]]:
        """What an e-invoice in the file says (docextract.einvoice), by its keys; often nothing."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Let go of the file and of all pixels."""

    def numbers(self, selection: str | None = None) -> list[int]:
        """Numbers, from 1, of the pages in `selection` (`1-3,7`, `4-`) that the document has.

        Raises UsageError where the selection is none, EmptyDocumentError where it selects nothing
        of this document, LimitError where it selects more pages than allowed.
        """
        ranges = parse_selection(selection) if selection else [(1, None)]
        chosen = sorted(
            {
                number
                for first, last in ranges
                for number in range(first, min(last or self.page_count, self.page_count) + 1)
            }
        )
        if not chosen:
            raise EmptyDocumentError(
                f"{self.name}: no page {selection}; the document has {self.page_count}",
                hint=f"choose some of --pages 1-{self.page_count}",
            )
        if len(chosen) > self.limits.max_pages:
            raise LimitError(
                f"{self.name}: {len(chosen)} pages are more than the {self.limits.max_pages} "
                "that are allowed",
                hint=f"choose some with --pages, or allow more: --max-pages {len(chosen)}",
            )
        return chosen

    @abstractmethod
    def render(self, number: int, budget: int, crop: Box | None = None) -> Page:
        """Draw page `number` (from 1) into at most `budget` tokens of 28 x 28 pixels.

        Without a `crop` (in page units, or WHOLE) the blank margins are cut off. The page is drawn
        straight at its final size. Raises DamagedFileError or LimitError, ValueError for a crop
        that is not on the page.
        """


def _turns(sideways: bool, turn: int | None) -> tuple[int, ...]:
    """How the print may stand, from the run of its lines and from the words, which may lie."""
    likely = (90, 270) if sideways else (0, 180)
    return (turn,) if turn in likely else likely


class DrawnDocument(Document):
    """One whose pages are drawn in this process."""

    _max_enlarge: float

    def render(self, number: int, budget: int, crop: Box | None = None) -> Page:
        with _decoding(f"{self.name}, page {number}", self.limits):
            page = self._drawn(number, budget, crop)
        if page is None:
            raise ValueError(f"the crop {crop} is outside of page {number}")
        return page

    def _drawn(self, number: int, budget: int, crop: Box | None) -> Page | None:
        """The page, unless the crop is outside of it."""
        sheet = self._sheet(number)
        width, height = sheet.size
        probe = sheet.probe()
        found = find_print(probe)
        if crop == WHOLE:
            crop = (0.0, 0.0, width, height)
        cut = crop or _scaled_box(found.box, probe, width, height)
        left, top, right, bottom = cut
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            return None
        tall = (bottom - top) * sheet.pixel_aspect
        size = fit_size(right - left, tall, budget, self._max_enlarge)
        pixels = sheet.draw(cut, size)
        return Page(
            number,
            pixels,
            sheet.size,
            cut,
            sheet.words,
            self.unit,
            found.blank,
            sheet.pictured,
            _turns(found.sideways, sheet.turn),
        )

    @abstractmethod
    def _sheet(self, number: int) -> "_Sheet":
        """One page, ready to be drawn."""


class _Sheet(ABC):
    size: tuple[float, float]
    pixel_aspect = 1.0  # height of a page unit where its width is 1
    words: tuple[Word, ...]
    pictured = 1.0
    turn: int | None = None
    """Degrees, clockwise, that would make most of the words upright, where there are any."""

    @abstractmethod
    def probe(self) -> Pixels:
        """The whole page in grey, at whatever resolution is at hand."""

    @abstractmethod
    def draw(self, cut: Box, size: tuple[int, int]) -> Pixels:
        """The part `cut` at `size` (width, height) in RGB."""


def open_document(
    source: Path | bytes,
    limits: Limits = Limits(),
    passwords: Sequence[str] = (),
    name: str | None = None,
) -> Document:
    """Open a PDF or a picture, from a file or from its bytes.

    `passwords` are tried in turn where the document wants one. `name` is what messages call the
    document. Raises MissingFileError, NotADocumentError, DamagedFileError, EmptyDocumentError,
    LimitError or EncryptedError.
    """
    name = name or (str(source) if isinstance(source, Path) else "the document")
    content = source if isinstance(source, bytes) else read_content(source, limits, name)
    if not content:
        raise EmptyDocumentError(f"{name}: the file is empty", hint=_ANEW)
    if len(content) > limits.max_bytes:
        raise LimitError(
            f"{name}: more than the {limits.max_bytes} bytes that are allowed",
            hint="allow more with --max-bytes",
        )
    # A PDF may follow some junk; a picture begins at once.
    if b"%PDF-" in content[:1024]:
        return _Pdf(content, name, limits, passwords)
    return _Picture(content, name, limits)


def read_content(path: Path, limits: Limits, name: str) -> bytes:
    """All bytes of a file, or one more than allowed. Raises MissingFileError, NotADocumentError."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise NotADocumentError(f"{name}: a folder, not a document", hint=f"try {name}/*")
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except FileNotFoundError:
        raise MissingFileError(
            f"{name}: no such file", hint="check the path; - reads from standard input"
        ) from None
    except (OSError, ValueError) as error:
        raise MissingFileError(
            f"{name}: cannot be opened ({_words(error)})", hint="see who may read it, and its disk"
        ) from error


def parse_selection(text: str) -> list[tuple[int, int | None]]:
    """Ranges of page numbers from `1-3,7` or `4-`; None is the last page."""
    ranges: list[tuple[int, int | None]] = []
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise _not_pages(text)
        low = int(first)
        high = int(last) if last else (None if dash else low)
        if low < 1 or (high is not None and high < low):
            raise _not_pages(text)
        ranges.append((low, high))
    return ranges


def _not_pages(text: str) -> UsageError:
    return UsageError(f"not a selection of pages: {text}", hint="write it like 1-3,7 or 4-")


@contextmanager
def _decoding(name: str, limits: Limits) -> Iterator[None]:
    """The border to Pillow and MuPDF: what they raise on odd bytes becomes an error of ours.

    Any exception may come out of them, so any is caught. Their warnings about odd bytes help
    nobody who reads a record. Pillow's own limit on pixels gives way to ours. One thread at a time
    is inside, and what MuPDF made there is let go of there, too.
    """
    with _ONE_AT_A_TIME:
        theirs = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except DocextractError:
            raise
        except MemoryError as error:
            raise LimitError(
                f"{name}: too large for the memory of this machine",
                hint="make it smaller, or choose some of its pages with --pages",
            ) from error
        except Exception as error:
            traceback.clear_frames(error.__traceback__)
            raise DamagedFileError(
                f"{name}: damaged ({_words(error)})",
                hint="does another program open it? If so, save it anew from there",
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def _words(error: BaseException) -> str:
    """The message of a foreign exception in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check_pixels(name: str, width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise LimitError(
            f"{name}: {width} x {height} pixels are more than the {limits.max_pixels} "
            "that are allowed",
            hint=f"allow more with --max-pixels {width * height}",
        )


def _scaled_box(box: PixelBox, probe: Pixels, width: float, height: float) -> Box:
    """A box on a probe in units of a page of width x height."""
    rows, columns = probe.shape
    left, top, right, bottom = box
    across, down = width / columns, height / rows
    return (
        left * across,
        top * down,
        min(width, right * across),  # the product may round to a hair more
        min(height, bottom * down),
    )


class _Pdf(DrawnDocument):
    unit = "point"
    _max_enlarge = _PDF_ENLARGE

    def __init__(self, content: bytes, name: str, limits: Limits, passwords: Sequence[str]) -> None:
        super().__init__(name, limits)
        import pymupdf  # only PDFs need it

        pymupdf.TOOLS.mupdf_display_errors(False)
        pymupdf.TOOLS.mupdf_display_warnings(False)
        with _decoding(name, limits):
            self._document = pymupdf.Document(stream=content, filetype="pdf")
            try:
                self._unlock(passwords)
            except DocextractError:
                self._document.close()
                raise
            self._page_count = int(self._document.page_count)

    def _unlock(self, passwords: Sequence[str]) -> None:
        """Raises EncryptedError, DamagedFileError or EmptyDocumentError where it has no pages."""
        if self._document.needs_pass and not any(map(self._document.authenticate, passwords)):
            problem = {0: "the document is encrypted", 1: "the password is wrong"}
            raise EncryptedError(
                f"{self.name}: {problem.get(len(passwords), 'none of the passwords is right')}",
                hint="give the password with --password or --password-file",
            )
        if not self._document.page_count:
            if self.repaired:
                raise DamagedFileError(
                    f"{self.name}: damaged, and no page of it is left", hint=_ANEW
                )
            raise EmptyDocumentError(f"{self.name}: the document has no pages", hint=_ANEW)

    @property
    def page_count(self) -> int:
        return self._page_count

    @property
    def repaired(self) -> bool:
        with _ONE_AT_A_TIME:
            return bool(self._document.is_repaired)

    @cached_property
    def attached(self) -> Mapping[str, Sequence[str]]:
        with _ONE_AT_A_TIME:
            return self._attached()

    def _attached(self) -> Mapping[str, Sequence[str]]:
        for number in range(min(self._document.embfile_count(), _MOST_ATTACHMENTS)):
            try:
                about = self._document.embfile_info(number)
                if about["length"] > _MOST_PACKED:
                    continue
                found = read_einvoice(self._document.embfile_get(number))
            except (KeyError, RuntimeError, TypeError, ValueError):
                # What cannot be unpacked bears no witness; the pages are read all the same.
                continue
            if found is not None:
                return found
        return {}

    def close(self) -> None:
        with _ONE_AT_A_TIME:
            self._document.close()

    def _sheet(self, number: int) -> "_PdfSheet":
        for image in self._document.get_page_images(number - 1, full=True):
            _check_pixels(f"{self.name}, page {number}", image[2], image[3], self.limits)
        return _PdfSheet(self._document.load_page(number - 1))


class _PdfSheet(_Sheet):
    def __init__(self, page: Any) -> None:
        import pymupdf

        from docextract.visibility import visible_words

        self.size = (page.rect.width, page.rect.height)
        self._list = page.get_displaylist()  # the probe and the view are drawn from one reading
        # MuPDF gives boxes on the page before it is turned.
        turned = page.rotation_matrix
        # Words beside the sheet are asked for too: that they cannot be seen is worth knowing.
        flags = pymupdf.TEXTFLAGS_WORDS & ~pymupdf.TEXT_MEDIABOX_CLIP
        words = page.get_text("words", flags=flags, clip=pymupdf.INFINITE_RECT())
        found = [(text, tuple(pymupdf.Rect(*box) * turned)) for *box, text, _, _, _ in words]
        seen = visible_words(page, *zip(*found, strict=True)) if found else []
        self.words = tuple(Word(*word, one) for word, one in zip(found, seen, strict=True))
        self.turn = _turn_of(page) if found else None
        covered = (pymupdf.Rect(image["bbox"]) & page.rect for image in page.get_image_info())
        whole = page.rect.width * page.rect.height
        self.pictured = min(1.0, sum(image.get_area() for image in covered) / whole)

    def probe(self) -> Pixels:
        width, height = self.size
        pixel = probe_pixel(width, height)
        size = max(1, round(width / pixel)), max(1, round(height / pixel))
        return self._pixels((0, 0, width, height), size, grey=True)[:, :, 0]

    def draw(self, cut: Box, size: tuple[int, int]) -> Pixels:
        return self._pixels(cut, size, grey=False)

    def _pixels(self, cut: Box, size: tuple[int, int], grey: bool) -> Pixels:
        import pymupdf

        left, top, right, bottom = cut
        across, down = size[0] / (right - left), size[1] / (bottom - top)
        drawn = self._list.get_pixmap(
            matrix=pymupdf.Matrix(across, 0, 0, down, -left * across, -top * down),
            colorspace=pymupdf.csGRAY if grey else pymupdf.csRGB,
            alpha=False,
            clip=pymupdf.Rect(cut),
        )
        flat = np.frombuffer(drawn.samples, np.uint8)
        return flat.reshape(drawn.height, drawn.stride)[:, : drawn.width * drawn.n].reshape(
            drawn.height, drawn.width, drawn.n
        )


def _turn_of(page: Any) -> int | None:
    """Degrees, clockwise, that would make most letters of a PyMuPDF page upright."""
    import pymupdf

    letters: Counter[int] = Counter()
    for block in page.get_text("dict", flags=pymupdf.TEXTFLAGS_WORDS)["blocks"]:
        for line in block.get("lines", ()):
            along = math.degrees(math.atan2(-line["dir"][1], line["dir"][0])) - page.rotation
            letters[round(along / 90) % 4 * 90] += sum(len(span["text"]) for span in line["spans"])
    return letters.most_common(1)[0][0] if letters else None


class _Picture(DrawnDocument):
    unit = "pixel"
    _max_enlarge = _PICTURE_ENLARGE

    def __init__(self, content: bytes, name: str, limits: Limits) -> None:
        super().__init__(name, limits)
        with _decoding(name, limits):
            heif = _learn_heif(name) if _is_heic(content) else ()
            try:
                self._image = Image.open(io.BytesIO(content), formats=[*_PICTURES, *heif])
            except UnidentifiedImageError:
                raise _unidentified(name, content) from None
            self._frames = list(self._find_frames())

    def _find_frames(self) -> Iterator[int]:
        """Positions of the frames that are pages: all of a TIFF but its thumbnails, else one."""
        image = self._image
        if not isinstance(image, TiffImagePlugin.TiffImageFile):
            yield 0
            return
        for position in range(image.n_frames):
            image.seek(position)
            if not image.tag_v2.get(_SUBFILE_TYPE, 0) & _REDUCED_IMAGE:
                yield position

    @property
    def page_count(self) -> int:
        return len(self._frames)

    def close(self) -> None:
        self._image.close()

    def _sheet(self, number: int) -> "_PictureSheet":
        self._image.seek(self._frames[number - 1])
        _check_pixels(f"{self.name}, page {number}", *self._image.size, self.limits)
        return _PictureSheet(self._image, _pixel_aspect(self._image))


class _PictureSheet(_Sheet):
    words = ()

    def __init__(self, image: Image.Image, pixel_aspect: float) -> None:
        self._image = _opaque(ImageOps.exif_transpose(image))
        self.size = self._image.size
        self.pixel_aspect = pixel_aspect

    def probe(self) -> Pixels:
        return np.asarray(self._image.convert("L"))

    def draw(self, cut: Box, size: tuple[int, int]) -> Pixels:
        drawn = self._image.resize(size, Image.Resampling.LANCZOS, box=cut)
        return np.asarray(drawn.convert("RGB"))


def _pixel_aspect(image: Image.Image) -> float:
    """How tall the pixels of a fax are: its TIFF has 204 dots an inch across and 98 or so down."""
    across, down = map(float, image.info.get("dpi", (1, 1)))
    aspect = across / down if image.format == "TIFF" and down else 1.0
    return aspect if 1.5 < aspect < 2.5 else 1.0


def _opaque(image: Image.Image) -> Image.Image:
    """Pixels or RGB on white paper, from any of Pillow's modes."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith(("I", "F")):
        # More than 8 bits a pixel: the range in use becomes black to white.
        values = np.asarray(image, np.float32)
        low, high = float(values.min()), float(values.max())
        grey = (values - low) * (255 / (high - low)) if high > low else np.full_like(values, 255)
        return Image.fromarray(grey.astype(np.uint8))
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        layers = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, layers).convert("RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _is_heic(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS


def _learn_heif(name: str) -> tuple[str, ...]:
    """Teach Pillow one more format, and name it."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise NotADocumentError(
            f"{name}: HEIC pictures need one more package", hint="pip install pillow-heif"
        ) from None
    register_heif_opener()
    return ("HEIF",)


def _unidentified(name: str, content: bytes) -> InputError:
    if content.startswith(_SIGNATURES) or _is_heic(content):
        return DamagedFileError(f"{name}: begins like a picture, but is damaged", hint=_ANEW)
    return NotADocumentError(
        f"{name}: neither a PDF nor a picture",
        hint="documents are PDF, JPEG, PNG, WebP, TIFF, BMP, GIF and HEIC files",
    )
