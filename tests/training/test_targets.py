import json
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from PIL import Image, ImageDraw

from docextract.evaluation import Judged, Labelled, Verdict
from docextract.records import Outcome
from training.targets import main, measures, table

SCRIPTED = "docextract.readers.scripted:reader"


def judged(file: str, split: str, group: str | None = None, **more: Any) -> Judged:
    label = Labelled(file, more.pop("truth", {}), split, group)
    return Judged(label, Outcome(file), **more)


def receipt(split: str, total: Verdict, similar: float) -> Judged:
    verdicts: dict[str, Verdict] = {
        "total": total, "date": "right", "merchant_name": "right", "merchant_address": "wrong",
    }  # fmt: skip
    return judged("a", split, verdicts=verdicts, similar={"merchant_address": similar})


def test_receipts_are_measured_per_split() -> None:
    read = [receipt("dev", "right", 0.95), receipt("dev", "missed", 0.5)]
    found = {
        (one.what, one.field): one
        for one in measures({"receipts": [*read, receipt("dev_seen", "right", 1.0)]}, {})
    }
    assert found["receipts, dev", "total"].value == 0.5
    assert found["receipts, dev", "merchant_address"].value == 0
    assert found["receipts, dev", "merchant_address, similar"].value == 0.5
    assert found["receipts, dev", "micro-F1"].value == pytest.approx(10 / 11, abs=1e-4)
    assert found["receipts, dev_seen", "micro-F1"].value == 1


@pytest.fixture
def einvoices(tmp_path: Path) -> Path:
    """Three invoices, the last of which does not show its number, two of one layout."""
    texts = ["pay by 25 Dec 2018 to GB82 WEST 1234 5698 7654 32", "to GB82WEST12345698765432", ""]
    lines = []
    for number, text in enumerate(texts):
        document = pymupdf.open()
        document.new_page().insert_text((72, 72), text)
        document.save(tmp_path / f"{number}.pdf")
        lines.append({"file": f"{number}.pdf", "strict": number < 2})
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def test_einvoices_count_by_layout_and_where_the_value_stands(einvoices: Path) -> None:
    truth = {"due_date": "20181225", "iban": "GB82WEST12345698765432"}
    keys = ("invoice_number", "issue_date", "total", "seller_name", "due_date", "iban")
    right: dict[str, Verdict] = dict.fromkeys(keys, "right")
    read = [
        judged("0.pdf", "dev", "x", truth=truth, verdicts={**right, "total": "wrong"}),
        judged("1.pdf", "dev", "y", truth=truth, verdicts={**right, "iban": "missed"}),
        judged("2.pdf", "dev", "z", truth=truth, verdicts=dict.fromkeys(keys, "wrong")),
    ]
    found = {one.field: one for one in measures({"einvoices": read}, {"einvoices": einvoices})}
    assert found["invoice_number"].value == 1
    assert found["total"].value == 0.5
    assert (found["due_date"].value, found["due_date"].count) == (1, "1 layouts, 1 files")
    assert (found["iban"].value, found["iban"].count) == (0.5, "2 layouts, 2 files")
    helped = measures({"einvoices_words": read}, {"einvoices": einvoices})
    assert [(one.field, one.least) for one in helped] == [
        ("invoice_number", 0.96), ("issue_date", 0.96), ("total", 0.96),
    ]  # fmt: skip


def test_the_exam_counts_values_and_rows() -> None:
    read = [
        judged("a", "rows", verdicts={}, rows={"line_items": ["right", "right", "missed"]}),
        judged("b", "absent", verdicts={"x": "absent", "y": "invented"}),
    ]
    found = {one.field: one for one in measures({"exam": read}, {})}
    assert found["rows of line items"].value == pytest.approx(2 / 3)
    assert found["null where absent"].value == 0.5
    assert "| exam | null where absent | 2 | 95% | 50.0% | 9% – 91% |  |" in table(
        [*found.values()]
    )


def test_sets_are_read_by_the_product_and_the_table_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out, script = tmp_path / "exam", tmp_path / "out", tmp_path / "script.json"
    folder.mkdir()
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    lines = []
    for number, split in enumerate(("labels", "labels", "absent")):
        page = Image.new("L", (280, 280), 255)
        ImageDraw.Draw(page).text((40, 60), "a page with a few words", fill=0)
        page.save(folder / f"{number}.png")
        truth = {"a": "x" if split == "labels" else None}
        lines.append({"file": f"{number}.png", "split": split, "schema": schema, "truth": truth})
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    script.write_text(json.dumps([{"a": "X"}, {"a": None}]))
    monkeypatch.setenv("DOCEXTRACT_SCRIPT", str(script))
    words = ["--exam", str(folder), "--out", str(out), "--model", SCRIPTED, "--limit", "1"]
    main(words)
    assert "| exam | null where absent | 1 | 95% | 100.0% |" in capsys.readouterr().out
    kept = json.loads((out / "targets.json").read_text())
    assert [one["value"] for one in kept["targets"]] == [1, 1]
    assert kept["sets"]["exam"]["all"]["files"] == 2
    read = [json.loads(line) for line in (out / "exam.jsonl").read_text().splitlines()]
    assert [line["correct"] for line in read] == [{"a": True}, {"a": True}]
    assert (out / "targets.md").read_text().startswith("Model docextract")


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--receipts"):
        main(["--out", str(tmp_path)])
