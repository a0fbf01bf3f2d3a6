import pytest

from docextract.errors import UsageError
from docextract.settings import Settings, higher_budget, parse_budget


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


@pytest.mark.parametrize(
    ("budget", "next_one"), [(100, 1024), (1568, 3400), (1600, 3400), (3400, 5000), (5000, 5000)]
)
def test_the_next_budget_shows_clearly_more(budget: int, next_one: int) -> None:
    assert higher_budget(budget) == next_one


def test_a_password_is_not_shown() -> None:
    assert "sesame" not in repr(Settings(passwords=("sesame",)))
