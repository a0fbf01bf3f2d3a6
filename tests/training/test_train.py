"""All four stages on a CPU, by the command line, with a model of a few thousand weights."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from training.bundled import configuration
from training.feed import Sources
from training.stages import rehearsal, stages
from training.train import main
from training.trainer import Plan, Trainer
from zamba2_vl.api import Zamba2VL
from zamba2_vl.chat import render

pytestmark = pytest.mark.slow

STAGES = [stage.name for stage in rehearsal(stages())]
MODEL = Path(__file__).parents[2] / "model"


def words(sources: Sources, out: Path, *more: str) -> list[str]:
    return [
        *("--rehearse", "--fonts", str(sources.fonts), "--words", str(sources.words)),
        *("--real", str(sources.real), "--out", str(out), "--workers", "0", *more),
    ]


def log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]


def values(lines: list[dict[str, Any]], key: str) -> list[Any]:
    return [line[key] for line in lines if key in line]


@pytest.fixture(scope="module")
def run(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    subprocess.run(
        [sys.executable, "-m", "training.train", *words(sources, out, "--workers", "1")],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(MODEL), str(MODEL.parent)])},
    )
    return out


def test_every_stage_is_run_to_its_end(run: Path) -> None:
    lines = log(run)
    ends = [line for line in lines if "ended" in line]
    assert [(line["stage"], line["ended"]) for line in ends] == [
        (name, "by its steps") for name in STAGES
    ]
    reports = [line for line in lines if "letter_loss" in line]
    assert values(reports, "step") == [3, 6, 9, 12]
    assert all(line["glyph_loss"] > 0 for line in reports)
    assert [line["letter_loss"] > 0 for line in reports] == [False, True, True, True]


def test_held_out_pages_are_looked_at(run: Path) -> None:
    small, whole = values(log(run), "held_out")
    assert set(small) == {"drawn letters", "drawn glyphs", "drawn leaves", "drawn nulls"}
    assert {"dev letters", "dev_seen leaves", "dev_seen by key"} < set(whole)
    shares = np.hstack(list(whole.values()))
    assert ((shares >= 0) & (shares <= 1)).all()


def test_what_it_leaves_is_a_checkpoint_like_the_published_ones(run: Path) -> None:
    model = Zamba2VL.from_pretrained(run / "final")
    page = np.full((56, 84, 3), 255, np.uint8)
    answer = model.generate("<|extract|>total", images=[page], max_new_tokens=3)
    assert answer.prompt_tokens == len(model.tokenizer.encode(render("<|extract|>total", [6])))
    assert len(answer.token_ids) <= 3
    assert not [name for name in load_file(run / "final" / "model.safetensors") if "glyph" in name]


def test_a_run_goes_on_where_it_was_broken_off(sources: Sources, tmp_path: Path) -> None:
    plan = Plan(rehearsal(stages())[:2], sources, tmp_path, seconds=1e9, workers=0, compiled=False)
    Trainer(plan, configuration(tiny=True), torch.device("cpu")).run()
    main(words(sources, tmp_path, "--resume", str(tmp_path / "state.pt")))
    ends = [line for line in log(tmp_path) if "ended" in line]
    assert [(line["stage"], line["step"]) for line in ends] == list(
        zip(STAGES, (3, 6, 9, 12), strict=True)
    )


def test_a_run_begins_with_the_weights_of_another(
    run: Path, sources: Sources, tmp_path: Path
) -> None:
    weights = run / "pupil.safetensors"
    main(words(sources, tmp_path, "--weights", str(weights), "--stage", "documents"))
    ends = [line for line in log(tmp_path) if "ended" in line]
    assert [(line["stage"], line["step"]) for line in ends] == [("documents", 3)]


def test_a_run_goes_on_from_what_another_exported(
    run: Path, sources: Sources, tmp_path: Path
) -> None:
    main(words(sources, tmp_path, "--from", str(run / "final-average")))
    ends = [line for line in log(tmp_path) if "ended" in line]
    assert [(line["stage"], line["step"]) for line in ends] == [("head", 3), ("documents", 6)]
    assert {path.name for path in tmp_path.iterdir()} >= {"final", "final-average", "state.pt"}


def test_weights_of_another_model_are_refused(run: Path, sources: Sources, tmp_path: Path) -> None:
    weights = load_file(run / "pupil.safetensors")
    del weights["glyph_head.bias"]
    save_file(weights, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="lacks .*glyph_head.bias"):
        main(words(sources, tmp_path, "--weights", str(tmp_path / "other.safetensors")))
