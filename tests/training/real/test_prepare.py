import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from training import real
from training.feed import Sources
from training.real import RealPage


def darkness(pixels: npt.NDArray[np.uint8], x: int, y: int) -> float:
    """How much darker it is at a place than the paper around."""
    around = pixels[max(0, y - 16) : y + 17, max(0, x - 16) : x + 17]
    return float(np.percentile(around, 90)) - float(pixels[y - 1 : y + 2, x - 1 : x + 2].mean())


def line(text: str, x: int, y: int) -> dict[str, object]:
    """A line of 12 x 20 pixel letters whose upper left corner is (x, y)."""
    return {
        "text": text,
        "chars": text,
        "centres": [[x + 12 * i + 6, y + 10] for i in range(len(text))],
        "box": [[x, y], [x + 12 * len(text), y], [x + 12 * len(text), y + 20], [x, y + 20]],
    }


def prepared(
    folder: Path, truth: dict[str, str], lines: list[dict[str, object]], split: str = "train"
) -> RealPage:
    pixels = np.full((1000, 700), 255, np.uint8)
    for each in lines:
        for x, y in each["centres"]:  # type: ignore[attr-defined]
            cv2.rectangle(pixels, (x - 2, y - 6), (x + 2, y + 6), 0, -1)
    cv2.imwrite(str(folder / "a.png"), pixels)
    (folder / "labels.jsonl").write_text(
        json.dumps({"file": "a.png", "split": split, "truth": truth}, ensure_ascii=False), "utf-8"
    )
    (folder / "characters.jsonl").write_text(json.dumps({"file": "a.png", "lines": lines}))
    assert real.prepare([folder], folder / "out") == 1
    [page] = real.load(folder / "out", "train", "dev")
    return page


def test_margins_are_cut_and_letters_stay_in_their_places(tmp_path: Path) -> None:
    page = prepared(tmp_path, {}, [line("ONE TWO", 300, 400), line("Ä€", 300, 600)])
    shown = page.plain(1568)
    stored = cv2.imread(str(page.path), cv2.IMREAD_GRAYSCALE)
    assert stored is not None and stored.shape[0] < 400 and stored.shape[1] < 250
    assert "".join(chr(int(code)) for code in page.glyphs[:, 2]) == "ONETWOÄ€"
    assert all(darkness(shown.pixels, x, y) > 60 for x, y, _ in shown.glyphs)


def test_a_record_holds_the_labels_and_what_is_beyond_doubt(tmp_path: Path) -> None:
    lines = [
        line("SUBTOTAL", 100, 100),
        line("RM12.30", 400, 103),
        line("TOTAL", 100, 200),
        line("99.00", 400, 200),
        line("27/03/2018 1:07 PM", 100, 300),
        line("CASH 100.00", 100, 400),
        line("SHOP", 100, 50),
        line("13.00", 400, 400),
    ]
    truth = {"company": "SHOP", "date": "27/03/2018", "address": "", "total": "RM 13.00"}
    assert prepared(tmp_path, truth, lines).record == {
        "merchant_name": "SHOP",
        "date": "27/03/2018",
        "total": "13.00",
        "time": "1:07 PM",
        "currency": "RM",
        "payment_method": "CASH",
        "subtotal": "12.30",
    }


def test_a_label_may_hold_any_separator(tmp_path: Path) -> None:
    truth = {"company": "SHOP\u2028&\u0085CO"}
    assert prepared(tmp_path, truth, [], "dev").record == {"merchant_name": truth["company"]}


def test_what_can_not_be_read_on_a_page_is_not_taught(tmp_path: Path) -> None:
    truth = {"company": "SHOP & CO", "date": "01/02/2018", "total": "7.00"}
    lines = [line("SHOP&CO", 100, 100), line("01/02/2O18", 100, 200), line("17.00", 100, 300)]
    page = prepared(tmp_path, truth, lines)
    assert page.record == {"merchant_name": "SHOP & CO", "date": "01/02/2018"}
    assert page.printings.keys() == page.record.keys()


def test_a_held_out_page_keeps_all_its_labels(tmp_path: Path) -> None:
    page = prepared(tmp_path, {"total": "7.00"}, [line("17.00", 100, 300)], "dev")
    assert page.record == {"total": "7.00"}


def test_photos_hold_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    labels = []
    for number, split in enumerate(("train", "dev")):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), noise)
        labels.append({"file": f"{number}.jpg", "split": split, "count": 3})
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, labels)))
    assert real.prepare([tmp_path], tmp_path / "out") == 1
    [page] = real.load(tmp_path / "out", "train", "dev")
    assert (page.kind, page.split, page.record, page.lines) == ("photo", "train", {}, [])


def test_what_is_printed_twice_is_in_doubt(tmp_path: Path) -> None:
    lines = [
        line("SUB TOTAL", 100, 100),
        line("12.30", 400, 100),
        line("SUB-TOTAL", 100, 200),
        line("13.00", 400, 200),
        line("10:00", 100, 300),
        line("10:05", 100, 400),
        line("CASH", 100, 500),
        line("VISA", 100, 600),
    ]
    assert prepared(tmp_path, {}, lines).record == {}


def test_splits_are_kept_apart(sources: Sources) -> None:
    assert sources.real is not None
    counts = [len(real.load(sources.real, split)) for split in ("train", "dev", "dev_seen", "test")]
    assert counts == [2, 1, 2, 0]


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("nothing to see")
    (tmp_path / "labels.jsonl").write_text('{"file": "a.png", "split": "train", "truth": {}}')
    with pytest.raises(ValueError, match="a.png is no picture"):
        real.prepare([tmp_path], tmp_path / "out")
