"""The review page in a browser, as a person uses it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from playwright.sync_api import Browser, Page, expect

from docextract.evaluation import load_labels
from docextract.pages import open_document
from docextract.report.review import write_review

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "</script><img src=x onerror=alert(1)>"
STYLE = Path(__file__).parents[3] / "docextract" / "report" / "page" / "style.css"


def known(value: Any, page: int = 1, box: Any = None, **more: Any) -> dict[str, Any]:
    found = {"value": value, "text": value, "status": "found", "evidence": "grounded"}
    return found | {"confidence": 0.93, "page": page, "box": box, "repairs": []} | more


LINES = [
    {
        "file": "in/doubtful.pdf",
        "sha256": "1",
        "schema": "invoice",
        "status": "review",
        "record": {
            "shop": EVIL,
            "date": None,
            "paid": True,
            "net.sum": {"a": "1"},
            "total": "3038.14",
            "items": [{"name": "Café", "amount": "9.00"}, {"name": "Tea", "amount": "2.50"}],
        },
        "fields": {
            "shop": known(EVIL, box=[50, 50, 150, 70]),
            "date": known(None, text="03/04/2025", status="ambiguous", box=[50, 90, 120, 105]),
            "paid": known(True),
            "total": known("3038.14", 2, [50, 700, 120, 720], text="3.038,14"),
            "items.0.name": known("Café"),
            "items.0.amount": known("9.00", evidence="contradicted"),
            "items.1.name": known("Tea"),
            "items.1.amount": known("2.50"),
        },
        "checks": [
            {
                "name": "unambiguous",
                "path": "date",
                "passed": False,
                "message": "rows.*.net_sum or March",
            },
            {"name": "seen", "path": None, "passed": False, "message": f"hidden: {EVIL}"},
        ],
    },
    {
        "file": "in/sure.pdf",
        "status": "ok",
        "record": {"shop": "B", "date": None, "paid": None, "total": "1.00", "items": []},
    },
    {
        "file": "in/locked.pdf",
        "status": "failed",
        "record": None,
        "error": {"code": 8, "name": "encrypted", "message": "locked", "hint": "--password"},
    },
]
MARKS = [{"x": 100.0, "y": 200.0, "score": 0.9}, {"x": 300.0, "y": 400.0, "score": 0.8}]
COUNT = {
    "file": "shelf.pdf",
    "page": 1,
    "object": "bottle",
    "count": 2,
    "status": "review",
    "reason": "tiles differ",
    "confidence": 0.5,
    "marks": MARKS,
    "zone": None,
    "sku": "007",
    "expected": 3,
    "difference": -1,
    "error": None,
}


@pytest.fixture
def counts(review: Path) -> Path:
    """A page of two counts of one picture."""
    path = review.with_name("counts.html")
    other = {**COUNT, "object": "can", "count": 0, "status": "ok", "reason": None, "marks": []}
    with path.open("w", encoding="utf-8") as stream:
        write_review(
            stream,
            [COUNT, other],
            "counts.jsonl",
            lambda line: open_document(review.with_name("doubtful.pdf")),
        )
    return path


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    document = pymupdf.open()
    for text in ("Invoice of Alpha Ltd", "Total 3.038,14"):
        page = document.new_page()
        page.insert_text((50, 66), text)
        page.insert_text((50, 716), text)
    document.save(folder / "doubtful.pdf")
    with (folder / "review.html").open("w", encoding="utf-8") as stream:
        write_review(
            stream, LINES, "results.jsonl", lambda line: open_document(folder / "doubtful.pdf")
        )
    return folder / "review.html"


@pytest.fixture
def page(browser: Browser, review: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 800})
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("dialog", lambda dialog: dialog.accept())
    opened.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else faults.append(request.url)
        ),
    )
    opened.goto(review.as_uri())
    yield opened
    assert faults == []
    context.close()


def saved(page: Page, tmp_path: Path) -> list[dict[str, Any]]:
    with page.expect_download() as download:
        page.keyboard.press("Control+s")
    assert re.fullmatch(r"(results|counts)\.corrections\.jsonl", download.value.suggested_filename)
    download.value.save_as(tmp_path / "corrections.jsonl")
    text = (tmp_path / "corrections.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_enter_leads_through_the_doubts_and_what_is_typed_is_truth(
    page: Page, tmp_path: Path
) -> None:
    expect(page.locator("#list button .name")).to_have_text(
        ["locked.pdf", "doubtful.pdf", "sure.pdf"]
    )
    page.keyboard.press("Enter")  # the failed one says nothing about its values
    expect(page.locator("h2").first).to_have_text("doubtful.pdf")
    expect(page.get_by_label("date", exact=True)).to_be_focused()
    page.keyboard.type("2025-04-03")
    page.keyboard.press("Enter")
    expect(page.get_by_label("items · 1 · amount", exact=True)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("9.50")
    page.get_by_label("net · sum · a", exact=True).fill("2")
    page.get_by_label("items · 1 · amount", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#check-off")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h2").first).to_have_text("sure.pdf")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#tally")).to_have_text("2 of 3 checked · 1 changed")

    first, second = saved(page, tmp_path)
    assert first["file"] == "in/doubtful.pdf"
    assert first["changed"] == ["date", "items.0.amount", "net.sum.a"]
    read = LINES[0]["record"]
    assert first["truth"] == {
        **read,
        "date": "2025-04-03",
        "net.sum": {"a": "2"},
        "items": [{"name": "Café", "amount": "9.50"}, {"name": "Tea", "amount": "2.50"}],
    }
    assert second["truth"] == LINES[1]["record"]
    labels = load_labels(tmp_path / "corrections.jsonl")
    assert [label.truth for label in labels] == [first["truth"], second["truth"]]
    assert labels[0].schema == "invoice"


def test_values_stand_as_they_are_with_what_is_printed(page: Page) -> None:
    page.click("text=doubtful.pdf")
    expect(page.get_by_label("shop", exact=True)).to_have_value(EVIL)
    expect(page.get_by_label("total", exact=True)).to_have_value("3038.14")
    expect(page.locator("#notes-total")).to_have_text("printed 3.038,14")
    expect(page.locator("#notes-date")).to_contain_text("rows · net sum or March")
    expect(page.locator(".checks")).to_contain_text(EVIL)
    expect(page.locator("#stage img")).to_have_count(1)


def test_a_field_shows_its_place_and_a_place_its_field(page: Page) -> None:
    page.click("text=doubtful.pdf")
    expect(page.locator("rect.chosen")).to_have_attribute("data-path", "date")
    page.get_by_label("total", exact=True).focus()
    expect(page.locator("#page-number")).to_have_text("Page 2 of 2")
    expect(page.locator("rect.chosen")).to_be_in_viewport()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("#page-number")).to_have_text("Page 1 of 2")
    page.locator('rect[data-path="shop"]').click()
    expect(page.get_by_label("shop", exact=True)).to_be_focused()
    page.keyboard.press("Alt+r")
    tall = page.locator(".frame").bounding_box()
    assert tall and tall["width"] > tall["height"]


def test_rows_come_and_go(page: Page, tmp_path: Path) -> None:
    page.click("text=doubtful.pdf")
    page.get_by_label("Remove items · 1").click()
    page.get_by_text("Add a row").click()
    expect(page.get_by_label("items · 3 · name")).to_be_focused()
    page.keyboard.type("Milk")
    page.get_by_text("Add a row").click()  # and nothing is entered there
    page.get_by_label("paid").select_option("false")
    [line] = saved(page, tmp_path)
    assert line["truth"]["items"] == [
        {"name": "Tea", "amount": "2.50"},
        {"name": "Milk", "amount": None},
    ]
    assert line["truth"]["paid"] is False
    assert not line["checked"]
    page.click("#undo")
    expect(page.locator("#tally")).to_have_text("0 of 3 checked")


def test_work_outlives_the_page_and_escape_takes_it_back(page: Page) -> None:
    page.click("text=doubtful.pdf")
    total = page.get_by_label("total", exact=True)
    total.fill("1")
    page.reload()
    page.click("text=doubtful.pdf")
    expect(total).to_have_value("1")
    total.press("Escape")
    expect(total).to_have_value("3038.14")
    expect(page.locator("#tally")).to_have_text("0 of 3 checked")


def test_documents_are_found_by_kind_and_by_value(page: Page) -> None:
    names = page.locator("#list .name")
    page.select_option("#filter", "review")
    expect(names).to_have_text(["doubtful.pdf"])
    page.select_option("#filter", "all")
    page.fill("#search", "café")
    expect(names).to_have_text(["doubtful.pdf"])
    page.fill("#search", "nowhere")
    expect(page.locator("#list")).to_have_text("Nothing of this kind")


def test_everything_that_can_be_used_has_a_name(page: Page) -> None:
    page.click("text=doubtful.pdf")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("textarea, input, select, button")]
            .filter((one) => !one.labels?.length && !one.ariaLabel && !one.textContent.trim())
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def test_on_paper_are_the_page_and_the_record_alone(page: Page) -> None:
    page.click("text=doubtful.pdf")
    page.emulate_media(media="print")
    for gone in ("header", "nav", ".tools", "#check-off"):
        expect(page.locator(gone)).to_be_hidden()
    for there in ("#stage img", "#form h2"):
        expect(page.locator(there)).to_be_visible()


def test_marks_are_added_and_dropped(page: Page, counts: Path, tmp_path: Path) -> None:
    page.goto(counts.as_uri())
    expect(page.locator("#count-0")).to_have_text("2")
    expect(page.locator("#expected-0")).to_have_text("expected 3 (−1)")
    picture = page.locator(".sheet svg")
    picture.click(position={"x": 60, "y": 40})
    expect(page.locator("#count-0")).to_have_text("3")
    expect(page.locator("#expected-0")).to_have_text("expected 3, read 2")
    page.locator('[data-mark="0.0"]').click()
    page.locator("#form").get_by_role("button", name="can").click()
    picture.click(position={"x": 90, "y": 40})
    expect(page.locator("#count-1")).to_have_text("1")
    bottle, can = saved(page, tmp_path)
    scale = 595 / (picture.bounding_box() or {})["width"]
    assert bottle["marks"][0] == MARKS[1]
    assert bottle["marks"][1]["x"] == pytest.approx(60 * scale, abs=1)
    assert bottle["marks"][1]["y"] == pytest.approx(40 * scale, abs=1)
    assert (bottle["count"], bottle["difference"], bottle["status"]) == (2, -1, "ok")
    assert (can["count"], can["object"], can["sku"]) == (1, "can", "007")


def test_marks_are_set_by_keyboard_alone(page: Page, counts: Path, tmp_path: Path) -> None:
    page.goto(counts.as_uri())
    expect(page.locator(".sheet svg")).to_be_visible()
    page.get_by_role("button", name="Add a mark").press("Enter")
    mark = page.locator('[data-mark="0.2"]')
    expect(mark).to_be_focused()
    before = float(mark.get_attribute("cx") or 0)
    page.keyboard.press("ArrowRight")
    assert float(mark.get_attribute("cx") or 0) > before
    page.keyboard.press("Delete")
    expect(page.locator("#tally")).to_have_text("0 of 1 checked")
    page.keyboard.press("Control+Enter")
    first, second = saved(page, tmp_path)
    assert (first["status"], first["reason"], first["marks"]) == ("ok", None, MARKS)
    assert second["count"] == 0


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_letters_stand_out_from_their_ground(scheme: int) -> None:
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLE.read_text("utf-8"))
    colours = {name: both[scheme] for name, *both in pairs}
    on_ground = [(name, "ground") for name in ("ink", "soft", "doubt", "bad", "good", "mended")]
    own = [(name, f"{name}-ground") for name in ("doubt", "bad", "good")]
    own += [("on-accent", "accent"), ("soft", "desk"), ("soft", "raised"), ("accent", "raised")]
    for letters, ground in [*on_ground, *own]:
        assert contrast(colours[letters], colours[ground]) >= 4.5, (letters, ground)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
