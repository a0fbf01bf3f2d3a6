import pickle
from pathlib import Path

import pytest

from docextract.errors import SchemaError
from docextract.schema.python_file import load_model

TWO = """
from pydantic import BaseModel

class Row(BaseModel):
    text: str

class Ticket(BaseModel):
    rows: list[Row]
"""


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    path = tmp_path / "ticket.py"
    path.write_text(TWO)
    return path


def test_the_class_named_like_the_file_is_meant(ticket: Path) -> None:
    assert load_model(ticket).__name__ == "Ticket"
    assert load_model(ticket, "Row").__name__ == "Row"


def test_loading_twice_gives_the_same_class_that_pickles(ticket: Path) -> None:
    model = load_model(ticket)
    assert load_model(ticket) is model
    assert pickle.loads(pickle.dumps(model)) is model


def test_an_edited_file_is_loaded_anew_and_leaves_nothing_beside_it(ticket: Path) -> None:
    before = load_model(ticket)
    ticket.write_text(TWO.replace("rows:", "lines:"))
    assert load_model(ticket) is not before
    assert [path.name for path in ticket.parent.iterdir()] == ["ticket.py"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("class Ticket(\n", "line 1"),
        ("\n\nimport no_such_module_at_all", "line 3: ModuleNotFoundError"),
        ("x = 1", "which model"),
        (TWO.replace("Ticket", "Other"), "which model"),
    ],
)
def test_a_broken_file_is_one_line(ticket: Path, source: str, message: str) -> None:
    ticket.write_text(source)
    with pytest.raises(SchemaError, match=message) as caught:
        load_model(ticket)
    assert "\n" not in caught.value.message


def test_a_missing_file_or_class_is_named(ticket: Path) -> None:
    with pytest.raises(SchemaError, match="No such file"):
        load_model(ticket.with_name("other.py"))
    with pytest.raises(SchemaError, match="no Pydantic model Nothing") as caught:
        load_model(ticket, "Nothing")
    assert "Row, Ticket" in caught.value.hint
