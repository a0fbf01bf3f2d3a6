import json
from pathlib import Path

import numpy as np
import pytest

from docextract.errors import AnswerError, ModelError
from docextract.readers import Reader, Reading, open_reader
from docextract.readers.scripted import SCRIPT, ScriptedReader

PAGE = np.full((28, 56, 3), 255, np.uint8)


def test_lines_answer_questions_in_order() -> None:
    reader = ScriptedReader(["a", {"total": "1"}, Reading("b", finish="length"), AnswerError("c")])
    assert isinstance(reader, Reader)
    assert reader.read([PAGE], "first", None, 9).text == "a"
    assert reader.read([PAGE, PAGE], "second", None, 9).text == '{"total":"1"}'
    assert reader.read([], "third", None, 9).finish == "length"
    with pytest.raises(AnswerError):
        reader.read([], "fourth", None, 9)
    with pytest.raises(ModelError, match="no line for question 5"):
        reader.read([], "fifth", None, 9)
    assert reader.asked == ["first", "second", "third", "fourth", "fifth"]
    assert reader.shown[:2] == [[(28, 56, 3)], [(28, 56, 3)] * 2]


def test_text_is_heard_as_it_is_written() -> None:
    heard: list[str] = []
    ScriptedReader(["abc"]).read([], "?", None, 9, heard.append)
    assert "".join(heard) == "abc"


def test_a_script_file_serves_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "answers.json"
    script.write_text(json.dumps([{"total": "1"}, "two"]))
    monkeypatch.setenv(SCRIPT, str(script))
    reader = open_reader("docextract.readers.scripted:reader")
    assert [reader.read([], "?", None, 9).text for _ in range(2)] == ['{"total":"1"}', "two"]


def test_a_script_of_one_record_gives_it_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "answer.json"
    script.write_text('{"total": "1"}')
    monkeypatch.setenv(SCRIPT, str(script))
    reader = open_reader("docextract.readers.scripted:reader")
    assert [reader.read([], "?", None, 9).text for _ in range(3)] == ['{"total":"1"}'] * 3


@pytest.mark.parametrize("content", [None, "{", "3", "[3]"])
def test_a_bad_script_is_a_model_error(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "answers.json"
    if content is not None:
        script.write_text(content)
    monkeypatch.setenv(SCRIPT, str(script))
    with pytest.raises(ModelError, match="the script"):
        open_reader("docextract.readers.scripted:reader")
    monkeypatch.delenv(SCRIPT)
    with pytest.raises(ModelError, match="has no script"):
        open_reader("docextract.readers.scripted:reader")
