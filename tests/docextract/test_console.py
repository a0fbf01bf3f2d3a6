import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from docextract.console import Progress, data_stream, guarded_stdout, run
from docextract.errors import EncryptedError, ExitCode, OutputError

POLLUTER = """
import ctypes, os, sys
from docextract.console import guarded_stdout
libc = ctypes.CDLL(None)
with guarded_stdout() as data:
    print("python noise")
    os.write(1, b"raw noise\\n")
    libc.puts(b"c noise")
    data.write("data\\n")
    os.system("echo child noise")
print("after")
"""


@pytest.mark.skipif(os.name == "nt", reason="the C library has another name there")
def test_only_data_reaches_stdout() -> None:
    done = subprocess.run(
        [sys.executable, "-c", POLLUTER], capture_output=True, text=True, check=True
    )
    assert done.stdout == "data\nafter\n"
    for noise in ("python noise", "raw noise", "c noise", "child noise"):
        assert noise in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_a_full_disk_is_told_so() -> None:
    code = """from docextract.console import data_stream, run
def work():
    with data_stream() as data:
        data.write("x" * 100_000)
raise SystemExit(run(work))
"""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.decode().splitlines() == [
        "error: the output: cannot be written (No space left on device)",
        "hint: make room, or write to another disk",
    ]


def test_a_file_that_does_not_fit_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> ExitCode:
        with data_stream(tmp_path / "out") as data:
            data.write("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    assert run(work) == ExitCode.USAGE
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_only_files_are_replaced(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="not a file"),
        data_stream(tmp_path, overwrite=True),
    ):
        pass
    with pytest.raises(OutputError) as caught, data_stream(tmp_path / "none" / "out"):
        pass
    assert caught.value.hint == f"make the folder {tmp_path / 'none'} first"


def test_data_are_utf8_whatever_the_locale() -> None:
    code = """from docextract.console import guarded_stdout
with guarded_stdout() as data:
    data.write("Käse 5 €\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    )
    assert done.stdout.decode() == "Käse 5 €\n"


def test_a_closed_stdout_is_told_so() -> None:
    code = """import os
os.close(1)
from docextract.console import guarded_stdout, run
def work():
    with guarded_stdout():
        pass
raise SystemExit(run(work))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "error: stdout is closed\nhint: write to a file: -o OUT\n"


def test_a_reader_that_leaves_causes_no_traceback() -> None:
    code = """from docextract.console import guarded_stdout, run
def work():
    with guarded_stdout() as data:
        for _ in range(100_000):
            data.write("a line of data\\n")
raise SystemExit(run(work))
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == ExitCode.USAGE


def test_a_file_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with data_stream(out) as stream:
        stream.write("half")
        stream.flush()
        assert not out.exists()
        stream.write(" and half")
    assert out.read_text() == "half and half"
    assert list(tmp_path.iterdir()) == [out]
    assert out.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_names_that_are_no_utf8_are_escaped(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    name = os.fsdecode(b"a\xff.pdf")
    with data_stream(out) as data:
        json.dump(name, data, ensure_ascii=False)
    assert json.loads(out.read_text("utf-8")) == name


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    with pytest.raises(ZeroDivisionError), data_stream(out, overwrite=True) as stream:
        stream.write("new")
        raise ZeroDivisionError
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_is_replaced_only_on_demand(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    with pytest.raises(OutputError, match="there is such a file") as caught, data_stream(out):
        pass
    assert "--overwrite" in caught.value.hint
    with data_stream(out, overwrite=True) as stream:
        stream.write("new")
    assert out.read_text() == "new"


def test_an_absent_folder_is_told_so(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="cannot be written"),
        data_stream(tmp_path / "no" / "out.json"),
    ):
        pass


def test_an_error_becomes_two_lines_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> ExitCode:
        raise EncryptedError("a.pdf: encrypted", hint="give --password")

    assert run(work) is ExitCode.ENCRYPTED
    assert capsys.readouterr().err == "error: a.pdf: encrypted\nhint: give --password\n"


def test_an_interruption_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> ExitCode:
        raise KeyboardInterrupt

    assert run(work) is ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_a_fault_of_ours_shows_its_traceback_only_on_demand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> ExitCode:
        raise ZeroDivisionError("oh")

    assert run(work) is ExitCode.INTERNAL
    words = capsys.readouterr().err
    assert words.startswith("error: ZeroDivisionError: oh\nhint: ")
    assert "Traceback" not in words
    assert run(work, debug=True) is ExitCode.INTERNAL
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(
    variable: str,
    coloured: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    def work() -> ExitCode:
        raise EncryptedError("shut")

    run(work)
    assert ("\x1b[31m" in capsys.readouterr().err) is coloured


def test_the_guard_gives_stdout_back(capfd: pytest.CaptureFixture[str]) -> None:
    with guarded_stdout() as data:
        data.write("data\n")
    print("more")  # noqa: T201
    sys.stdout.flush()
    assert capfd.readouterr().out == "data\nmore\n"


def test_progress_is_for_a_person_who_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("a.pdf") as progress:
        progress.show("reading")
    assert capsys.readouterr() == ("", "")


def test_progress_shows_names_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with Progress("a[b].pdf") as progress:
        progress.show("reading page 1")
        time.sleep(0.2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "a[b].pdf: reading page 1" in err
