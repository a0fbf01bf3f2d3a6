from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.answer import parse_answer
from docextract.assembly import PageAnswer
from docextract.grounding import Place
from docextract.prompt import compact_answer
from docextract.schema import load_schema
from docextract.splitting import divide, page_count_of

SCHEMA = load_schema(
    "number text, reference text, day date, hour time, shop{name text}, total money, "
    "rows[price money]"
)


def parts(
    *pages: dict[str, Any], counts: dict[int, tuple[int, int]] | None = None
) -> list[list[int]]:
    answers = [
        PageAnswer((number,), parse_answer(compact_answer(page), SCHEMA.fields))
        for number, page in enumerate(pages, 1)
    ]
    found = divide(SCHEMA.fields, answers, counts or {})
    return [[answer.pages[0] for answer in part] for part in found]


A = {"number": "A-100", "day": "01.02.2024", "shop": {"name": "Corner Shop"}, "total": "5.00"}


@pytest.mark.parametrize(
    ("second", "another"),
    [
        (A, False),
        (A | {"total": "9.00"}, False),  # carried forward
        (A | {"number": "A-101"}, True),
        (A | {"number": "a 100", "reference": "77"}, False),
        ({"number": "A-101", "shop": A["shop"]}, True),
        ({"rows": [{"price": "1.00"}], "total": None}, False),
        ({"day": "01.02.2024", "shop": {"name": "Corner Shap"}}, False),
        ({"shop": A["shop"], "day": "02.02.2024"}, True),
        ({"shop": {"name": "99 Speed Mart"}, "day": "01.02.2024"}, True),
        ({"shop": A["shop"], "total": "7.00"}, True),
        ({"shop": {"name": "Terms and conditions"}}, False),
        ({"day": "02.02.2024", "total": "7.00"}, False),  # from the text of a later page
    ],
)
def test_a_page_that_shows_another_number_date_name_or_sum_begins_a_document(
    second: dict[str, Any], another: bool
) -> None:
    empty = {"number": None}
    assert parts(A, empty | second) == ([[1], [2]] if another else [[1, 2]])


def test_what_the_words_contradict_decides_nothing() -> None:
    made_up = parse_answer(compact_answer({"number": "ZUG7680", "total": "5.00"}), SCHEMA.fields)
    first = PageAnswer((1,), parse_answer(compact_answer(A), SCHEMA.fields))
    for evidence, documents in (("contradicted", 1), ("hidden", 1), ("none", 2), ("grounded", 2)):
        second = PageAnswer((2,), made_up, {"number": Place(evidence)})
        assert len(divide(SCHEMA.fields, [first, second], {})) == documents


def test_pages_without_names_are_told_apart_by_their_dates() -> None:
    assert parts({"day": "01.02.2024"}, {"day": "02.02.2024"}) == [[1], [2]]


def test_the_hour_tells_two_receipts_of_a_day_apart() -> None:
    first = {"day": "01.02.2024", "hour": "10:15", "shop": {"name": "Corner Shop"}}
    assert parts(first, first | {"hour": "10:17"}, first | {"hour": "10:17"}) == [[1], [2, 3]]


def test_what_a_page_says_of_itself_goes_before_what_it_shows() -> None:
    pages = [A, A | {"number": "B-7"}, A, {"number": "A-100"}]
    assert parts(*pages, counts={2: (2, 2), 3: (1, 2), 4: (2, 2)}) == [[1, 2], [3, 4]]


def test_later_pages_are_held_against_all_before() -> None:
    assert parts(A, {"total": None, "rows": [{"price": "1"}]}, A | {"number": "B-200"}) == [
        [1, 2],
        [3],
    ]


VALUES = st.one_of(st.none(), st.sampled_from(["A-100", "B-200", "01.02.2024", "Corner Shop", "1"]))


@given(st.lists(st.fixed_dictionaries({"number": VALUES, "day": VALUES, "total": VALUES})))
def test_every_page_is_in_one_document_and_in_order(pages: list[dict[str, Any]]) -> None:
    found = parts(*pages)
    assert [number for part in found for number in part] == list(range(1, len(pages) + 1))
    assert all(found)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("Invoice 7 Page 1 of 3", (1, 3)),
        ("Seite: 2/2", (2, 2)),
        ("Seite 2 von 12 Rechnung", (2, 12)),
        ("Pagina 1 di 1", (1, 1)),
        ("página 1 de 2", (1, 2)),
        ("Page 1 of 3 and Page 2 of 3", None),
        ("Page 4 of 3", None),
        ("Homepage 1 of 3", None),
        ("Page 12", None),
        ("", None),
    ],
)
def test_a_page_says_which_of_how_many_it_is(words: str, count: tuple[int, int] | None) -> None:
    assert page_count_of(words.split()) == count
