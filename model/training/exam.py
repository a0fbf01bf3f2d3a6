"""Draws the exam: pages of faces, words and seeds that the training never shows, with their labels.

    python -m training.exam FOLDER --fonts assets/fonts --words assets/words

The folder is one that `docextract evaluate FOLDER --truth labels.jsonl` reads: every page brings
the schema that it is asked with, all values texts as printed. Each split examines one thing.
"""

import argparse
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from docextract.printed import AmbiguousError, NotReadableError, read_currency
from training.synthetic.pages import PageFactory
from training.synthetic.words import Words, is_kept_out

PAGES = 40
"""Pages of each split, unless asked for others."""

_SEED = 20261122
_TOKENS = 3136
"""Sharper than any default budget, as scans are: the product makes them smaller."""

_ROWS_OF_A_PAGE = ((1, 3), (4, 8), (9, 15), (16, 30))
_COLUMNS = ("description", "quantity", "unit_price", "amount")
_BESIDE_CURRENCY = ("invoice_number", "seller_name", "currency", "total")

Question = tuple[dict[str, Any], dict[str, Any]]
"""A JSON Schema and the truth, which may leave out some of its keys."""

Examiner = Callable[[np.random.Generator, Mapping[str, Any]], Question | None]
"""Asks about a record, or does without it."""


def draw(folder: Path, fonts: Path, words: Path, pages: int = PAGES) -> str:
    """Fill `folder` with pictures and labels.jsonl; the same arguments give the same exam.

    Returns the fingerprint of labels and pictures.
    """
    factory = PageFactory(fonts, words, kept_out=True)
    digest, lines = hashlib.sha256(), []
    for split, (kinds, examiner) in _splits(Words(words, kept_out=True), pages).items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        taken = seed = 0
        while taken < pages:
            rng = np.random.default_rng([_SEED, list(_EXAMINED).index(split), seed])
            kind, seed = kinds[seed % len(kinds)], seed + 1
            page = factory.document(rng, _TOKENS, kind)
            question = examiner(rng, page.record)
            if question is None:
                continue
            schema, truth = question
            name = f"{split}/{taken:03}.png"
            cv2.imwrite(str(folder / name), page.pixels)
            lines.append(
                json.dumps(
                    {"file": name, "split": split, "kind": kind, "schema": schema, "truth": truth},
                    ensure_ascii=False,
                )
            )
            digest.update(lines[-1].encode() + page.pixels.tobytes())
            taken += 1
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return digest.hexdigest()


_EXAMINED = {
    "currency": "the currency, null where none is printed",
    "unseen": "all fields of pages of unseen seeds, faces and words",
    "labels": "values beside unseen label words, asked for by name",
    "rows": "rows of line items, 1 to 30 of them",
    "absent": "null for what is not on the page",
}
"""What each split examines."""


def _splits(words: Words, pages: int) -> dict[str, tuple[Sequence[str], Examiner]]:
    """The kinds of pages of each split and how they are asked."""
    papers = ("purchase_order", "delivery_note", "statement", "utility_bill")
    mixed = ("receipt", "invoice", "form", "invoice", "receipt", *papers)
    return {
        "currency": (("invoice",), _Currencies(pages)),
        "unseen": (mixed, _all_fields),
        "labels": (("form",), _unseen_labels),
        "rows": (("invoice", "receipt"), _Rows(pages)),
        "absent": (("receipt", "invoice", "form"), _Absent(words)),
    }


class _Currencies:
    """As many pages of each currency as of others, and a fifth of them without any."""

    def __init__(self, pages: int) -> None:
        self._room_for_none = max(1, pages // 5)
        self._room_for_each = max(1, pages // 10)
        self._seen: Counter[str | None] = Counter()

    def __call__(self, rng: np.random.Generator, record: Mapping[str, Any]) -> Question | None:
        sign = record.get("currency")
        try:
            code = read_currency(sign) if sign else None
        except (AmbiguousError, NotReadableError):
            return None  # a dollar of no country has no code to be judged by
        if self._seen[code] >= (self._room_for_each if code else self._room_for_none):
            return None
        self._seen[code] += 1
        schema = _schema(dict.fromkeys(_BESIDE_CURRENCY))
        schema["properties"]["currency"]["format"] = "currency"
        return schema, {"currency": sign}


def _all_fields(rng: np.random.Generator, record: Mapping[str, Any]) -> Question | None:
    """Everything but lists."""
    asked = {key: value for key, value in record.items() if not isinstance(value, list)}
    return (_schema(asked), asked) if asked else None


def _unseen_labels(rng: np.random.Generator, record: Mapping[str, Any]) -> Question | None:
    """The values whose label is of words that no page of the training has."""
    asked = {
        key: value
        for key, value in record.items()
        if isinstance(value, str) and all(map(is_kept_out, words_of(key)))
    }
    return (_schema(asked), asked) if asked else None


def words_of(key: str) -> list[str]:
    """Those of a key in snake_case, camelCase or prose."""
    return re.findall(r"[a-z]+", re.sub(r"([A-Z])", r" \1", key).lower())


class _Rows:
    """As many pages with few rows as with many."""

    def __init__(self, pages: int) -> None:
        self._room = -(-pages // len(_ROWS_OF_A_PAGE))
        self._seen: Counter[int] = Counter()

    def __call__(self, rng: np.random.Generator, record: Mapping[str, Any]) -> Question | None:
        rows = record["line_items"]
        for number, (least, most) in enumerate(_ROWS_OF_A_PAGE):
            if least <= len(rows) <= most and self._seen[number] < self._room:
                self._seen[number] += 1
                kept = [{name: row.get(name) for name in _COLUMNS} for row in rows]
                return _schema({"line_items": kept}), {"line_items": kept}
        return None


class _Absent:
    """Some values that are there, and some that are not: keys of the record and made-up ones."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def __call__(self, rng: np.random.Generator, record: Mapping[str, Any]) -> Question | None:
        leaves = {key: value for key, value in record.items() if not isinstance(value, list | dict)}
        there = [key for key, value in leaves.items() if value is not None][:3]
        missing = [key for key, value in leaves.items() if value is None][:4]
        missing += ["_".join(self._words.phrase(rng, 1, 2).split()) for _ in range(2)]
        missing = [key for key in dict.fromkeys(missing) if record.get(key) is None]
        keys = [*there, *missing]
        asked = [keys[int(place)] for place in rng.permutation(len(keys))]
        return _schema(dict.fromkeys(asked)), dict.fromkeys(missing)


def _schema(record: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a record: every value a text or null."""
    return {
        "title": "Exam",
        "type": "object",
        "properties": {key: _node(value) for key, value in record.items()},
    }


def _node(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return _schema(value)
    if isinstance(value, list):
        return {"type": "array", "items": _node(value[0])}
    return {"type": ["string", "null"]}


def main(words: Sequence[str] | None = None) -> None:
    """Draw the exam that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m training.exam", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, required=True, help="folder of .ttf and .otf faces")
    parser.add_argument("--words", type=Path, required=True, help="word list, one word a line")
    parser.add_argument("--pages", type=int, default=PAGES, help="of each split")
    arguments = parser.parse_args(words)
    mark = draw(arguments.folder, arguments.fonts, arguments.words, arguments.pages)
    for split, examined in _EXAMINED.items():
        print(f"{split:<10}{arguments.pages:>4} pages: {examined}")
    print(f"{arguments.folder}: sha256 {mark}")


if __name__ == "__main__":
    main()
