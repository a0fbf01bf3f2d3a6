import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from PIL import Image, ImageDraw

from docextract.cli import main
from docextract.cli.batches import Again, Staff, spelled_out
from docextract.cli.options import Device
from docextract.errors import ExitCode
from docextract.readers.scripted import SCRIPT

Run = Callable[..., tuple[int, str, str]]
JOB = ("--schema", "total money", "--model", "docextract.readers.scripted:reader")


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "answer.json"
    script.write_text(json.dumps({"total": "9.00"}))
    monkeypatch.setenv(SCRIPT, str(script))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(3):
        page = Image.new("L", (120, 80), 255)
        ImageDraw.Draw(page).text((20, 30), f"Total {number}", fill=0)
        page.save(folder / f"{number}.png")
    (folder / "00.pdf").write_bytes(b"%PDF-1.4")
    return folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["batch", *map(str, words)])
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_help_shows_how_it_is_used(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for word in ("--retry", "--files-from", "--watch", "docextract batch inbox/", "goes on where"):
        assert word in out


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("--ray", "local"),
        ("--ray inbox", "local"),
        ("--ray -o r.jsonl", "local"),
        ("--ray auto", None),
        ("--ray head-1.cluster:6379", None),
    ],
)
def test_ray_may_be_given_without_an_address(words: str, address: str | None) -> None:
    spelled = words.replace("--ray", f"--ray={address}") if address else words
    assert spelled_out(words.split()) == spelled.split()


def test_a_cluster_decides_itself_how_many_read() -> None:
    here = Staff(Device.cpu, None, None, None, 7).options([Again.failed], watch=True)
    assert here.jobs and (here.ray, here.retry, here.memory, here.watch) == (
        None,
        ("failed",),
        7,
        True,
    )
    there = Staff(Device.auto, None, "local", 0.5, 7).options(())
    assert (there.jobs, there.ray, there.gpus) == (None, "local", 0.5)
    assert Staff(Device.cpu, 3, "local", None, 7).options(()).gpus == 0


@pytest.mark.slow
def test_a_batch_from_its_plan_to_its_second_run(run: Run, inbox: Path) -> None:
    command = ("inbox", "-o", "r.jsonl", *JOB)
    code, out, _ = run(*command, "--dry-run")
    assert code == 0
    assert re.findall(r"^(\w+) +(.*)$", out, re.M) == [
        ("files", "4 (1 that cannot be opened)"),
        ("pages", "3 to read"),
        ("estimate", "none yet: no page was read with these settings"),
    ]
    assert not Path("r.jsonl").exists()

    code, out, err = run(*command)
    assert (code, out) == (ExitCode.SOME_FAILED, "")
    broken = inbox.name + os.sep + "00.pdf"
    assert f"failed: {broken}: damaged" in err
    assert "4 files: 3 ok, 0 for review, 1 failed" in err
    assert "  1 damaged: " in err
    assert "--retry failed" in err
    assert err.endswith("results: r.jsonl\n")
    assert "Traceback" not in err
    first = Path("r.jsonl").read_bytes()
    assert len(first.splitlines()) == 4

    code, _, err = run(*command)
    assert code == ExitCode.SOME_FAILED
    assert "documents read in" not in err
    assert Path("r.jsonl").read_bytes() == first

    (inbox / "00.pdf").write_bytes((inbox / "0.png").read_bytes())
    assert run(*command, "--details")[0] == 0
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 4
    assert all(line["fields"]["total"]["text"] == "9.00" for line in lines)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["inbox", *JOB], ExitCode.USAGE, "-o results.jsonl"),
        (["inbox", "-o", "r.csv", *JOB], ExitCode.USAGE, "-o r.jsonl"),
        (["-o", "r.jsonl", *JOB], ExitCode.USAGE, "docextract batch inbox/"),
        (["inbox", "-o", "r.jsonl"], ExitCode.USAGE, "--schema"),
        (["inbox", "-o", "r.jsonl", *JOB, "--gpu-share", "0.5"], ExitCode.USAGE, "add --ray"),
        (["gone", "-o", "r.jsonl", *JOB], ExitCode.INPUT, "gone: no such file or folder"),
        (["inbox/*.gif", "-o", "r.jsonl", *JOB], ExitCode.NOTHING, "no documents"),
        (["inbox", "-o", "no/r.jsonl", *JOB], ExitCode.USAGE, "make the folder no first"),
        (["inbox", "-o", "r.jsonl", *JOB, "--schema", "x y z {"], ExitCode.SCHEMA, ""),
        (["inbox", "-o", "r.jsonl", *JOB, "--model", "no/where"], ExitCode.MODEL, "no/where"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_read(
    run: Run, inbox: Path, words: list[str], code: ExitCode, said: str
) -> None:
    ended, out, err = run(*words)
    assert (ended, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_passwords_are_kept_nowhere(run: Run, inbox: Path, tmp_path: Path) -> None:
    for name, password in (("open.pdf", "sesame-1"), ("shut.pdf", "unknown")):
        with pymupdf.open() as document:
            document.new_page().insert_text((50, 50), "Total 9.00")
            encryption = pymupdf.mupdf.PDF_ENCRYPT_AES_256
            document.save(inbox / name, encryption=encryption, user_pw=password, owner_pw="owner")
    secrets = tmp_path / "secrets"
    secrets.write_text("sesame-1\nsesame-2\n")
    command = ("inbox", "-o", "r.jsonl", *JOB, "--password-file", secrets, "--details", "--debug")
    code, out, err = run(*command)
    assert code == ExitCode.SOME_FAILED
    assert "6 files: 4 ok, 0 for review, 2 failed" in err
    lines = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert {line["file"][6:]: line["status"] for line in lines}["open.pdf"] == "ok"
    kept = [path.read_bytes() for path in tmp_path.glob("r.jsonl*")]
    assert len(kept) >= 2
    assert not [content for content in (out.encode(), err.encode(), *kept) if b"sesame" in content]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts in another way")
def test_the_second_interruption_stops_at_once(inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "from docextract.readers.scripted import ScriptedReader\n"
        "class Slow(ScriptedReader):\n"
        "    def read(self, *rest):\n"
        "        time.sleep(300)\n"
        "def make():\n"
        "    print('loaded', flush=True)\n"
        "    return Slow([])\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    job = ("--schema", "total money", "--model", "slow:make", "--jobs", "1")
    words = ("inbox", "-o", "r.jsonl", *job)
    with subprocess.Popen(
        [sys.executable, "-m", "docextract", "batch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    ) as process:
        assert process.stderr
        assert process.stderr.readline() == "loaded\n"
        assert process.stderr.readline().startswith("failed: ")  # it reads by now
        process.send_signal(signal.SIGINT)
        assert "once more" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "interrupted\n"
        assert process.wait(20) == ExitCode.INTERRUPTED
        assert process.stdout and process.stdout.read() == ""
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 1
