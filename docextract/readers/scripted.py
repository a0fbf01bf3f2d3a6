"""A reader that answers from a script: for tests, demonstrations and dry runs without a model."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from docextract.errors import ModelError
from docextract.prompt import compact_answer
from docextract.readers import Reading

if TYPE_CHECKING:
    from docextract.readers import Picture

SCRIPT = "DOCEXTRACT_SCRIPT"

Line = str | Mapping[str, Any] | Reading | Exception


class ScriptedReader:
    """Gives its lines in order, one to each question, and keeps the questions in `asked`.

    A line is the text of an answer, a record (which becomes compact JSON), a whole Reading, or an
    exception to raise.
    """

    name = "scripted"
    questions_at_once = 1
    load_seconds = 0.0

    def __init__(
        self,
        lines: Iterable[Line],
        dialect: Literal["compact", "instruct"] = "compact",
        pages_at_once: int = 1,
        default_budget: int = 64,
        objects: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`objects`: what it is to have been taught to count; any, where none are given."""
        self.dialect = dialect
        self.pages_at_once = pages_at_once
        self.default_budget = default_budget
        if objects is not None:
            self.objects = objects
        self.asked: list[str] = []
        self.shown: list[list[tuple[int, ...]]] = []
        self._lines = iter(lines)

    def read(
        self,
        images: "Sequence[Picture]",
        question: str,
        grammar: str | None,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Reading:
        """The next line; `shown` keeps the shapes of the pictures.

        Raises:
            ModelError: the script has no more lines.
        """
        self.asked.append(question)
        self.shown.append([image.shape for image in images])
        line = next(self._lines, None)
        if line is None:
            raise ModelError(f"the script has no line for question {len(self.asked)}")
        if isinstance(line, Exception):
            raise line
        if isinstance(line, Mapping):
            line = compact_answer(line)
        reading = line if isinstance(line, Reading) else Reading(line)
        if on_text:
            for letter in reading.text:
                on_text(letter)
        return reading

    def close(self) -> None:
        """Nothing is held."""


def reader() -> ScriptedReader:
    """A reader of the JSON list in the file that DOCEXTRACT_SCRIPT names, or of one record or text
    that is its answer to every question.

    On the command line: `DOCEXTRACT_SCRIPT=answers.json docextract ... --model
    docextract.readers.scripted:reader`.

    Raises:
        ModelError: there is no such file, list or record.
    """
    path = os.environ.get(SCRIPT)
    if not path:
        raise ModelError("the scripted reader has no script", hint=f"set {SCRIPT} to a JSON file")
    try:
        lines = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the script {path} cannot be read: {error}") from error
    if isinstance(lines, dict | str):
        return ScriptedReader(repeat(lines))
    if not isinstance(lines, list) or not all(isinstance(line, str | dict) for line in lines):
        raise ModelError(f"the script {path} is no record, no text and no list of them")
    return ScriptedReader(lines)
