import pytest

from docextract.printed import Hints, gather_hints


def test_a_page_that_says_nothing_gives_no_hints() -> None:
    assert gather_hints(["1.234"], ["01/02/2019"], ["$"], ["Corner Shop", "12 High Street"]) == (
        Hints()
    )


def test_sure_values_settle_the_others() -> None:
    hints = gather_hints(["1.234", "3,50"], ["01/02/2019", "25/02/2019"])
    assert hints == Hints("day first", ",")


def test_values_that_contradict_each_other_settle_nothing() -> None:
    assert gather_hints(["1.50", "3,50"], ["25/02/2019", "02/25/2019"]) == Hints()


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        ("10 JALAN BESAR, 81100 JOHOR", Hints("day first", ".", "MYR")),
        ("Main St, Springfield, IL 62701", Hints("month first", ".", "USD")),
        ("Hauptstraße 5, Deutschland", Hints("day first", ",", "EUR")),
        ("KL 50450", Hints()),
    ],
)
def test_words_of_a_country_tell_its_customs(words: str, hints: Hints) -> None:
    assert gather_hints(words=[words]) == hints


def test_a_sure_date_weighs_more_than_words() -> None:
    assert gather_hints(dates=["25/02/2019"], words=["Boston, MA 02108"]).date_order == "day first"


def test_the_currency_of_amounts_tells_customs() -> None:
    assert gather_hints(["RM5", "RM 12"]) == Hints("day first", ".", "MYR")
    assert gather_hints(["USD 5"]) == Hints(None, ".", "USD")
    assert gather_hints(["5 €"]) == Hints("day first", None, "EUR")


def test_two_currencies_settle_nothing() -> None:
    assert gather_hints(["RM5", "5 €"]).currency is None
