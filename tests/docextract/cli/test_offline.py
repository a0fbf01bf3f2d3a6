"""No command opens a connection, but to fetch a model that is named by its hub id."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docextract.cli import COMMANDS
from docextract.readers.scripted import SCRIPT
from docextract.resources import bundled

REFUSAL = """
import os, sys
NETWORK = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")
def refuse(event, arguments):
    local = event == "socket.connect" and isinstance(arguments[1], str | bytes)
    if event in NETWORK and not local:
        with open(os.environ["ATTEMPTS"], "a") as file:
            print(event, arguments, file=file)
        raise PermissionError("there is no network here")
sys.addaudithook(refuse)
"""
SCRIPTED = "--schema|shop, total money|--model|docextract.readers.scripted:reader"
CALLS = {
    "read": "in/a.png|--schema|total money",  # by the bundled model
    "batch": f"batch|in|-o|batch.jsonl|--jobs|2|{SCRIPTED}",
    "count": "count|in/a.png|--object|can|--model|docextract.readers.scripted:reader",
    "doctor": "doctor|--model|docextract.readers.scripted:reader",
    "evaluate": f"evaluate|in|--truth|labels.jsonl|{SCRIPTED}",
    "model": "model|verify",
    "review": "review|results.jsonl|-o|page.html",
    "schemas": "schemas|receipt",
    "table": "table|results.jsonl|--format|csv",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a picture, its truth and its results, where the network is refused."""
    (tmp_path / "sitecustomize.py").write_text(REFUSAL)
    (tmp_path / "in").mkdir()
    page = Image.new("L", (200, 120), 255)
    ImageDraw.Draw(page).text((60, 50), "Total 9.00", fill=0)
    page.save(tmp_path / "in" / "a.png")
    record = {"shop": "Zoe", "total": "9.00"}
    sample = json.loads((bundled("samples") / "receipt.json").read_text("utf-8"))
    (tmp_path / "script.json").write_text(json.dumps({"shop": "Zoe", **sample}))
    (tmp_path / "labels.jsonl").write_text(json.dumps({"file": "a.png", "truth": record}))
    line = {"file": "in/a.png", "status": "ok", "record": record, "error": None}
    (tmp_path / "results.jsonl").write_text(json.dumps(line) + "\n")
    return tmp_path


def attempts(home: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """What a call came to, and the connections that it tried to open."""
    log = home / "attempts"
    log.touch()
    settings = {
        "PYTHONPATH": os.pathsep.join([str(home), *filter(None, sys.path)]),
        "ATTEMPTS": str(log),
        SCRIPT: str(home / "script.json"),
        "HF_HOME": str(home / "hub"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "docextract", *words],
        cwd=home,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    return done, log.read_text()


def test_every_command_is_called() -> None:
    assert set(CALLS) == {"read", *COMMANDS}


@pytest.mark.parametrize("command", CALLS)
def test_nothing_is_connected_to(home: Path, command: str) -> None:
    done, tried = attempts(home, *CALLS[command].split("|"))
    assert (done.returncode, tried) == (0, ""), done.stderr


def test_the_refusal_would_show(home: Path) -> None:
    done, tried = attempts(home, "model", "fetch", "owner/model")
    assert done.returncode == 5
    assert "socket." in tried
    assert "owner/model cannot be fetched" in done.stderr
