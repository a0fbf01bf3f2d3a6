import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from PIL import Image, ImageDraw

from docextract import __version__
from docextract.cli import COMMANDS
from docextract.errors import ExitCode
from docextract.pages import DrawnDocument, Page
from docextract.readers.scripted import SCRIPT

SCRIPTED = ("--model", "docextract.readers.scripted:reader")
SPEC = ("--schema", "shop, total money")
ANSWER = {"shop": "Zoë's", "total": "£9.00"}
RECORD = {"shop": "Zoë's", "total": "9.00"}

Run = Callable[..., tuple[int, str, str]]
Script = Callable[[Sequence[Any]], None]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Let the scripted reader give these answers."""

    def write(lines: Sequence[Any]) -> None:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(lines))
        monkeypatch.setenv(SCRIPT, str(path))

    return write


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    picture().save(path)
    return path


def picture() -> Image.Image:
    image = Image.new("L", (200, 120), 255)
    ImageDraw.Draw(image).text((60, 50), "Total 9.00", fill=0)
    return image


@pytest.fixture
def shut(tmp_path: Path) -> Path:
    path = tmp_path / "shut.pdf"
    with pymupdf.open() as document:
        document.new_page().insert_text((100, 100), "Total 9.00")
        document.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="sesame")
    return path


def test_help_names_files_options_and_commands(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for word in ("FILE", "--schema", "--budget", "-o", "docextract evaluate", "docextract schemas"):
        assert word in out


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"docextract {__version__}\n", "")


def test_one_file_gives_its_record_and_nothing_else(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    code, out, err = run(png, *SPEC, *SCRIPTED)
    assert (code, err) == (0, "")
    assert json.loads(out) == RECORD
    assert list(json.loads(out)) == ["shop", "total"]
    assert "Zoë" in out


def test_a_blank_page_gives_nulls_and_a_word_on_stderr(
    run: Run, script: Script, tmp_path: Path
) -> None:
    script([])
    path = tmp_path / "blank.png"
    Image.new("L", (200, 120), 255).save(path)
    code, out, err = run(path, *SPEC, *SCRIPTED)
    assert (code, json.loads(out)) == (0, {"shop": None, "total": None})
    assert err.startswith("review: page 1: blank, and so not read\n")
    assert run(path, *SPEC, *SCRIPTED, "--strict")[0] == 12


def test_split_gives_a_line_for_each_document_of_a_file(
    run: Run, script: Script, tmp_path: Path
) -> None:
    path = tmp_path / "pile.tiff"
    picture().save(path, save_all=True, append_images=[picture()])
    script([{"shop": "Bakery", "total": "1.00"}, {"shop": "Pharmacy", "total": "2.00"}] * 2)
    code, out, _ = run(path, *SPEC, *SCRIPTED, "--split")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(line["file"], line["pages"]) for line in lines] == [
        (str(path), [1, 1]),
        (str(path), [2, 2]),
    ]
    assert [line["record"]["total"] for line in lines] == ["1.00", "2.00"]
    _, out, _ = run(path, *SPEC, *SCRIPTED, "--split", "--format", "csv")
    assert f"{path}#pages=2-2,ok,Pharmacy,2.00," in out


def test_options_may_come_first(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    code, out, _ = run(*SPEC, *SCRIPTED, png)
    assert code == 0
    assert json.loads(out) == RECORD


def test_details_are_the_whole_extraction(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    code, out, _ = run(png, *SPEC, *SCRIPTED, "--details")
    details = json.loads(out)
    assert code == 0
    assert details["record"] == RECORD
    assert details["file"] == str(png)
    assert details["fields"]["total"]["text"] == "£9.00"
    assert details["timings"].keys() == {"load", "rasterise", "first_token", "decode", "total"}


def test_several_files_give_a_line_each(run: Run, script: Script, png: Path, shut: Path) -> None:
    script([ANSWER, ANSWER])
    code, out, err = run(png, shut, png, *SPEC, *SCRIPTED)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == ExitCode.SOME_FAILED
    assert [line["file"] for line in lines] == [str(png), str(shut), str(png)]
    assert [line["status"] for line in lines] == ["ok", "failed", "ok"]
    assert lines[0] == {"file": str(png), "status": "ok", "record": RECORD, "error": None}
    assert lines[1]["error"]["code"] == 8
    assert lines[1]["error"]["name"] == "encrypted"
    assert "--password" in lines[1]["error"]["hint"]
    assert err.startswith(f"error: {shut}: the document is encrypted")


def test_all_failed_has_its_code(run: Run, shut: Path) -> None:
    code, out, _ = run(shut, shut, *SPEC, *SCRIPTED)
    assert code == ExitCode.ALL_FAILED
    assert len(out.splitlines()) == 2


def test_a_password_opens(run: Run, script: Script, shut: Path, tmp_path: Path) -> None:
    script([ANSWER])
    assert run(shut, *SPEC, *SCRIPTED, "--password", "sesame")[0] == 0
    secret = tmp_path / "secret"
    secret.write_text("letmein\n\nsesame\n")
    assert run(shut, *SPEC, *SCRIPTED, "--password-file", secret)[0] == 0
    assert run(shut, *SPEC, *SCRIPTED, "--password-file", secret, "--password", "x")[0] == 2
    assert run(shut, *SPEC, *SCRIPTED, "--password-file", tmp_path / "gone")[0] == 2


def bad_files() -> dict[str, tuple[bytes, ExitCode]]:
    png = io.BytesIO()
    picture().save(png, "PNG")
    return {
        "text.txt": (b"just words", ExitCode.INPUT),
        "empty.pdf": (b"", ExitCode.INPUT),
        "cut.png": (png.getvalue()[:90], ExitCode.INPUT),
        "hollow.pdf": (b"%PDF-1.4\n%%EOF", ExitCode.INPUT),
    }


def test_every_bad_file_is_one_clear_line_with_its_code(
    run: Run, script: Script, tmp_path: Path
) -> None:
    script([ANSWER])
    for name, (content, expected) in bad_files().items():
        path = tmp_path / name
        path.write_bytes(content)
        code, out, err = run(path, *SPEC, *SCRIPTED)
        assert (code, out) == (expected, ""), name
        assert err.startswith(f"error: {path}"), name
        assert "Traceback" not in err
        assert len(err.splitlines()) <= 2


def test_a_missing_file_is_told_before_any_model_is_loaded(run: Run) -> None:
    code, _, err = run("gone.pdf", *SPEC, "--model", "no/such/model")
    assert code == ExitCode.INPUT
    first, hint = err.splitlines()
    assert first == "error: gone.pdf: no such file"
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--schema", "nothing_like_it"], ExitCode.SCHEMA, "nothing_like_it"),
        (["--schema", "{broken"], ExitCode.SCHEMA, ""),
        ([*SPEC, "--model", "./nowhere"], ExitCode.MODEL, "nowhere"),
        ([*SPEC, "--budget", "huge"], ExitCode.USAGE, "fast"),
        ([*SPEC, *SCRIPTED, "--pages", "3-1"], ExitCode.USAGE, "1-3,7"),
        ([*SPEC, *SCRIPTED, "--pages", "7"], ExitCode.INPUT, "has 1"),
        ([*SPEC, *SCRIPTED, "--max-bytes", "10"], ExitCode.INPUT, "--max-bytes"),
        ([*SPEC, *SCRIPTED, "--max-pixels", "10"], ExitCode.INPUT, "--max-pixels"),
        ([*SPEC, "--format", "xml"], ExitCode.USAGE, "jsonl"),
        ([*SPEC, "--format", "csv", "--details"], ExitCode.USAGE, "jsonl"),
        ([*SPEC, "--no-such-option"], ExitCode.USAGE, "--no-such-option"),
        ([], ExitCode.USAGE, "--schema receipt"),
    ],
)
def test_what_cannot_be_done_has_its_code_and_a_hint(
    run: Run, script: Script, png: Path, words: list[str], code: ExitCode, said: str
) -> None:
    script([ANSWER])
    ended, out, err = run(png, *words)
    assert (ended, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


def test_a_fault_shows_its_traceback_only_with_debug(run: Run) -> None:
    assert "Traceback" in run("gone.pdf", *SPEC, "--debug")[2]


def test_a_fault_of_ours_costs_one_file_alone(
    run: Run, script: Script, png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script([ANSWER, ANSWER])
    rightly = DrawnDocument.render

    def stumble(document: DrawnDocument, number: int, budget: int) -> Page:
        if document.name.endswith("b.png"):
            raise ZeroDivisionError("oh")
        return rightly(document, number, budget)

    monkeypatch.setattr(DrawnDocument, "render", stumble)
    other = png.with_name("b.png")
    other.write_bytes(png.read_bytes())
    code, out, err = run(png, other, png, *SPEC, *SCRIPTED)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == ExitCode.SOME_FAILED
    assert [line["status"] for line in lines] == ["ok", "failed", "ok"]
    assert lines[1]["error"]["code"] == ExitCode.INTERNAL
    assert "ZeroDivisionError: oh" in err
    code, _, err = run(other, *SPEC, *SCRIPTED, "--debug")
    assert code == ExitCode.INTERNAL
    assert "in stumble" in err


def test_an_answer_that_is_no_record_has_its_code(run: Run, script: Script, png: Path) -> None:
    script(["I cannot read this."] * 5)
    code, out, err = run(png, *SPEC, *SCRIPTED)
    assert (code, out) == (ExitCode.ANSWER, "")
    assert err.startswith("error: ")


def test_strict_ends_with_12_where_a_person_should_look(
    run: Run, script: Script, png: Path
) -> None:
    without_total = {**ANSWER, "total": None}
    required = json.dumps(
        {
            "type": "object",
            "properties": {"shop": {"type": "string"}, "total": {"type": "number"}},
            "required": ["total"],
        }
    )
    script([without_total] * 3)
    assert run(png, "--schema", required, *SCRIPTED)[0] == 0
    assert run(png, "--schema", required, *SCRIPTED, "--strict")[0] == ExitCode.REVIEW


def test_out_is_written_whole_and_never_by_accident(
    run: Run, script: Script, png: Path, tmp_path: Path
) -> None:
    script([ANSWER])
    out = tmp_path / "out.json"
    assert run(png, *SPEC, *SCRIPTED, "-o", out) == (0, "", "")
    assert json.loads(out.read_text("utf-8")) == RECORD
    code, _, err = run(png, *SPEC, *SCRIPTED, "-o", out)
    assert code == ExitCode.USAGE
    assert "--overwrite" in err
    assert run(png, *SPEC, *SCRIPTED, "-o", out, "--overwrite")[0] == 0


def test_out_tells_the_format(run: Run, script: Script, png: Path, tmp_path: Path) -> None:
    script([ANSWER])
    run(png, *SPEC, *SCRIPTED, "-o", tmp_path / "out.csv")
    header, row = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert header == "file,status,shop,total,error"
    assert row == f"{png},ok,Zoë's,9.00,"
    run(png, *SPEC, *SCRIPTED, "-o", tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text("utf-8"))["record"] == RECORD


def test_a_table_is_for_people(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    code, out, _ = run(png, *SPEC, *SCRIPTED, "--format", "table")
    assert code == 0
    assert "Zoë's" in out
    assert not out.startswith("{")


def test_only_some_pages_are_read(run: Run, script: Script, tmp_path: Path) -> None:
    path = tmp_path / "three.pdf"
    with pymupdf.open() as document:
        for number in range(3):
            document.new_page().insert_text((100, 100), f"Page {number}")
        document.save(path)
    script([ANSWER, ANSWER])
    assert run(path, *SPEC, *SCRIPTED, "--pages", "1,3")[0] == 0
    assert run(path, *SPEC, *SCRIPTED)[0] == ExitCode.MODEL  # the script ends before page 3
    assert run(path, *SPEC, *SCRIPTED, "--max-pages", "2")[0] == ExitCode.INPUT


def test_a_timeout_ends_the_reading(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    code, _, err = run(png, *SPEC, *SCRIPTED, "--timeout", "0")
    assert code == ExitCode.INPUT
    assert "--timeout" in err


def child(*words: object, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "docextract", *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_a_document_comes_from_stdin(script: Script, png: Path) -> None:
    script([ANSWER])
    with child("-", *SPEC, *SCRIPTED, "--details") as process:
        out, err = process.communicate(png.read_bytes(), timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["record"] == RECORD
    assert json.loads(out)["file"] == "-"


@pytest.mark.skipif(os.name == "nt", reason="Windows interrupts in another way")
@pytest.mark.parametrize("told", ["SIGINT", "SIGTERM"])
def test_an_interruption_is_one_line_and_130(png: Path, tmp_path: Path, told: str) -> None:
    (tmp_path / "slow.py").write_text(
        "import signal, sys, time\n"
        "def make():\n"
        # Tests that run in the background of a shell are born deaf to interrupts.
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    print('waiting', file=sys.stderr, flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    slow = ("--model", "slow:make", "-o", tmp_path / "out.json")
    with child(png, *SPEC, *slow, env={**os.environ, "PYTHONPATH": path}) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"waiting\n"
        process.send_signal(getattr(signal, told))
        started = time.monotonic()
        assert process.stderr.read() == b"interrupted\n"
        assert process.wait(10) == ExitCode.INTERRUPTED
        assert time.monotonic() - started < 5
    assert not [path for path in tmp_path.iterdir() if "out.json" in path.name]


def test_a_document_is_never_replaced_by_its_record(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    before = png.read_bytes()
    code, _, err = run(png, *SPEC, *SCRIPTED, "-o", png.parent / "." / png.name, "--overwrite")
    assert code == ExitCode.USAGE
    assert err.endswith("is what is read\nhint: choose another name for the output\n")
    assert png.read_bytes() == before


def test_a_dash_is_stdout(run: Run, script: Script, png: Path) -> None:
    script([ANSWER])
    assert json.loads(run(png, *SPEC, *SCRIPTED, "-o", "-")[1]) == RECORD


@pytest.mark.skipif(os.name == "nt", reason="Windows closes no streams like this")
@pytest.mark.parametrize(
    ("closed", "code"), [("<&-", ExitCode.INPUT), ("2>&-", ExitCode.INPUT), (">&-", ExitCode.USAGE)]
)
def test_closed_streams_are_no_fault_of_ours(
    script: Script, png: Path, closed: str, code: ExitCode
) -> None:
    script([ANSWER])
    file = png if closed == ">&-" else "-" if closed == "<&-" else "gone.png"
    call = [sys.executable, "-m", "docextract", str(file), *SPEC, *SCRIPTED]
    done = subprocess.run(f"{shlex.join(call)} {closed}", shell=True, capture_output=True)
    assert done.returncode == code
    assert b"Error:" not in done.stderr


@pytest.mark.parametrize(
    ("word", "meant"), [("bach", "batch"), ("evalute", "evaluate"), ("schema", "schemas")]
)
def test_a_misspelled_command_is_answered_with_the_right_one(
    run: Run, word: str, meant: str
) -> None:
    code, out, err = run(word)
    assert (code, out) == (ExitCode.INPUT, "")
    assert err.endswith(f"hint: did you mean {meant}?\n")


def test_every_command_shows_examples(run: Run) -> None:
    for words in ([], *([name] for name in COMMANDS)):
        code, out, _ = run(*words, "--help")
        assert code == 0
        assert "Examples:\n  docextract" in out.replace("    docextract", "  docextract"), words


def test_schemas_are_listed_and_shown(run: Run) -> None:
    code, out, _ = run("schemas")
    assert code == 0
    assert {"invoice", "receipt"} <= {line.split()[0] for line in out.splitlines()}
    code, out, _ = run("schemas", "receipt")
    assert code == 0
    assert list(json.loads(out)["properties"])[:2] == ["merchant_name", "merchant_address"]
    code, _, err = run("schemas", "recipt")
    assert code == ExitCode.SCHEMA
    assert "receipt" in err


def test_a_file_named_like_a_command_is_written_with_its_folder(
    run: Run, script: Script, png: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    png.rename(tmp_path / "schemas")
    monkeypatch.chdir(tmp_path)
    script([ANSWER])
    code, out, _ = run("./schemas", *SPEC, *SCRIPTED)
    assert code == 0
    assert json.loads(out) == RECORD


@pytest.fixture
def labelled(png: Path) -> Path:
    truths: list[dict[str, Any]] = [
        {"file": "a.png", "truth": {"company": "ZOË'S", "total": "9.00"}, "split": "dev"},
        {"file": "a.png", "truth": {"company": "Tom's", "total": "9"}, "split": "seen"},
        {"file": "gone.png", "truth": {"company": "A", "total": "1"}, "split": "seen"},
    ]
    lines = "\n".join(json.dumps(truth) for truth in truths)
    (png.parent / "labels.jsonl").write_text(lines)
    return png.parent


def evaluate(run: Run, folder: Path, *words: object) -> tuple[int, str, str]:
    pairing = ("--truth", "labels.jsonl", "--map", "company=shop")
    return run("evaluate", folder, *SPEC, *SCRIPTED, *pairing, *words)


def test_a_labelled_folder_is_scored(run: Run, script: Script, labelled: Path) -> None:
    script([ANSWER, ANSWER])
    out_file = labelled / "read.jsonl"
    code, out, err = evaluate(run, labelled, "--format", "json", "-o", out_file)
    figures = json.loads(out)["budgets"]["default"]
    assert code == ExitCode.SOME_FAILED
    assert "gone.png: no such file" in err
    assert figures["dev"]["fields"]["shop"]["accuracy"] == 1
    assert figures["seen"]["fields"]["shop"]["accuracy"] == 0
    assert figures["all"]["fields"]["total"]["right"] == 2
    lines = [json.loads(line) for line in out_file.read_text("utf-8").splitlines()]
    assert lines[0]["record"] == RECORD
    assert lines[1]["verdicts"] == {"shop": "wrong", "total": "right"}
    assert lines[2]["error"]["name"] == "missing"


def test_scores_are_a_table_unless_asked_otherwise(
    run: Run, script: Script, labelled: Path
) -> None:
    script([ANSWER])
    code, out, _ = evaluate(run, labelled, "--split", "dev")
    assert code == 0
    assert "dev: 1 files" in out
    assert "100.0%" in out


def test_budgets_are_compared_and_the_worst_files_shown(
    run: Run, script: Script, labelled: Path
) -> None:
    script([ANSWER] * 4)
    budgets = ("--budget", "fast", "--budget", "max")
    _, out, _ = evaluate(run, labelled, "--split", "dev,seen", *budgets, "--worst", "3")
    assert "budget fast" in out and "dev, by budget" in out
    assert "a.png: 1 of 2 wrong" in out


def test_several_processes_judge_like_one(run: Run, script: Script, labelled: Path) -> None:
    script([ANSWER] * 2)
    alone = evaluate(run, labelled, "--format", "json")
    together = evaluate(run, labelled, "--format", "json", "--jobs", "2")
    assert together[0] == alone[0]
    figures = [json.loads(out)["budgets"]["default"]["all"] for _, out, _ in (alone, together)]
    assert figures[0]["fields"] == figures[1]["fields"]


def test_a_label_without_any_schema_is_a_usage_error(
    run: Run, script: Script, labelled: Path
) -> None:
    code, _, err = run("evaluate", labelled, *SCRIPTED, "--truth", "labels.jsonl")
    assert code == ExitCode.USAGE
    assert "has no schema of its own" in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--split", "test"], ExitCode.NOTHING),
        (["--map", "company"], ExitCode.USAGE),
        (["--map", "company=nothing"], ExitCode.USAGE),
        (["--truth", "gone.jsonl"], ExitCode.INPUT),
    ],
)
def test_an_evaluation_that_cannot_be_done_has_its_code(
    run: Run, script: Script, labelled: Path, words: list[str], code: ExitCode
) -> None:
    script([ANSWER])
    ended, out, err = evaluate(run, labelled, *words)
    assert (ended, out) == (code, "")
    assert err.startswith("error: ")


def test_a_least_confidence_needs_a_model_that_knows_its_own(
    run: Run, script: Script, png: Path
) -> None:
    script([ANSWER])
    code, out, err = run(png, *SPEC, *SCRIPTED, "--min-confidence", "0.9")
    assert (code, out) == (ExitCode.MODEL, "")
    assert "no calibration" in err


def test_auto_says_which_schema_it_took(run: Run, script: Script, png: Path) -> None:
    marks, record = {"payment_method": "VISA", "time": "10:42"}, {"total": "1.00"}
    script([marks, record] * 2)
    code, out, err = run(png, "--schema", "auto", *SCRIPTED)
    assert code == 0
    assert json.loads(out)["total"] == "1.00"
    assert "merchant_name" in json.loads(out)
    assert f"{png}: read as receipt" in err
    code, out, err = run(png, "--schema", "auto", "--format", "jsonl", *SCRIPTED)
    assert (code, json.loads(out)["status"]) == (0, "ok")
    assert "read as receipt" in err


def test_auto_has_no_columns(run: Run, png: Path) -> None:
    code, _, err = run(png, "--schema", "auto", "--format", "csv", *SCRIPTED)
    assert code == ExitCode.USAGE
    assert "--format jsonl" in err
