import json
from dataclasses import FrozenInstanceError, replace

import pytest

from docextract.errors import EncryptedError
from docextract.records import (
    Check,
    Count,
    Extraction,
    FieldEvidence,
    Mark,
    Outcome,
    Timings,
    Tokens,
)

EXTRACTION: Extraction = Extraction(
    version="1",
    file="a.png",
    schema="receipt",
    status="ok",
    data={"total": "1.00"},
    record=None,
    fields={"total": FieldEvidence("1.00", "RM1.00", "found", page=1, repairs=("x",))},
    checks=(Check("complete", None, True, "the answer ended by itself"),),
    model="scripted",
    timings=Timings(1, 2, 3, 4, 5),
    tokens=Tokens(6, 7, 8),
)


def test_an_extraction_has_the_published_keys_and_is_json() -> None:
    line = EXTRACTION.to_dict()
    assert " ".join(line) == "version file schema status record fields checks model timings tokens"
    assert " ".join(line["fields"]["total"]) == (
        "value text status evidence confidence page box repairs"
    )
    assert " ".join(line["timings"]) == "load rasterise first_token decode total"
    assert json.loads(json.dumps(line)) == line


def test_an_extraction_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        EXTRACTION.status = "failed"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "review"),
    [
        ({}, False),
        ({"status": "absent"}, False),
        ({"status": "repaired"}, False),
        ({"status": "ambiguous"}, True),
        ({"status": "check_failed"}, True),
        ({"evidence": "contradicted"}, True),
        ({"evidence": "hidden"}, True),
    ],
)
def test_what_a_person_must_look_at(change: dict[str, str], review: bool) -> None:
    assert replace(EXTRACTION.fields["total"], **change).needs_review is review


def test_an_outcome_is_a_record_or_an_error() -> None:
    assert Outcome.of(EXTRACTION).to_dict() == {
        "file": "a.png",
        "status": "ok",
        "record": {"total": "1.00"},
        "error": None,
    }
    failed = Outcome.failed("b.pdf", EncryptedError("b.pdf: encrypted", hint="--password"))
    assert failed.to_dict(details=True) == {
        "file": "b.pdf",
        "status": "failed",
        "record": None,
        "error": {
            "code": 8,
            "name": "encrypted",
            "message": "b.pdf: encrypted",
            "hint": "--password",
        },
    }
    assert Outcome.of(EXTRACTION).to_dict(details=True) == EXTRACTION.to_dict()


COUNT = Count(
    file="shelf.jpg",
    object="bottle",
    page=1,
    count=2,
    status="review",
    reason="the answer reached its token limit",
    confidence=0.75,
    marks=(Mark(10.123, 20.0, 0.9), Mark(30.0, 20.5)),
    zone="left",
    sku="00417",
    expected=3,
    tiles=((0.0, 0.0, 50.0, 40.0),),
)


def test_a_count_has_the_published_keys_and_is_json() -> None:
    line = json.loads(json.dumps(COUNT.to_dict()))
    assert " ".join(line) == (
        "file page object count status reason confidence marks zone sku expected difference error"
    )
    assert line["marks"] == [
        {"x": 10.12, "y": 20.0, "score": 0.9},
        {"x": 30.0, "y": 20.5, "score": None},
    ]
    assert line["difference"] == -1


def test_a_count_comes_back_from_its_line() -> None:
    line = json.loads(json.dumps(COUNT.to_dict(details=True)))
    back = Count.from_dict(line)
    assert back.to_dict(details=True) == line
    assert back.tiles == COUNT.tiles


def test_what_was_not_counted_differs_from_nothing() -> None:
    assert replace(COUNT, count=None).difference is None
    assert replace(COUNT, expected=None).difference is None
    assert Count("a.txt", "bottle").to_dict()["count"] is None
