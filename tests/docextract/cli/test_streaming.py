import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docextract.asking import Progress
from docextract.cli.streaming import FieldStream
from docextract.readers.scripted import SCRIPT

Run = Callable[..., tuple[int, str, str]]
ANSWER = {"shop": "Café", "total": None, "lines": [{"amount": "1.00"}, {"amount": "2,50"}]}
JOB = ("--schema", "shop, total money, lines [amount money]", "--stream")


@pytest.fixture(autouse=True)
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("answer.json").write_text(json.dumps(ANSWER))
    monkeypatch.setenv(SCRIPT, "answer.json")
    drawn = Image.new("L", (120, 80), 255)
    ImageDraw.Draw(drawn).text((20, 30), "Total 1", fill=0)
    drawn.save("a.png")
    return tmp_path / "a.png"


@pytest.fixture
def streamed(run: Run) -> Run:
    return lambda *words: run(*words, *JOB, "--model", "docextract.readers.scripted:reader")


def test_fields_come_as_lines_and_then_the_record(streamed: Run) -> None:
    code, out, _ = streamed("a.png")
    *fields, record = map(json.loads, out.splitlines())
    assert code == 0
    assert [(line["field"], line["text"]) for line in fields] == [
        ("shop", "Café"),
        ("total", None),
        ("lines.0.amount", "1.00"),
        ("lines.1.amount", "2,50"),
    ]
    assert all(line["file"] == "a.png" and line["page"] == 1 for line in fields)
    assert all(0 <= line["first_token"] <= line["seconds"] for line in fields)
    assert record == {**ANSWER, "lines": [{"amount": "1.00"}, {"amount": "2.50"}]}


def test_several_files_end_in_a_line_each(streamed: Run) -> None:
    code, out, err = streamed("a.png", "none.png", "a.png", "--details")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["status"] for line in lines if "status" in line][1] == "failed"
    assert [len(line) for line in lines].count(6) == 8
    assert code == 10
    assert "none.png: no such file" in err


def test_tables_do_not_stream(streamed: Run) -> None:
    code, _, err = streamed("a.png", "--format", "csv")
    assert code == 2
    assert "--stream writes JSON lines" in err


class Flushed(io.StringIO):
    def __init__(self, watched: bool) -> None:
        super().__init__()
        self.seen = ""
        self._watched = watched

    def isatty(self) -> bool:
        return self._watched

    def flush(self) -> None:
        self.seen = self.getvalue()


def test_each_line_goes_out_at_once() -> None:
    stream = Flushed(watched=False)
    fields = FieldStream(stream)
    fields.hear("a.png", Progress("reading page 1"))
    fields.hear("a.png", Progress("reading page 1", pages=(1,)))
    fields.hear("a.png", Progress("writing", '{"a":"1"', (1,)))
    assert stream.seen == ""
    fields.hear("a.png", Progress("writing", ',"b"', (1,)))
    assert json.loads(stream.seen)["field"] == "a"


def test_a_page_that_is_read_again_gives_its_fields_again() -> None:
    stream = Flushed(watched=False)
    fields = FieldStream(stream)
    for _ in range(2):
        fields.hear("a.png", Progress("reading page 1", pages=(1,)))
        fields.hear("a.png", Progress("writing", '{"a":"1"}', (1,)))
    assert [json.loads(line)["field"] for line in stream.seen.splitlines()] == ["a", "a"]


def test_people_see_values_without_control_letters() -> None:
    stream = Flushed(watched=True)
    fields = FieldStream(stream)
    fields.hear("a.png", Progress("reading page 2 of 3", pages=(2,)))
    fields.hear("a.png", Progress("writing", '{"name":"\\u001b[2JA","none":null}', (2,)))
    first, name, none = stream.seen.splitlines()
    assert "a.png, page 2: first token after" in first
    assert name.split() == ["name", "[2JA"]
    assert none.split() == ["none", "–"]
