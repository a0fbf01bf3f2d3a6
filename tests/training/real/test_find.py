import numpy as np
import pytest

from training.real.find import as_printed, exactly, nearly, readable, running
from training.real.store import Line, Span


def lines(*texts: str) -> list[Line]:
    return [Line(text, np.arange(len(text), dtype=float), np.zeros((4, 2))) for text in texts]


@pytest.mark.parametrize(
    ("value", "text", "place"),
    [
        ("9.00", "RM9.00", (2, 6)),
        ("9.00", "19.00", None),
        ("9.00", "9.001", None),
        ("9.00", "1,9.00", None),
        ("-8,79", "EUR-8,79", (3, 8)),
        ("25/12/2018", "Date:25/12/20188:13:39PM", (5, 15)),
        ("Lieferant GmbH", "LieferantGmbH,Bonn", (0, 13)),
        ("Lieferant GmbH", "MUSTERLIEFERANTGMBH", None),
        ("471102", "Nr.471102vom", (3, 9)),
        ("", "", None),
    ],
)
def test_a_value_is_found_where_it_stands_alone(
    value: str, text: str, place: tuple[int, int] | None
) -> None:
    expected = [[Span(1, *place)]] if place else []
    assert exactly(value, lines("?", text)) == expected


def test_a_gap_ends_a_word_whose_blank_was_not_read() -> None:
    wide = Line("NoRE-1", np.array([0.0, 10, 35, 45, 55, 65]), np.zeros((4, 2)))
    assert exactly("RE-1", [wide]) == [[Span(0, 2, 6)]]
    assert exactly("RE-1", lines("NoRE-1")) == []


def test_one_letter_may_be_misread_where_the_place_is_clear() -> None:
    assert nearly("12/03/2018", lines("DATE12/O3/2018")) == [[Span(0, 4, 14)]]
    assert nearly("12/03/2018", lines("12/O3/2018", "12/08/2018")) == []
    assert nearly("12/03/2018", lines("12/O3/2O18")) == []


def test_an_address_runs_over_whole_lines() -> None:
    page = lines("SHOP", "NO.5:55,JALANSAGU18", "TAMAN DAYA.", "81100JOHORBAHRU", "TEL:07-1")
    address = "NO.53 55, JALAN SAGU 18, TAMAN DAYA, 81100 JOHOR BAHRU"
    [spans] = running(address, page)
    assert [(span.line, span.start, span.end) for span in spans] == [
        (1, 0, 19), (2, 0, 11), (3, 0, 15),
    ]  # fmt: skip
    assert running("LOT 7, LORONG MAJU, 50000 IPOH", page) == []


def test_what_was_misread_too_much_is_not_readable() -> None:
    page = lines("BOOKTA_K(TAMANDAYA)SDNBHD")
    assert readable("BOOK TA .K (TAMAN DAYA) SDN BHD", page)
    assert not readable("SYARIKAT PERNIAGAAN GIN KEE", page)


def test_words_take_the_small_letters_of_the_page() -> None:
    noted = "27, JALAN PELABUR (KL) SDN BHD"
    assert as_printed(noted, "27,JalanPeLabur(KL)SDNBHD") == "27, Jalan Pelabur (KL) SDN BHD"
