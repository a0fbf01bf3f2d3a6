"""Scanned receipts: people wrote down the values, a machine read the letters."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from docextract.framing import find_print, fit_size
from training.real.find import as_printed, exactly, nearly, readable, running
from training.real.picture import write_grey
from training.real.store import Line, Printing, RealPage, Record, read_grey

TRUTH_KEYS = {
    "company": "merchant_name",
    "address": "merchant_address",
    "date": "date",
    "total": "total",
}
_KEPT_TOKENS = 1700  # a little sharper than the model sees it, for the crops to come
_TIME = re.compile(r"(?<!\d)((?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)\s*([AP]\.?M(?![A-Z]))?", re.I)
_AMOUNT = re.compile(r"(?:RM)?(\d[\d,]*\.\d\d)$")
_SIGN = re.compile(r"^(?:RM|MYR|\$|€|£)\s*|\s*(?:RM|MYR|\$|€|£)$", re.I)
_RUNNING = ("merchant_name", "merchant_address")


def receipt(folder: Path, out: Path, stem: str, label: dict[str, Any], read: Any) -> RealPage:
    """One labelled scan; `read` holds its lines as characters.jsonl has them."""
    grey = read_grey(folder / label["file"])
    left, top, right, bottom = find_print(grey).box
    cut = grey[top:bottom, left:right]
    width, height = fit_size(cut.shape[1], cut.shape[0], _KEPT_TOKENS, max_enlarge=1.0)
    scale = np.array([width / cut.shape[1], height / cut.shape[0]])
    small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    path = write_grey(out / stem, np.asarray(small, np.uint8))
    lines = [line.moved((left, top), scale) for line in map(_line, read) if line.text]
    record = _known(label["truth"])
    printings = {
        key: found for key, value in record.items() if (found := _printings(key, value, lines))
    }
    if label["split"] == "train" and lines:
        # What can't be read on the page can't be taught. Held-out pages keep all labels.
        record = {
            key: value
            for key, value in record.items()
            if key in printings or (key in _RUNNING and readable(value, lines))
        }
    for key in _RUNNING:
        printed = "".join(lines[span.line].text for span in printings.get(key, [[]])[0])
        if sum(letter.islower() for letter in printed) > 0.3 * len(printed):
            record[key] = as_printed(record[key], printed)
    for key, value in _surmised([line["text"] for line in read], lines).items():
        record[key] = value
        if key in {"time", "subtotal"} and (found := exactly(value, lines)):
            printings[key] = found
    known: Record = dict(record)
    return RealPage(path, label["split"], "receipt", stem, lines, known, printings)


def _line(read: dict[str, Any]) -> Line:
    # Characters that were read by machine lack a centre now and then.
    pairs = [
        (letter, centre[0])
        for letter, centre in zip(read["chars"], read["centres"], strict=False)
        if not letter.isspace()
    ]
    text = "".join(letter for letter, _ in pairs)
    return Line(text, np.array([x for _, x in pairs], float), np.array(read["box"], float))


def _known(truth: dict[str, str]) -> dict[str, str]:
    known = {ours: truth[theirs] for theirs, ours in TRUTH_KEYS.items() if truth.get(theirs)}
    if "total" in known:
        known["total"] = _SIGN.sub("", known["total"].strip())
    return known


def _printings(key: str, value: str, lines: list[Line]) -> list[Printing]:
    if key in _RUNNING:
        return running(value, lines)
    return exactly(value, lines) or nearly(value, lines)


def _surmised(texts: list[str], lines: list[Line]) -> dict[str, str]:
    """What is printed once and cannot be mistaken, on a receipt of the English-speaking world.

    `texts` are the lines as read, with such blanks as were seen.
    """
    found: dict[str, str] = {}
    times = {
        " ".join(part for part in match.groups() if part)
        for text in texts
        for match in _TIME.finditer(text)
    }
    times.discard("0:00")  # an amount misread
    if len(times) == 1:
        found["time"] = times.pop()
    if any(re.search(r"(?<![A-Z])RM(?![A-Z])", text) for text in texts):
        found["currency"] = "RM"
    cards = [text for text in texts if re.search(r"VISA|MASTER|CARD|DEBIT|CREDIT", text, re.I)]
    cash = [match.group() for text in texts if (match := re.match(r"CASH(?![A-Z])", text, re.I))]
    if cash and not cards:
        found["payment_method"] = cash[0]
    subtotals = set(_beside(re.compile(r"SUB-?\s?TOTAL", re.I), lines))
    if len(subtotals) == 1:
        found["subtotal"] = subtotals.pop()
    return found


def _beside(label: re.Pattern[str], lines: list[Line]) -> Iterator[str]:
    """Amounts in the row of a label, to its right."""
    for line in lines:
        if not label.match(line.text):
            continue
        middle, reach = line.box[:, 1].mean(), 0.6 * np.ptp(line.box[:, 1])
        for other in lines:
            amount = _AMOUNT.fullmatch(other.text)
            same_row = abs(other.box[:, 1].mean() - middle) < reach
            if amount and same_row and other.box[0, 0] > line.box[0, 0]:
                yield amount.group(1)
