import pytest

from docextract.errors import UsageError
from docextract.settings import Settings, parse_budget


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("fast", 1024), ("standard", 1600), ("detailed", 3400), ("max", 5000), ("1568", 1568)],
)
def test_budgets_have_names_and_numbers(text: str, tokens: int) -> None:
    assert parse_budget(text) == tokens


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5", "huge", "99999", "²"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_budget(text)
    assert "fast" in caught.value.hint


def test_a_password_is_not_shown() -> None:
    assert "sesame" not in repr(Settings(password="sesame"))
