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
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any, TextIO

from docextract.errors import DocextractError
from docextract.pages import WHOLE, Box, Document, Page
from docextract.report.results import Line, is_count

MOST_PAGES = 20
"""Pages of one document that are shown."""

_FROM_WORST = ("failed", "review", "ok")
_BUDGET = 1600
_QUALITY = 40
_SCRIPTS = ("store.js", "paper.js", "counts.js", "form.js", "list.js", "main.js")


def write_review(
    stream: TextIO,
    lines: Iterable[Line],
    title: str,
    open_line: Callable[[Line], Document],
    show: Callable[[int], None] = lambda done: None,
) -> int:
    """Write the page, the worst documents first; give how many lack their pictures.

    `open_line` opens the document of a line, or raises a DocextractError, whose message then
    stands where the picture would. `show` is told how many documents are done.
    """
    documents = sorted(_gathered(lines), key=_merit)
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


def _gathered(lines: Iterable[Line]) -> list[Line]:
    """Lines of records as they are; the counts of one picture as one line, in `counts`."""
    gathered: dict[object, dict[str, Any]] = {}
    for number, line in enumerate(lines):
        if not is_count(line):
            gathered[number] = dict(line)
            continue
        shared = {key: line.get(key) for key in ("file", "page", "sha256")}
        one = gathered.setdefault((line["file"], line["page"]), {**shared, "counts": []})
        one["counts"].append(line)
        one["status"] = min((count["status"] for count in one["counts"]), key=_FROM_WORST.index)
    return list(gathered.values())


def _merit(line: Line) -> tuple[int, int, float]:
    """The less, the worse; by status, then by what speaks against it, then by confidence."""
    fields = [*(line.get("fields") or {}).values(), *line.get("counts", ())]
    doubts = len(list(_failing(line)))
    doubts += sum(count["status"] != "ok" for count in line.get("counts", ()))
    surest = [one["confidence"] for one in fields if one["confidence"] is not None]
    return _FROM_WORST.index(line["status"]), -doubts, min(surest, default=1.0)


def _entry(line: Line) -> dict[str, Any]:
    """What the page is told of a document."""
    told = ("file", "status", "schema", "record", "fields", "counts", "sha256", "error")
    reading = json.dumps([line.get("record"), line.get("counts")]).encode()
    digest = {"reading": hashlib.sha256(reading).hexdigest()[:16]}
    part = {"part": line["pages"]} if isinstance(line.get("pages"), list) else {}
    part |= {"part": [line["page"]]} if (line.get("page") or 1) > 1 else {}
    return (
        {key: line[key] for key in told if line.get(key)}
        | {"checks": list(_failing(line))}
        | part
        | digest
    )


def _failing(line: Line) -> Iterator[Mapping[str, Any]]:
    """The checks that failed, and where docextract.evaluation knows better."""
    yield from (check for check in line.get("checks") or () if not check["passed"])
    truths = line.get("truths") or {}
    for path, right in (line.get("correct") or {}).items():
        if not right:
            truth = truths.get(path, "another")
            yield {"path": path, "message": f"The truth: {'absent' if truth is None else truth}"}
    for path, rows in (line.get("rows") or {}).items():
        if missed := rows.count("missed"):
            yield {"path": None, "message": f"{path}: {missed} of {len(rows)} rows are missing"}


def _pictures(line: Line, open_line: Callable[[Line], Document]) -> dict[str, Any]:
    try:
        with open_line(line) as document:
            count = document.page_count
            if line.get("page"):
                return {"count": count, "pages": [_picture(document, line["page"], WHOLE)]}
            part = line.get("pages")
            first, last = part if isinstance(part, list) else (1, count)
            numbers = range(first, min(last, first + MOST_PAGES - 1) + 1)
            return {"count": count, "pages": [_picture(document, number) for number in numbers]}
    except DocextractError as error:
        return {"problem": error.message}


def _picture(document: Document, number: int, crop: Box | None = None) -> dict[str, Any]:
    page = document.render(number, _BUDGET, crop)
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
    Image.fromarray(page.pixels).save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def _block(name: str, value: object) -> str:
    return f'<script type="application/json" id="{name}">{_inert(value)}</script>\n'


def _inert(value: object) -> str:
    """JSON that is no HTML, whatever stands in its texts."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
