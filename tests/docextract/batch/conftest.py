"""Documents and models for batches. Workers are processes of their own, so that what they are given
must be files and modules, and no fixtures."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docextract.batch.extracting import Extracting
from docextract.readers.scripted import SCRIPT
from docextract.settings import Settings

# Answers like the scripted reader, unless the page is of a colour that means harm.
_ODD_READER = """
import os, time
from docextract.readers.scripted import ScriptedReader
from itertools import repeat

class OddReader(ScriptedReader):
    questions_at_once = 2

    def read(self, images, *rest):
        red, green, blue = (int(part) for part in images[0].reshape(-1, 3).min(0))
        if red > 200:
            os.abort()
        if green > 200:
            time.sleep(600)
        if blue > 200:
            raise ZeroDivisionError("oh")
        time.sleep(0.05)
        return super().read(images, *rest)

def make():
    return OddReader(repeat({"total": "9.00"}))

def die():
    os.abort()
"""
HARM = {"crash": "red", "hang": "lime", "fault": "blue"}


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def draw(inbox: Path) -> Callable[[str], Path]:
    """Save a page that shows its name. Names that begin with a harm do it to the odd reader."""

    def draw(name: str) -> Path:
        path = inbox / name
        colour = HARM.get(name.split("_")[0], "black")
        page = Image.new("RGB", (120, 80), "white")
        ImageDraw.Draw(page).text((20, 30), name, fill=colour)
        page.save(path)
        return path

    return draw


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Extracting:
    """Ask the scripted reader for a total."""
    script = tmp_path / "answer.json"
    script.write_text(json.dumps({"total": "9.00"}))
    monkeypatch.setenv(SCRIPT, str(script))
    return Extracting(
        "total money", "docextract.readers.scripted:reader", "cpu", Settings(timeout=30)
    )


@pytest.fixture
def odd_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Extracting:
    """Ask a reader that does harm."""
    (tmp_path / "oddreader.py").write_text(_ODD_READER)
    monkeypatch.syspath_prepend(str(tmp_path))
    return Extracting("total money", "oddreader:make", "cpu", Settings(timeout=30))
