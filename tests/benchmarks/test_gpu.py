"""The whole benchmark with tiny models on the CPU."""

import json
from pathlib import Path

import pytest

from benchmarks import profile, table
from benchmarks.gpu import main


def test_rehearsal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "results.json"
    assert main(["--rehearse", "--lengths", "5,9", "--json", str(file)]) == 0
    results = json.loads(file.read_text())["results"]
    assert [(r["model"], r["stack"]) for r in results] == [
        ("Zamba2-tiny", "ours"),
        ("Zamba2-tiny", "transformers"),
        ("Zamba2-tiny", "ours, 8 bits"),
        ("Zamba2-tiny", "ours, 4 bits"),
        ("Qwen3-VL-2B", "transformers"),
        ("Qwen2.5-VL-3B", "transformers"),
        ("Qwen3-VL-8B", "transformers"),
    ]
    for result in results:
        assert set(result["first_token"]) == {"5", "9"}
        assert all(seconds > 0 for seconds in result["first_token"].values())
        assert set(result["step"]) == {"1", "3"}
    ours, reference, eight, four, *peers = results
    assert ours["first_token_floor"] == reference["first_token_floor"]
    assert ours["first_token_floor"]["5"] < ours["first_token_floor"]["9"]
    floors = [result["step_floor"]["1"] for result in (ours, eight, four)]
    assert floors == sorted(floors, reverse=True)
    assert ours["document"] > 0 and ours["documents"] > 0
    assert not any(peer["first_token_floor"] for peer in peers)
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(printed) == 2 + len(results)
    table.main([str(file), str(file)])
    assert capsys.readouterr().out.splitlines() == printed + printed[2:]


def test_one_model_may_be_chosen_and_one_that_fails_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.gpu.TINY_PEER", {"num_attention_heads": 5, "hidden_size": 32})
    chosen = ["ours:tiny", "Qwen2.5-VL-3B"]
    assert main(["--rehearse", "--lengths", "5", "--models", *chosen]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert "failed" not in lines[2] and "failed" in lines[3]


def test_without_a_card_it_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit):
        main(["--models", "1.2B"])
    assert "--rehearse" in capsys.readouterr().err


def test_the_profile_names_what_time_goes_into(capsys: pytest.CaptureFixture[str]) -> None:
    profile.main(["tiny"])
    out = capsys.readouterr().out
    assert "prompt of 48" in out and "step of 1" in out and "aten::mm" in out
