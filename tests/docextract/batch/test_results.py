import json
import os
from pathlib import Path

import pytest

from docextract.batch.results import ResultsFile, to_bytes
from docextract.errors import OutputError


def test_lines_are_utf8_even_where_a_name_is_not() -> None:
    line = to_bytes([{"file": os.fsdecode(b"\xff"), "shop": "Zoë"}])
    assert "Zoë" in line.decode("utf-8")
    assert json.loads(line)["file"] == "\udcff"


def test_a_replaced_file_keeps_its_mode_and_leaves_nothing_behind(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "r.jsonl")
    results.replace([b"one\n", b"two\n"])
    assert results.path.read_bytes() == b"one\ntwo\n"
    results.path.chmod(0o640)
    results.replace([])
    assert results.path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [results.path]


def test_a_failed_replacement_leaves_the_old_file(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "r.jsonl")
    results.replace([b"old\n"])

    def blocks() -> "list[bytes]":
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        results.replace(block for _ in "x" for block in blocks())
    assert results.path.read_bytes() == b"old\n"
    assert list(tmp_path.iterdir()) == [results.path]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"one\ntwo\n", "whole"),
        (b"one\ntw", "torn"),
        (b"one\n", "torn"),
        (b"", "torn"),
        (b"one\ntwo\nthr", "torn"),
        (b"one\nTwo\n", "other"),
        (b"two\n", "other"),
    ],
)
def test_a_file_is_compared_with_what_it_should_be(
    tmp_path: Path, content: bytes, found: str
) -> None:
    results = ResultsFile(tmp_path / "r.jsonl")
    assert results.compare([]) == "torn"  # there is none
    results.path.write_bytes(content)
    assert results.compare([b"one\n", b"two\n"]) == found


def test_what_follows_the_last_known_line_is_cut_away(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "r.jsonl")
    results.append(0, b"one\n")
    results.append(4, b"tw")
    results.append(4, b"two\n")
    assert results.path.read_bytes() == b"one\ntwo\n"
    with pytest.raises(OutputError, match="shorter"):
        results.append(9, b"three\n")
