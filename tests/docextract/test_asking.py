import time
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docextract.asking import Asked, Asker, Progress, SecondLook
from docextract.assembly import Doubt
from docextract.errors import AnswerError, ModelError, TimedOutError
from docextract.pages import DrawnDocument, Page, open_document
from docextract.readers import Reading
from docextract.readers.scripted import ScriptedReader
from docextract.schema import load_schema
from docextract.settings import Settings

SCHEMA = load_schema("total money, name text, rows[price money]")
RIGHT, WRONG = '{"total":"1.00","name":"A","rows":[]}', '{"total":"9","name":"?","rows":[]}'
FEW_RIGHT, FEW_WRONG = '{"total":"1.00","name":"A"}', '{"total":"9","name":"?"}'


def told(text: str, logprob: float = -0.01) -> Reading:
    """An answer, and how sure the model is of it; a forced token says nothing."""
    return Reading(text, token_ids=(1, 2), logprobs=(logprob, 0.0), prompt_tokens=100)


def sheet() -> Image.Image:
    image = Image.new("RGB", (900, 1200), "white")
    for row, text in enumerate(("Corner Shop", "3 Apples 4.50", "TOTAL 1.00")):
        ImageDraw.Draw(image).text((120, 180 + 60 * row), text, fill="black", font_size=36)
    return image


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    sheet().save(path)
    return path


def ask(path: Path, reader: ScriptedReader, settings: Settings = Settings()) -> list[Asked]:
    with open_document(path) as document:
        return Asker(SCHEMA, reader, document, settings, None).ask_all(document.numbers())


def totals(asked: list[Asked]) -> list[object]:
    return [one.answer.answer.record["total"] if one.answer else None for one in asked]


def test_a_page_on_its_head_is_turned_where_the_model_is_surer(path: Path) -> None:
    few = [told(FEW_WRONG, -0.9), told(FEW_RIGHT)]
    reader = ScriptedReader([told(WRONG, -0.9), *few, told(RIGHT)])
    [asked] = ask(path, reader)
    assert totals([asked]) == ["1.00"]
    assert reader.asked[1] == reader.asked[2] == "<|extract|>total,name"
    [check] = asked.checks
    assert (check.name, check.passed) == ("upright", True)
    assert check.message == "page 1: turned by 180 degrees to be read"


def test_an_unsure_answer_about_an_upright_page_is_kept(path: Path) -> None:
    few = [told(FEW_RIGHT, -0.9), told(FEW_WRONG, -1.5)]
    reader = ScriptedReader([told(RIGHT, -0.9), *few])
    [asked] = ask(path, reader)
    assert totals([asked]) == ["1.00"] and not asked.checks


def test_a_sure_answer_is_not_questioned(path: Path) -> None:
    reader = ScriptedReader([told(RIGHT)])
    ask(path, reader)
    assert len(reader.asked) == 1


@pytest.mark.parametrize("best", [90, 270])
def test_a_page_on_its_side_is_turned_before_it_is_read(path: Path, best: int) -> None:
    sheet().rotate(best, expand=True).save(path)
    few = {90: told(FEW_WRONG, -1.5), 270: told(FEW_WRONG, -1.5)} | {best: told(FEW_RIGHT)}
    reader = ScriptedReader([*few.values(), told(RIGHT)])
    [asked] = ask(path, reader)
    assert totals([asked]) == ["1.00"]
    assert asked.checks[0].message == f"page 1: turned by {best} degrees to be read"
    [(height, width, _)] = reader.shown[-1]
    assert width > height  # as its lines run


def test_a_reader_without_probabilities_is_asked_once(path: Path) -> None:
    reader = ScriptedReader([Reading(RIGHT)])
    assert totals(ask(path, reader)) == ["1.00"]


def test_an_answer_that_is_no_record_is_told_and_not_raised(path: Path) -> None:
    [asked] = ask(path, ScriptedReader(["?"]))
    assert asked.answer is None and isinstance(asked.problem, AnswerError)
    assert [check.name for check in asked.checks] == ["answered"]


def test_second_looks_end_with_their_limits_or_with_a_failure(path: Path) -> None:
    lines = [told(RIGHT), told('{"total":"2.00"}'), told('{"total":"3.00"}')]
    total = load_schema("total money")
    with open_document(path) as document:

        def looks(reader: ScriptedReader, settings: Settings) -> list[bool]:
            asker = Asker(SCHEMA, reader, document, settings, None)
            [asked] = asker.ask_all([1])
            assert asked.answer is not None
            look = SecondLook(asker)
            doubt = Doubt("total", asked.answer, "1.00", "it is wrong")
            return [look(total, doubt) is not None for _ in range(3)]

        assert looks(ScriptedReader(lines), Settings(max_asks=1)) == [True, False, False]
        budget = Settings(budget=100, max_ask_tokens=1100)  # the next budget shows 1024
        assert looks(ScriptedReader(lines), budget) == [True, False, False]
        failing = ScriptedReader([lines[0], ModelError("gone"), lines[1]])
        assert looks(failing, Settings()) == [False, False, False]
        odd = ScriptedReader([lines[0], "?", lines[1]])
        assert looks(odd, Settings(max_asks=2)) == [False, True, False]


@pytest.mark.parametrize("wanted", [False, True])
def test_a_list_is_asked_again_only_where_that_is_wanted(path: Path, wanted: bool) -> None:
    reader = ScriptedReader([told(RIGHT), told('{"rows":[]}')])
    with open_document(path) as document:
        asker = Asker(SCHEMA, reader, document, Settings(ask_lists=wanted), None)
        [asked] = asker.ask_all([1])
        assert asked.answer is not None
        doubt = Doubt("rows.0.price", asked.answer, "x", "it is wrong")
        found = SecondLook(asker)(load_schema("rows[price money]"), doubt)
    assert (found is not None) == wanted == (len(reader.asked) == 2)


def test_time_runs_from_the_first_question(path: Path) -> None:
    with pytest.raises(TimedOutError, match="not read within 0 seconds"):
        ask(path, ScriptedReader([RIGHT]), Settings(timeout=0))


def test_a_page_that_took_too_long_to_draw_ends_the_reading(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (200, 120), 255).save(path)  # blank: nothing would be asked about it
    rightly = DrawnDocument.render

    def slowly(document: DrawnDocument, number: int, budget: int) -> Page:
        time.sleep(0.3)
        return rightly(document, number, budget)

    monkeypatch.setattr(DrawnDocument, "render", slowly)
    with pytest.raises(TimedOutError, match="not read within"):
        ask(path, ScriptedReader([RIGHT]), Settings(timeout=0.2))


def test_what_is_told_is_the_answer_about_the_page_alone(path: Path) -> None:
    told_of: list[Progress] = []
    few = [told(FEW_RIGHT), told(FEW_WRONG, -1.5)]
    with open_document(path) as document:
        reader = ScriptedReader([told(RIGHT, -0.9), *few])
        Asker(SCHEMA, reader, document, Settings(), told_of.append).ask_all([1])
    assert "".join(step.text for step in told_of) == RIGHT
