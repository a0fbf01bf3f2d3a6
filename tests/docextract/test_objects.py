import json
from pathlib import Path

import pytest

from docextract.errors import ModelError
from docextract.objects import OBJECTS, canonical, load_objects

TAUGHT = {"playing card": ("cards", "playing-card deck"), "die": ("dice",)}


@pytest.mark.parametrize("name", ["playing card", "Cards", " playing  card ", "Playing-Card"])
def test_an_object_is_known_by_all_its_names(name: str) -> None:
    assert canonical(name, TAUGHT) == "playing card"


def test_an_object_that_was_not_taught_is_unknown() -> None:
    assert canonical("zeppelin", TAUGHT) is None


def test_what_was_taught_stands_beside_the_weights(tmp_path: Path) -> None:
    assert load_objects(tmp_path) == {}
    (tmp_path / OBJECTS).write_text(json.dumps({"die": ["dice"]}))
    assert load_objects(tmp_path) == {"die": ("dice",)}
    (tmp_path / OBJECTS).write_text("[]")
    with pytest.raises(ModelError, match="damaged"):
        load_objects(tmp_path)
