"""Results as one HTML page on which a person compares records with pages, and corrects them.

The file needs nothing beside it: no network, no other script; its Content-Security-Policy allows
its own alone. Records come first, as one block of JSON, then the pictures, a block for each
document, which the page decodes when they are looked at.
"""

import base64
import hashlib
import html
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from string import Template
from typing import Any, TextIO

from docextract.errors import DocextractError
from docextract.pages import Document, Page
from docextract.report.results import Line

MOST_PAGES = 20
"""Pages of one document that are shown."""

_BUDGET = 1600
_QUALITY = 40
_SCRIPTS = ("store.js", "paper.js", "form.js", "list.js", "main.js")


def write_review(
    stream: TextIO,
    lines: Iterable[Line],
    title: str,
    open_line: Callable[[Line], Document],
    show: Callable[[int], None] = lambda done: None,
) -> int:
    """Write the page, the worst documents first; give how many lack a picture of theirs.

    `open_line` opens the document of a line, or raises a DocextractError, whose message then
    stands where the picture would. `show` is told how many documents are done.
    """
    documents = sorted(lines, key=_merit)
    page = Path(__file__).with_name("page")
    style = (page / "style.css").read_text("utf-8")
    script = "\n".join((page / name).read_text("utf-8") for name in _SCRIPTS)
    shell = Template((page / "page.html").read_text("utf-8")).substitute(
        title=html.escape(title),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        records=_inert({"title": title, "documents": list(map(_entry, documents))}),
    )
    stream.write(shell)
    missing = 0
    for number, line in enumerate(documents):
        pictures = _pictures(line, open_line)
        missing += "problem" in pictures
        stream.write(_block(f"pages-{number}", pictures))
        show(number + 1)
    return missing


def _merit(line: Line) -> tuple[int, int, float]:
    """The less, the worse; by status, then by what speaks against it, then by confidence."""
    fields = (line.get("fields") or {}).values()
    doubts = sum(not check["passed"] for check in line.get("checks") or ())
    surest = [one["confidence"] for one in fields if one["confidence"] is not None]
    return ("failed", "review", "ok").index(line["status"]), -doubts, min(surest, default=1.0)


def _entry(line: Line) -> dict[str, Any]:
    """What the page is told of a document."""
    told = ("file", "status", "schema", "record", "fields", "sha256", "error")
    checks = [check for check in line.get("checks") or () if not check["passed"]]
    part = {"part": line["pages"]} if isinstance(line.get("pages"), list) else {}
    return {key: line[key] for key in told if line.get(key)} | {"checks": checks} | part


def _pictures(line: Line, open_line: Callable[[Line], Document]) -> dict[str, Any]:
    try:
        with open_line(line) as document:
            count = document.page_count
            part = line.get("pages")
            first, last = part if isinstance(part, list) else (1, count)
            numbers = range(first, min(last, first + MOST_PAGES - 1) + 1)
            return {"count": count, "pages": [_picture(document, number) for number in numbers]}
    except DocextractError as error:
        return {"problem": error.message}


def _picture(document: Document, number: int) -> dict[str, Any]:
    page = document.render(number, _BUDGET)
    return {
        "number": number,
        "cut": [round(side, 2) for side in page.cut],
        "size": [page.pixels.shape[1], page.pixels.shape[0]],
        "turn": page.turns[0],
        "picture": base64.b64encode(_webp(page)).decode(),
    }


def _webp(page: Page) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(page.pixels).save(file, "WEBP", quality=_QUALITY)
    return file.getvalue()


def _block(name: str, value: object) -> str:
    return f'<script type="application/json" id="{name}">{_inert(value)}</script>\n'


def _inert(value: object) -> str:
    """JSON that is no HTML, whatever stands in its texts."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
