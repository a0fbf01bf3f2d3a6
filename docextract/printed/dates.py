"""Printed dates and times: "25/12/2018 8:13 PM", "27 MAY 2018", "03/JAN/2018", "20180113"."""

import re
import unicodedata
from datetime import date, datetime, time

from docextract.printed.readings import NotReadableError, Reading

DAY_FIRST, MONTH_FIRST = "day first", "month first"

_MAX_LENGTH = 64
# Papers in use. What lies outside is a misread digit or a calendar of another era.
_FIRST_YEAR, _LAST_YEAR = 1800, 2199

# English, German, French, Spanish, Italian, Portuguese, Dutch, the Scandinavian languages, Malay
# and Indonesian, without accents; any longer beginning of a name is read too ("SEPT").
_MONTHS = {
    1: "january januar janvier enero ene gennaio janeiro januari jan",
    2: "february februar fevrier febrero febbraio fevereiro februari feb fev",
    3: "march maerz marz mrz mars marzo marco maart maret mac mar",
    4: "april avril abril aprile avr abr apr",
    5: "may mai mayo maggio maio mei maj mag",
    6: "june juni juin junio giugno junho jun giu",
    7: "july juli juillet julio luglio julho julai jul lug",
    8: "august aout agosto augustus ogos agustus aug ago ags",
    9: "september septembre septiembre settembre setembro sep set",
    10: "october oktober octobre octubre ottobre outubro okt oct ott out",
    11: "november novembre noviembre novembro nov",
    12: "december dezember decembre diciembre dicembre dezembro desember disember dec dez dic des "
    "dis",
}
_NAMES = {name: number for number, names in _MONTHS.items() for name in names.split()}

_WEEKDAYS = (
    "monday montag lundi lunes lunedi maandag mon lun",
    "tuesday dienstag mardi martes martedi dinsdag tues tue die mar",
    "wednesday mittwoch mercredi miercoles mercoledi woensdag wed mit mer mie",
    "thursday donnerstag jeudi jueves giovedi donderdag thurs thur thu don jeu jue gio",
    "friday freitag vendredi viernes venerdi vrijdag fri fre ven vie",
    "saturday samstag samedi sabado sabato zaterdag sat sam sab",
    "sunday sonntag dimanche domingo domenica zondag sun son dim dom",
)
_WEEKDAY_OF = {name: day for day, names in enumerate(_WEEKDAYS) for name in names.split()}

_TIME = re.compile(
    r"(?:(?<=\d)T|\b)(?P<hour>[01]?\d|2[0-4])(?:[:.h](?P<minute>[0-5]\d))"
    r"(?:[:.](?P<second>[0-5]\d)(?:\.\d+)?)?\s*(?P<half>[ap]\.?\s?m\b\.?)?"
    r"(?:\s*(?:uhr|hrs?|h)\b)?(?:Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:[^\d:]{1,30}:\s*|(?:le|el|il|den|am|on|the|dated?)\b\s*)")
_MARK = r"\s*[/.\-\s,]\s*"
_ISO = re.compile(r"(\d{4})[-/.\s年]\s?(\d{1,2})[-/.\s月]\s?(\d{1,2})日?")
_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)")
_BASIC_YEAR_LAST = re.compile(r"(\d\d)()(\d\d)(\d{4})")
_NUMERIC = re.compile(r"(\d{1,2})\s?([/.\- '])\s?(\d{1,2})\s?[/.\- ']\s?(\d{4}|\d\d)")
_DAY_NAME_YEAR = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)?(?:{_MARK})?(?:de |of )?([a-z]+)\.?"
    rf"(?:{_MARK})?(?:de )?'?(\d{{4}}|\d\d)"
)
_NAME_DAY_YEAR = re.compile(
    rf"([a-z]+)\.?{_MARK}(\d{{1,2}})(?:st|nd|rd|th)?{_MARK}'?(\d{{4}}|\d\d)"
)
_YEAR_NAME_DAY = re.compile(rf"(\d{{4}})(?:{_MARK})?([a-z]+)\.?(?:{_MARK})?(\d{{1,2}})")


def date_readings(text: str) -> list[Reading[date]]:
    """The days that a printed date can mean; a weekday or a time beside it may stand.

    Two readings, day first and month first, come back for "09/01/2019", unless a weekday beside
    it or points as marks ("09.01.2019", never used month first) decide. Two-digit years up to 68
    are of this century (POSIX); a two-digit year is never read in front.

    Raises:
        NotReadableError: it is no date, or one without a year.
    """
    bare, weekday = _without_weekday(_without_time(_plain(text)))
    readings = _numeric_readings(bare) or _named_readings(bare)
    if weekday is not None and len(readings) > 1:
        readings = [r for r in readings if r.value.weekday() == weekday] or readings
    if not readings:
        raise NotReadableError(text, "a date")
    if len(readings) == 2 and readings[0].value == readings[1].value:
        return [Reading(readings[0].value)]
    return readings


def read_time(text: str) -> time:
    """The time of day in `text`; a date beside it may stand.

    Raises:
        NotReadableError: there is none, or more than one.
    """
    found = [value for match in _TIME.finditer(_plain(text)) if (value := _time(match))]
    if not found:
        hours = re.fullmatch(r"(1[0-2]|0?[1-9])\s?([ap])\.?\s?m\.?", _plain(text))
        if hours:
            return time(int(hours[1]) % 12 + (12 if hours[2] == "p" else 0))
    if len(found) != 1 and ":" in text:
        # Points separate dates too: "12.03.24 10:15".
        found = [v for m in _TIME.finditer(_plain(text)) if ":" in m[0] and (v := _time(m))]
    if len(found) != 1:
        raise NotReadableError(text, "a time")
    return found[0]


def datetime_readings(text: str) -> list[Reading[datetime]]:
    """The moments that a printed date with its time can mean, without a time zone.

    Raises:
        NotReadableError: a date or a time is missing.
    """
    clock = read_time(text)
    return [
        Reading(datetime.combine(reading.value, clock), reading.convention)
        for reading in date_readings(text)
    ]


def _plain(text: str) -> str:
    """Lower case without accents, with single blanks."""
    if len(text) > _MAX_LENGTH:
        raise NotReadableError(text[:_MAX_LENGTH] + "…", "a date")
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _time(match: re.Match[str]) -> time | None:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if half := match["half"]:
        if not 1 <= hour <= 12:
            # "13:05 PM" is how some tills print 13:05; "0:05 PM" and "13:05 AM" are nonsense.
            return time(hour, minute, second) if 12 < hour < 24 and half[0] == "p" else None
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    return time(hour, minute, second) if hour < 24 else None


def _without_time(text: str) -> str:
    def gap(match: re.Match[str]) -> str:
        return " " if ":" in match[0] or match["half"] else match[0]

    return _TIME.sub(gap, text)


def _without_weekday(text: str) -> tuple[str, int | None]:
    weekday = None
    text = _LABEL.sub("", text).strip(" ,.;:()[]-")
    words = re.findall(r"[a-z]+", text)
    for word in words:
        # "mar" is Tuesday in French and March elsewhere: where no other month stands, March.
        month_needs_it = word in _NAMES and not any(w in _NAMES for w in words if w != word)
        if word in _WEEKDAY_OF and not month_needs_it:
            weekday = _WEEKDAY_OF[word]
            text = re.sub(rf"\b{word}\b", " ", text, count=1)
            break
    return " ".join(text.split()).strip(" ,.;:()[]-"), weekday


def _numeric_readings(text: str) -> list[Reading[date]]:
    match = _ISO.fullmatch(text) or _BASIC.fullmatch(text)
    if match and (readings := _readings(match[1], match[2], match[3], "")):
        return readings
    match = _NUMERIC.fullmatch(text) or _BASIC_YEAR_LAST.fullmatch(text)
    if not match:
        return []
    first, mark, second, year = match.groups()
    readings = _readings(year, second, first, DAY_FIRST)
    if mark != ".":
        readings += _readings(year, first, second, MONTH_FIRST)
    return readings


def _named_readings(text: str) -> list[Reading[date]]:
    for pattern, parts in (
        (_DAY_NAME_YEAR, (3, 2, 1)),
        (_NAME_DAY_YEAR, (3, 1, 2)),
        (_YEAR_NAME_DAY, (1, 2, 3)),
    ):
        if (match := pattern.fullmatch(text)) and (month := _month(match[parts[1]])):
            return _readings(match[parts[0]], str(month), match[parts[2]], "")
    return []


def _month(name: str) -> int | None:
    if name in _NAMES:
        return _NAMES[name]
    numbers = {n for full, n in _NAMES.items() if len(name) > 3 and full.startswith(name)}
    return numbers.pop() if len(numbers) == 1 else None


def _readings(year: str, month: str, day: str, convention: str) -> list[Reading[date]]:
    number = int(year)
    if len(year) == 2:
        number += 2000 if number <= 68 else 1900
    if not _FIRST_YEAR <= number <= _LAST_YEAR:
        return []
    try:
        return [Reading(date(number, int(month), int(day)), convention)]
    except ValueError:
        return []
