import pytest

from docextract.grounding.attached import compare_attached
from docextract.records import FieldEvidence
from docextract.schema import load_schema

FIELDS = load_schema("invoice").fields


def compared(key: str, value: str | None, *attached: str) -> tuple[str, bool] | None:
    """The evidence of a value and whether its check passed, or None where nothing is said."""
    values = {key: FieldEvidence(value, value, "found", "grounded")}
    for path, evidence, check in compare_attached(FIELDS, values, {key: attached}):
        assert path == check.path == key
        assert evidence.value == value
        return evidence.evidence, check.passed
    return None


@pytest.mark.parametrize(
    ("key", "value", "attached"),
    [
        ("issue_date", "2024-01-31", ["20240131"]),
        ("total", "119.00", ["119.0000"]),
        ("total", "19", ["119.00", "19.00"]),
        ("iban", "DE02120300000000202051", ["DE02 1203 0000 0000 2020 51"]),
        ("seller_name", "Lampen & Söhne GmbH", ["Lampen & Söhne"]),
        ("seller_tax_id", "DE123456789", ["201/113/40209", "DE 123456789"]),
    ],
)
def test_what_agrees_is_left_as_it_is(key: str, value: str, attached: list[str]) -> None:
    assert compared(key, value, *attached) == ("grounded", True)


@pytest.mark.parametrize(
    ("key", "value", "attached"),
    [
        ("issue_date", "2024-01-30", "20240131"),
        ("total", "119.00", "11.90"),
        ("invoice_number", "R-17", "R-18"),
        ("seller_name", "Lampen", "Hotel"),
    ],
)
def test_what_differs_is_contradicted(key: str, value: str, attached: str) -> None:
    assert compared(key, value, attached) == ("contradicted", False)


def test_what_one_side_does_not_say_is_passed_over() -> None:
    assert compared("total", None, "119.00") is None
    assert compared("issue_date", "2024-01-30", "soon") is None
    assert list(compare_attached(FIELDS, {}, {"unknown": ["1"]})) == []
