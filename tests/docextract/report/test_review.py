import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from docextract.errors import MissingFileError
from docextract.pages import Document, open_document
from docextract.report.review import MOST_PAGES, write_review

OK = {"file": "ok.png", "status": "ok", "record": {"total": "1.00"}, "error": None}
FAILED = {
    "file": "bad.pdf",
    "status": "failed",
    "record": None,
    "error": {"code": 8, "name": "encrypted", "message": "bad.pdf: locked", "hint": ""},
}


def field(**known: Any) -> dict[str, Any]:
    plain = {"value": "1.00", "text": "1.00", "status": "found", "evidence": "none"}
    return plain | {"confidence": None, "page": 1, "box": None, "repairs": []} | known


def detailed(file: str, confidence: float, *failing: str) -> dict[str, Any]:
    checks = [{"name": name, "path": "total", "passed": False, "message": name} for name in failing]
    return {
        "file": file,
        "schema": "total",
        "status": "review" if failing else "ok",
        "record": {"total": "1.00"},
        "fields": {"total": field(confidence=confidence)},
        "checks": [*checks, {"name": "fine", "path": None, "passed": True, "message": "fine"}],
    }


def tiff(folder: Path, pages: int) -> Path:
    frames = []
    for number in range(pages):
        frame = Image.new("L", (200, 120), 255)
        ImageDraw.Draw(frame).text((20, 40), f"Page number {number}", fill=0)
        frames.append(frame)
    frames[0].save(folder / "pages.tif", save_all=True, append_images=frames[1:])
    return folder / "pages.tif"


def page_of(*lines: Mapping[str, Any], document: Path | None = None) -> str:
    def open_line(line: Mapping[str, Any]) -> Document:
        if document is None:
            raise MissingFileError(f"{line['file']}: no such file")
        return open_document(document)

    stream = io.StringIO()
    write_review(stream, lines, "results.jsonl", open_line)
    return stream.getvalue()


def block(page: str, name: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def test_the_worst_come_first() -> None:
    lines = [
        OK,
        detailed("sure.png", 0.9),
        detailed("unsure.png", 0.2),
        detailed("one.png", 0.9, "sum"),
        detailed("two.png", 0.9, "sum", "date"),
        FAILED,
    ]
    files = [one["file"] for one in block(page_of(*lines), "records")["documents"]]
    assert files == ["bad.pdf", "two.png", "one.png", "unsure.png", "sure.png", "ok.png"]


def test_only_what_speaks_against_a_record_is_told() -> None:
    [told] = block(page_of(detailed("one.png", 0.9, "sum")), "records")["documents"]
    assert [check["name"] for check in told["checks"]] == ["sum"]


def test_hostile_texts_stay_texts() -> None:
    evil = "</script><img src=x onerror=alert(1)><!--<script>"
    page = page_of({**OK, "file": evil, "record": {"total": evil}})
    assert evil not in page
    assert block(page, "records")["documents"][0]["record"]["total"] == evil
    title = io.StringIO()
    write_review(title, [], evil, lambda line: open_document(b""))
    assert evil not in title.getvalue()


def test_names_that_are_no_utf8_are_kept() -> None:
    page = page_of({**OK, "file": "\udcff.png"})
    page.encode("utf-8")
    assert block(page, "records")["documents"][0]["file"] == "\udcff.png"


def test_only_its_own_script_and_style_may_act() -> None:
    page = page_of(OK)
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy and "http" not in policy
    for tag in ("style", "script"):
        [inside] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_pictures_have_their_place_on_the_page(tmp_path: Path) -> None:
    pictures = block(page_of(OK, document=tiff(tmp_path, 2)), "pages-0")
    assert pictures["count"] == 2
    assert [page["number"] for page in pictures["pages"]] == [1, 2]
    left, top, right, bottom = pictures["pages"][0]["cut"]
    assert 0 <= left < 20 < right <= 200
    assert 0 <= top < 40 < bottom <= 120
    drawn = Image.open(io.BytesIO(base64.b64decode(pictures["pages"][0]["picture"])))
    assert list(drawn.size) == pictures["pages"][0]["size"]


def test_a_long_document_shows_its_first_pages_and_a_part_its_own(tmp_path: Path) -> None:
    document = tiff(tmp_path, MOST_PAGES + 2)
    shown = block(page_of(OK, document=document), "pages-0")
    assert len(shown["pages"]) == MOST_PAGES
    assert shown["count"] == MOST_PAGES + 2
    part = block(page_of({**OK, "pages": [3, 4]}, document=document), "pages-0")
    assert [page["number"] for page in part["pages"]] == [3, 4]


def test_a_document_without_a_picture_says_why() -> None:
    stream = io.StringIO()

    def missing(line: Mapping[str, Any]) -> Document:
        raise MissingFileError(f"{line['file']}: no such file")

    assert write_review(stream, [OK, FAILED], "r.jsonl", missing) == 2
    assert block(stream.getvalue(), "pages-1") == {"problem": "ok.png: no such file"}


def test_the_counts_of_a_picture_are_shown_together(tmp_path: Path) -> None:
    def counted(name: str, status: str, page: int = 1) -> dict[str, Any]:
        return {"file": "a.tif", "page": page, "object": name, "status": status, "confidence": None}

    lines = [counted("die", "ok"), counted("coin", "review"), counted("die", "ok", page=2), OK]
    page = page_of(*lines, document=tiff(tmp_path, 2))
    first, second, third = block(page, "records")["documents"]
    assert [one["object"] for one in first["counts"]] == ["die", "coin"]
    assert (first["status"], second["status"], second["part"]) == ("review", "ok", [2])
    assert third["record"] == OK["record"]
    [shown] = block(page, "pages-1")["pages"]
    assert shown["number"] == 2
    assert shown["cut"] == [0, 0, 200, 120]  # marks may stand where nothing is printed


def test_what_evaluation_found_wrong_is_shown_with_the_truth() -> None:
    judged = {
        **OK,
        "file": "wrong.png",
        "truths": {"total": "2.00", "date": None},
        "correct": {"total": False, "date": False, "shop": True, "lines.0.amount": False},
        "rows": {"lines": ["wrong", "missed"]},
    }
    first, second = block(page_of(OK, judged), "records")["documents"]
    assert (first["file"], second["checks"]) == ("wrong.png", [])
    assert [(check["path"], check["message"]) for check in first["checks"]] == [
        ("total", "The truth: 2.00"),
        ("date", "The truth: absent"),
        ("lines.0.amount", "The truth: another"),
        (None, "lines: 1 of 2 rows are missing"),
    ]
