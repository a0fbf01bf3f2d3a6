"""The published code's own outputs, for the smallest golden checkpoint."""

from pathlib import Path

import pytest

from zamba2_vl import golden
from zamba2_vl.checkpoint import load, save

GOLDEN = Path(__file__).parent / "golden"


def test_golden_checkpoint_is_reproduced() -> None:
    report = golden.check(GOLDEN / "small_1p2b_style")
    assert report.passed, report


def test_what_lies_beyond_is_the_published_carry_alone() -> None:
    report = golden.check(GOLDEN / "small_1p2b_style")
    assert report.logits < golden.TOLERANCE < report.beyond < 1e-2


def test_the_check_fails_on_changed_weights(tmp_path: Path) -> None:
    model = load(GOLDEN / "small_1p2b_style")
    save(model, tmp_path)  # rounds to bfloat16
    (tmp_path / "io.safetensors").write_bytes(
        (GOLDEN / "small_1p2b_style" / "io.safetensors").read_bytes()
    )
    assert not golden.check(tmp_path).passed


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert golden.main([str(GOLDEN)]) == 0
    assert "small_1p2b_style" in capsys.readouterr().out
    assert golden.main([str(GOLDEN / "nowhere")]) == 2
