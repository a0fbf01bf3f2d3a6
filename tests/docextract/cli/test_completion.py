import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docextract.cli import main

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complete:
    """What bash is told of a line that is typed as far as here."""

    def complete(line: str) -> list[str]:
        words = shlex.split(line)
        place = len(words) if line.endswith(" ") else len(words) - 1
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(place))
        monkeypatch.setenv("_DOCEXTRACT_COMPLETE", "complete_bash")
        with pytest.raises(SystemExit):
            main([])
        return capsys.readouterr().out.split()

    return complete


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("docextract ba", {"batch"}),
        ("docextract --sche", {"--schema"}),
        ("docextract a.pdf --schema re", {"receipt"}),
        ("docextract a.pdf --schema au", {"auto"}),
        ("docextract a.pdf --budget ", {"fast", "standard", "detailed", "max"}),
        ("docextract a.pdf --format ", {"json", "jsonl", "csv", "table", "xlsx", "parquet"}),
        ("docextract a.pdf --model b", {"bundled"}),
        ("docextract batch inbox --max-f", {"--max-failures"}),
        ("docextract schemas inv", {"invoice"}),
    ],
)
def test_names_are_completed(complete: Complete, line: str, offered: set[str]) -> None:
    assert set(complete(line)) == offered


@pytest.mark.parametrize("line", ["docextract ", "docextract a.pdf ba", "docextract a.pdf -o "])
def test_files_are_left_to_the_shell(complete: Complete, line: str) -> None:
    assert complete(line) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no bash")
def test_bash_takes_the_script(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "docextract", "--show-completion", "bash"]
    script = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    (tmp_path / "completion.bash").write_text(script)
    asked = "complete -p docextract"
    told = subprocess.run(
        ["bash", "--norc", "-c", f". ./completion.bash && {asked}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "-F _docextract_completion docextract" in told.stdout
