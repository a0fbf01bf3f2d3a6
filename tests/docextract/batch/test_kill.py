"""Batches that are killed at random moments, and two that share a folder.

DOCEXTRACT_KILLS=50 DOCEXTRACT_FILES=1000 make it a matter of minutes.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docextract.batch.ledger import ledger_of
from docextract.readers.scripted import SCRIPT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9"),
]

KILLS = int(os.environ.get("DOCEXTRACT_KILLS", "3"))
FILES = int(os.environ.get("DOCEXTRACT_FILES", "120"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Small pages, all different, with a copy and a broken file among them."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(FILES):
        page = Image.new("L", (120, 80), 255)
        ImageDraw.Draw(page).text((20, 30), f"Total {number}", fill=0)
        page.save(folder / f"{number:04}.png")
    (folder / "copy.png").write_bytes((folder / "0000.png").read_bytes())
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\n%%EOF")
    return folder


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "answer.json"
    script.write_text(json.dumps({"total": "9.00"}))
    monkeypatch.setenv(SCRIPT, str(script))
    return tmp_path / "results.jsonl"


def start(inbox: Path, out: Path) -> "subprocess.Popen[bytes]":
    words = ["batch", inbox, "-o", out, "--schema", "total money"]
    scripted = ["--model", "docextract.readers.scripted:reader"]
    return subprocess.Popen(
        [sys.executable, "-m", "docextract", *map(str, words), *scripted],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    _, err = process.communicate(timeout=600)
    return process.returncode, err.decode()


def check(inbox: Path, out: Path) -> None:
    """Each file has one whole line, and each document was finished once."""
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert sorted(line["file"] for line in lines) == sorted(map(str, inbox.iterdir()))
    assert {line["status"] for line in lines if line["file"].endswith(".png")} == {"ok"}
    base = sqlite3.connect(ledger_of(out))
    finished = base.execute("SELECT finished, count(*) FROM documents GROUP BY finished").fetchall()
    base.close()
    assert finished == [(1, FILES + 1)]


def lines_in(out: Path) -> int:
    return out.read_bytes().count(b"\n") if out.exists() else 0


@pytest.mark.timeout(3600)
def test_whatever_is_killed_each_file_is_read_once(inbox: Path, out: Path) -> None:
    dice = random.Random(7)
    for _ in range(KILLS):
        process = start(inbox, out)
        before = lines_in(out)
        while lines_in(out) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(dice.random() * 0.1)
        assert process.poll() is None, "there are too few files for so many kills"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    code, err = finish(start(inbox, out))
    assert code == 10, err
    check(inbox, out)


def test_two_processes_share_a_folder(inbox: Path, out: Path) -> None:
    first, second = start(inbox, out), start(inbox, out)
    assert [finish(first)[0], finish(second)[0]] == [10, 10]
    check(inbox, out)
