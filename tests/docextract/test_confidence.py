import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docextract.confidence import (
    COUNT_CALIBRATION,
    Calibration,
    CountSignal,
    Signal,
    features,
    fingerprint,
    load_calibration,
    written_logprobs,
)
from docextract.errors import ModelError
from docextract.prompt import compact_answer

FOUND = Signal("text", (-0.1, -0.2), False, "found", "none", 0, 0)


def by_letters(text: str, piece: int = 1) -> dict[str, tuple[float, ...]]:
    """As if token n, of `piece` letters, had the log-probability -n."""
    ends = [*range(piece, len(text), piece), len(text)]
    return written_logprobs(text, ends, [-float(n) for n in range(len(ends))])


def test_each_value_gets_the_tokens_it_was_written_with() -> None:
    record = {
        "name": 'A "B", [C]',
        "none": None,
        "seller": {"name": "Zoë"},
        "items": [{"qty": "2"}, {"qty": None}],
        "tags": ["x:y"],
        "empty": [],
        "paid": True,
    }
    text = compact_answer(record)
    found = by_letters(text)
    assert list(found) == [
        "name", "none", "seller.name", "items.0.qty", "items.1.qty", "tags.0", "paid",
    ]  # fmt: skip
    written = {path: "".join(text[-int(n)] for n in found[path]) for path in found}
    assert written == dict.fromkeys(found, "") | written
    for path, value in {"name": 'A "B", [C]', "tags.0": "x:y", "paid": True, "none": None}.items():
        assert "".join(text[int(-n)] for n in found[path]) == json.dumps(value)


def test_a_token_belongs_to_the_value_that_it_begins_in() -> None:
    assert by_letters('{"a":"bcd","e":null}', piece=4) == {"a": (-2.0,), "e": (-4.0,)}


def test_letters_of_several_tokens_are_counted_once() -> None:
    # The first byte of the accented letter completes nothing.
    found = written_logprobs('{"a":"é"}', [5, 6, 6, 7, 8, 9], [-1, -2, -3, -4, -5, -6])
    assert found == {"a": (-2, -3, -4, -5)}


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ('{"a":"b","c":"d', ["a"]),
        ('{"a":"b"}}]', ["a"]),
        ('{"a":"b"', ["a"]),
        ("]", []),
        (",", []),
        ("", []),
    ],
)
def test_a_broken_answer_gives_what_it_holds(text: str, whole: list[str]) -> None:
    assert [path for path, logprobs in by_letters(text).items() if logprobs] == whole


def test_a_reader_without_probabilities_gives_none() -> None:
    assert written_logprobs('{"a":"b"}', [], []) == {"a": ()}
    assert Calibration(2.0, {}).probability(replace(FOUND, logprobs=())) is None


def test_surer_letters_make_a_surer_value() -> None:
    calibration = Calibration(0.5, {"sure_text": 1.0})
    sure = calibration.probability(replace(FOUND, logprobs=(-0.01,)))
    unsure = calibration.probability(FOUND)
    assert sure is not None and unsure is not None and 0 < unsure < sure < 1
    odds = math.log(math.exp(-0.3) / (1 - math.exp(-0.3)))
    assert unsure == pytest.approx(1 / (1 + math.exp(-0.5 - odds)), abs=1e-4)


@pytest.mark.parametrize("logprobs", [(0.0,), (-1e-12,), (-745.0,), (-0.7,) * 4000])
def test_the_surest_and_the_least_sure_stay_probabilities(logprobs: tuple[float, ...]) -> None:
    probability = Calibration(0.0, {"sure_text": 9.0}).probability(
        replace(FOUND, logprobs=logprobs)
    )
    assert probability is not None and 0 <= probability <= 1


def test_features_tell_what_is_known() -> None:
    absent = replace(FOUND, status="absent", kind="date")
    assert set(features(absent)) == {"absent", "sure_absent"}
    doubtful = replace(FOUND, status="check_failed", kind="amount", doubts=1, repairs=2)
    assert {"status_check_failed", "is_number", "doubts", "repaired"} <= set(features(doubtful))
    assert features(replace(FOUND, evidence="grounded"))["evidence_grounded"] == 1


def test_values_in_lists_are_left_alone_unless_some_were_fitted() -> None:
    listed = replace(FOUND, listed=True)
    assert Calibration(0.0, {}).probability(listed) is None
    assert Calibration(0.0, {"listed": 0.0}).probability(listed) == 0.5


def test_signals_travel_as_json() -> None:
    assert Signal.from_dict(json.loads(json.dumps(FOUND.to_dict()))) == FOUND


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def store(folder: Path, **content: Any) -> None:
    (folder / "confidence.json").write_text(json.dumps(content))


def test_a_calibration_belongs_to_its_weights(folder: Path) -> None:
    assert load_calibration(folder) is None
    store(folder, weights=fingerprint(folder), intercept=1, slopes={"absent": -2})
    assert load_calibration(folder) == Calibration(1.0, {"absent": -2.0})
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert load_calibration(folder) is None


@pytest.mark.parametrize("content", [{}, {"intercept": 0, "slopes": ["a"], "weights": ""}])
def test_a_damaged_calibration_is_told_so(folder: Path, content: dict[str, Any]) -> None:
    store(folder, **content)
    with pytest.raises(ModelError, match=r"confidence\.json is damaged"):
        load_calibration(folder)


def test_a_count_is_surer_the_surer_its_marks_and_its_end() -> None:
    calibration = Calibration(-1.0, {"sure_stop": 0.5, "least_mark": 0.5})
    sure = CountSignal(marks=(-0.01, -0.02), stop=-0.001, tiled=False, doubts=0)
    unsure = replace(sure, marks=(-0.01, -2.0))
    chances = [calibration.probability(one) for one in (sure, unsure)]
    assert chances[0] is not None and chances[1] is not None and chances[0] > chances[1]
    assert calibration.probability(replace(sure, stop=None)) is None


def test_no_marks_are_a_feature_of_their_own() -> None:
    nothing = CountSignal(marks=(), stop=-0.5, tiled=False, doubts=0)
    assert set(features(nothing)) == {"none", "sure_stop"}
    assert CountSignal.from_dict(json.loads(json.dumps(nothing.to_dict()))) == nothing


def test_counts_have_a_calibration_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    content = {"weights": fingerprint(tmp_path), "intercept": 1, "slopes": {"none": 2}}
    (tmp_path / COUNT_CALIBRATION).write_text(json.dumps(content))
    assert load_calibration(tmp_path) is None
    assert load_calibration(tmp_path, COUNT_CALIBRATION) == Calibration(1.0, {"none": 2.0})
