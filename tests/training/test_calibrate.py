import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docextract.confidence import (
    COUNT_CALIBRATION,
    Calibration,
    CountSignal,
    Signal,
    load_calibration,
)
from training.calibrate import Case, fit, foretold, load_cases, load_counts, main, scored


def cases(count: int, seed: int = 0) -> list[Case]:
    """Values of a model that is right as often as it says, 4 to a document."""
    rng = np.random.default_rng(seed)
    chances = rng.uniform(0.05, 0.99, count)
    return [
        Case(
            "read",
            f"{number // 4}.png",
            Signal("text", (math.log(chance),), False, "found", "none", 0, 0),
            bool(rng.random() < chance),
        )
        for number, chance in enumerate(chances)
    ]


def test_a_model_that_knows_itself_is_believed() -> None:
    members = cases(4000)
    calibration = fit(members)
    for chance in (0.2, 0.5, 0.9):
        signal = Signal("text", (math.log(chance),), False, "found", "none", 0, 0)
        assert calibration.probability(signal) == pytest.approx(chance, abs=0.05)


def test_what_was_not_fitted_is_foretold_well() -> None:
    members = cases(2000)
    figures = scored(members, foretold(members))
    assert figures["values"] == 2000
    assert figures["ece"] < 0.03
    assert figures["brier"] < 0.8 * figures["brier_of_the_mean"]


def test_no_fold_sees_the_documents_it_foretells() -> None:
    # All of one document is wrong though the model was sure, all of the others right.
    signal = Signal("text", (-0.01,), False, "found", "none", 0, 0)
    members = [
        Case("read", f"{number}.png", signal, number > 0) for number in range(5) for _ in "ab"
    ]
    with pytest.raises(ValueError, match="right and values that are wrong"):
        foretold(members, folds=5)
    members += [Case("read", f"{number}.png", signal, number > 9) for number in range(5, 15)]
    odd = [p for p, case in zip(foretold(members, 15), members, strict=True) if not case.right]
    even = [p for p, case in zip(foretold(members, 15), members, strict=True) if case.right]
    assert min(odd) > max(even)


def test_a_fit_needs_both_outcomes() -> None:
    with pytest.raises(ValueError, match="right and values that are wrong"):
        fit([case for case in cases(40) if case.right])


def result(case: Case, **more: Any) -> str:
    line = {"file": case.document, "group": None, "correct": {"shop": case.right}}
    return json.dumps({**line, "signals": {"shop": case.signal.to_dict()}, **more})


def test_results_become_a_calibration_of_the_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = tmp_path / "read.jsonl"
    read.write_text("\n".join(map(result, cases(200))) + "\n")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    main([str(read), "--weights", str(tmp_path)])
    calibration = load_calibration(tmp_path)
    assert calibration == fit(cases(200))
    assert isinstance(calibration, Calibration) and "sure_text" in calibration.slopes
    stored = json.loads((tmp_path / "confidence.json").read_text())["scored"]
    assert (stored["documents"], stored["values"], stored["folds"]) == (50, 200, 5)
    assert stored["brier"] < stored["brier_of_the_mean"]
    assert "found" in capsys.readouterr().out


def test_nulls_alone_are_taken_where_only_they_are_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Case("exam", "x", Signal("text", (-0.1,), False, "absent", "none", 0, 0), True)
    read, drawn = tmp_path / "read.jsonl", tmp_path / "drawn.jsonl"
    read.write_text("\n".join(map(result, cases(100))))
    drawn.write_text("\n".join(map(result, [absent, *cases(100)])))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    main([str(read), "--nulls", str(drawn), "--weights", str(tmp_path)])
    stored = json.loads((tmp_path / "confidence.json").read_text())
    assert stored["scored"]["values"] == 101
    assert "absent" in stored["slopes"]
    assert "drawn" in capsys.readouterr().out


def test_copies_of_a_document_are_one_and_unknown_values_none(tmp_path: Path) -> None:
    known, other = cases(2)
    silent = Case("read", "c", Signal("text", (), False, "absent", "none", 0, 0), True)
    read = tmp_path / "read.jsonl"
    lines = [result(known, group="g"), result(other, group="g"), result(silent)]
    read.write_text("\n".join(lines))
    assert [case.document for case in load_cases(read)] == ["g", "g"]


def test_counts_get_a_calibration_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    lines = []
    for number in range(200):
        chance = float(rng.uniform(0.05, 0.99))
        signal = CountSignal((-0.1,) * (number % 4), math.log(chance), number % 2 > 0, 0)
        right = bool(rng.random() < chance)
        line = {"file": f"{number}.png", "group": None, "right": right, "signal": signal.to_dict()}
        lines.append(json.dumps(line))
    unknown = CountSignal((), None, False, 0).to_dict()
    for odd in (None, unknown):
        lines.append(json.dumps({"file": "x", "group": None, "right": True, "signal": odd}))
    read = tmp_path / "counted.jsonl"
    read.write_text("\n".join(lines))
    assert len(load_counts(read)) == 200
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    main([str(read), "--weights", str(tmp_path), "--counts"])
    assert "tiled" in capsys.readouterr().out
    assert load_calibration(tmp_path) is None
    fitted = load_calibration(tmp_path, COUNT_CALIBRATION)
    assert fitted is not None
    chances = [fitted.probability(CountSignal((), math.log(p), False, 0)) for p in (0.9, 0.2)]
    assert chances[0] is not None and chances[1] is not None and chances[0] > chances[1]
