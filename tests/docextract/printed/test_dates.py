from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docextract.printed import (
    AmbiguousError,
    Hints,
    NotReadableError,
    read_date,
    read_datetime,
    read_time,
)

DAY_FIRST, MONTH_FIRST = Hints(date_order="day first"), Hints(date_order="month first")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("25/12/2018", "2018-12-25"),
        ("12/25/2018", "2018-12-25"),
        ("(25/12/2018)", "2018-12-25"),
        ("27 MAY 2018", "2018-05-27"),
        ("03/JAN/2018", "2018-01-03"),
        ("05-MAR-18", "2018-03-05"),
        ("15MAR18", "2018-03-15"),
        ("OCT 9, 2018", "2018-10-09"),
        ("Dec 31, '18", "2018-12-31"),
        ("1st January 2020", "2020-01-01"),
        ("3. März 2018", "2018-03-03"),
        ("le 3 févr. 2018", "2018-02-03"),
        ("3 de mayo de 2020", "2020-05-03"),
        ("12.03.24", "2024-03-12"),
        ("2018-01-03", "2018-01-03"),
        ("2018/01/03", "2018-01-03"),
        ("2018.01.03", "2018-01-03"),
        ("20180113", "2018-01-13"),
        ("25032018", "2018-03-25"),
        ("2020年1月5日", "2020-01-05"),
        ("25/12/2018 8:13:39 PM", "2018-12-25"),
        ("2018-01-03T10:00:00Z", "2018-01-03"),
        ("25/12/18 (Tue) 12:30", "2018-12-25"),
        ("Monday, March 5, 2018", "2018-03-05"),
        ("Date: 25/12/2018", "2018-12-25"),
        ("01/01/2019", "2019-01-01"),
        ("25-12-69", "1969-12-25"),
        ("25-12-68", "2068-12-25"),
    ],
)
def test_a_date_in_any_dress(text: str, iso: str) -> None:
    assert read_date(text).isoformat() == iso


@pytest.mark.parametrize("text", ["09/01/2019", "09-01-19", "9/1/2019 10:00", "01022018"])
def test_day_and_month_are_ambiguous_until_the_page_decides(text: str) -> None:
    with pytest.raises(AmbiguousError):
        read_date(text)
    assert read_date(text, DAY_FIRST).day == int(text[:2].strip("/"))
    assert read_date(text, MONTH_FIRST).month == int(text[:2].strip("/"))


def test_a_weekday_decides() -> None:
    assert read_date("Fri 03/05/2019") == date(2019, 5, 3)
    assert read_date("Tue 03/05/2019") == date(2019, 3, 5)


def test_a_weekday_that_is_also_a_month_is_told_apart() -> None:
    assert read_date("mar 5 mars 2019") == date(2019, 3, 5)
    assert read_date("5 mar 2019") == date(2019, 3, 5)


@pytest.mark.parametrize(
    "text", ["", "25 Dec", "31/02/2018", "2018/13/01", "03/2018", "0/0/0000", "x", "25/12/2561"]
)
def test_what_is_no_full_date_is_refused(text: str) -> None:
    with pytest.raises(NotReadableError):
        read_date(text)


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("8:13 PM", time(20, 13)),
        ("8:13:39 p.m.", time(20, 13, 39)),
        ("12:00 AM", time(0)),
        ("8 PM", time(20)),
        ("20h15", time(20, 15)),
        ("10.15 Uhr", time(10, 15)),
        ("13:05 PM", time(13, 5)),
        ("25/12/2018 20:13", time(20, 13)),
        ("12.03.24 10:15", time(10, 15)),
    ],
)
def test_a_time_of_day(text: str, clock: time) -> None:
    assert read_time(text) == clock


@pytest.mark.parametrize("text", ["", "25:00", "10:00 - 12:00", "noon"])
def test_what_is_no_single_time_is_refused(text: str) -> None:
    with pytest.raises(NotReadableError):
        read_time(text)


def test_a_moment_needs_both() -> None:
    assert read_datetime("25/12/2018 8:13 PM") == datetime(2018, 12, 25, 20, 13)
    with pytest.raises(NotReadableError):
        read_datetime("25/12/2018")


@given(st.dates(date(1970, 1, 1), date(2060, 12, 31)))
def test_any_day_survives_being_printed(day: date) -> None:
    for form in ("%d/%m/%Y", "%d-%m-%y", "%d.%m.%Y", "%d %B %Y", "%d/%b/%Y", "%Y-%m-%d", "%Y%m%d"):
        assert read_date(day.strftime(form), DAY_FIRST) == day
    assert read_date(day.strftime("%m/%d/%Y"), MONTH_FIRST) == day
    assert read_date(day.strftime("%a %d %b %y %H:%M")) == day


@given(st.text(alphabet="0123456789/-.: apmAPMJANjun", max_size=24) | st.text(max_size=80))
def test_any_text_is_a_date_or_a_typed_error(text: str) -> None:
    for read in (read_date, read_time, read_datetime):
        try:
            assert read(text) is not None
        except (NotReadableError, AmbiguousError):
            continue
