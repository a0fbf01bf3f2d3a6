"""The whole way, with the bundled weights: the project's own samples become their records."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docextract import extract
from docextract.choosing import choose_schema
from docextract.pages import open_document
from docextract.readers import open_reader

SAMPLES = Path(__file__).parents[1] / "samples"

# What the bundled weights must get right in each; they may slip elsewhere.
SURE = {
    "receipt.jpg": ["date", "time", "currency", "subtotal", "total"],
    "invoice.pdf": ["invoice_number", "issue_date", "due_date", "iban", "net_total", "total"],
}

MEASURED = """
import resource, sys
from docextract.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.parametrize("document", SURE)
def test_a_sample_becomes_its_record(document: str) -> None:
    path = SAMPLES / document
    expected: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    result = extract(path, path.stem)
    assert list(result.data) == list(expected)
    sure = SURE[document]
    assert {key: result.data[key] for key in sure} == {key: expected[key] for key in sure}
    assert result.status in ("ok", "review")
    assert result.model == "bundled"
    assert 0 < result.tokens.visual <= 1568
    assert result.timings.total > 0


def test_the_weights_tell_the_samples_apart_without_their_words() -> None:
    reader = open_reader()
    for document in SURE:
        with open_document(SAMPLES / document) as opened:
            page = replace(opened.render(1, reader.default_budget), words=())
        assert choose_schema(page, reader).schema.reference == Path(document).stem
    reader.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory otherwise")
def test_the_command_prints_the_record_alone_within_2_gib() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, SAMPLES / "receipt.jpg", "--schema", "receipt"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"] == "20.75"
    *doubts, kilobytes = done.stderr.splitlines()
    assert all(line.startswith("review: ") for line in doubts)
    assert int(kilobytes) < 2 * 2**20
