import pytest

from docextract.errors import DocextractError
from docextract.resources import bundled


def test_schemas_and_prompts_are_found() -> None:
    assert (bundled("schemas") / "receipt.py").is_file()


def test_a_missing_folder_says_what_to_do() -> None:
    with pytest.raises(DocextractError, match="no nothing folder") as caught:
        bundled("nothing")
    assert caught.value.hint == "install docextract again"
