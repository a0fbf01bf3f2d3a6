import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from training import export
from training.bundled import configuration
from training.feed import Mixture, Sheet, Sources
from training.lessons import Figures
from training.samples import Canvas
from training.stages import Stage
from training.trainer import Clock, Plan, Trainer

CPU = torch.device("cpu")
CROPS = Stage(
    "crops",
    (Sheet(Canvas(patches=64, windows=1, length=128, text=100), 2),),
    mixture=Mixture(crop=(112, 112), lines=(1, 2)),
    glyph_weight=0.3,
    steps=2,
    uses=1,
)


def trainer(sources: Sources, out: Path, *stages: Stage, **plan: Any) -> Trainer:
    settings = {"seconds": 1e9, "workers": 0, "compiled": False, "drawn": 2} | plan
    return Trainer(Plan(list(stages), sources, out, **settings), configuration(tiny=True), CPU)


def log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]


def ends(out: Path) -> list[tuple[str, str, int]]:
    return [(line["stage"], line["ended"], line["step"]) for line in log(out) if "ended" in line]


@pytest.mark.parametrize(
    ("changes", "reason", "steps"),
    [
        ({"gate": ("letters", 0.0)}, "by its figure", 3),
        ({"gate": ("letters", 2.0)}, "by its steps", 3),
        ({"steps": None, "share": 0.0}, "by the clock", 20),
    ],
)
def test_what_ends_a_stage(
    drawn: Sources, tmp_path: Path, changes: dict[str, Any], reason: str, steps: int
) -> None:
    trainer(drawn, tmp_path, replace(CROPS, **{"steps": 3} | changes)).run()
    assert ends(tmp_path) == [("crops", reason, steps)]


def test_a_report_counts_the_steps_since_the_last(drawn: Sources, tmp_path: Path) -> None:
    trainer(drawn, tmp_path, replace(CROPS, steps=23)).run()
    reports = [line for line in log(tmp_path) if "pages_a_second" in line]
    assert [line["step"] for line in reports] == [20, 23]
    # Means of few steps are means all the same.
    assert reports[1]["letter_loss"] == pytest.approx(reports[0]["letter_loss"], rel=0.2)


def test_learning_lowers_the_loss(drawn: Sources, tmp_path: Path) -> None:
    trainer(drawn, tmp_path, replace(CROPS, steps=60), rate=2e-2).run()
    losses = [line["letter_loss"] for line in log(tmp_path) if "letter_loss" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_warming_up_leaves_the_weights_alone(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, replace(CROPS, steps=1), rate=0.0)
    before = [p.detach().clone() for p in one.pupil.parameters()]
    one.run()
    assert all(p.equal(old) for p, old in zip(one.pupil.parameters(), before, strict=True))
    assert not one.gradients.any()


def losing(one: Trainer, loss: float) -> Figures:
    """Figures whose gradient is `loss` in every element of the glyph head's bias."""
    aim = one.pupil.glyph_head.bias.sum() * loss
    return Figures(aim, *([torch.zeros(())] * (len(Figures._fields) - 1)))


def test_gradients_are_held_to_a_norm_of_one(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, CROPS)
    held = []
    one.optimizer.step = lambda rate: held.append(one.gradients.norm().item())  # type: ignore[method-assign]
    one._update(CROPS, losing(one, 1e6))
    one._update(CROPS, losing(one, 1e-3))
    assert held[0] == pytest.approx(1.0)
    assert held[1] == pytest.approx(1e-3 * one.pupil.glyph_head.bias.numel() ** 0.5)


def test_a_broken_batch_does_no_harm(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, CROPS)
    one._update(CROPS, losing(one, float("nan")))
    assert all(p.isfinite().all() for p in one.pupil.parameters())
    assert one.step == 1


def test_gradients_that_are_never_finite_are_named(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, CROPS)
    with torch.no_grad():
        one.pupil.glyph_head.bias[0] = torch.nan
    with pytest.raises(FloatingPointError, match="stage crops are not finite: .*glyph_head"):
        one.run()


def test_the_rate_rises_and_falls(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, CROPS, seconds=100.0, rate=1.0, fall=0.5)
    rates = []
    for step, spent in [(0, 0), (49, 1), (99, 5), (500, 50), (700, 75), (900, 99.9)]:
        one.step, one.spent = step, float(spent)
        rates.append(one._rate())
    assert rates == pytest.approx([0.01, 0.5, 1.0, 1.0, 0.5, 0.03])


def test_a_state_brings_everything_back(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, CROPS, replace(CROPS, name="more"))
    one.run()
    other = trainer(drawn, tmp_path, CROPS, seconds=1e9)
    other.load(tmp_path / "state.pt")
    assert (other.stage, other.step) == (2, 4)
    assert other.spent == pytest.approx(one._clock.now(), abs=5)
    assert all(
        mine.equal(theirs)
        for mine, theirs in zip(one.pupil.parameters(), other.pupil.parameters(), strict=True)
    )
    assert all(
        mine.buffer.equal(theirs.buffer) and mine.buffer.any()
        for mine, theirs in zip(one.optimizer.groups, other.optimizer.groups, strict=True)
    )


def test_a_head_is_refitted_to_a_tower_that_stays(drawn: Sources, tmp_path: Path) -> None:
    head = replace(CROPS, mixture=replace(CROPS.mixture, text=False), head=True, steps=4)
    one = trainer(drawn, tmp_path, head, replace(CROPS, steps=1))
    before = {name: p.detach().clone() for name, p in one.pupil.named_parameters()}
    one.plan.stages.pop()
    one.run()
    moved = {name for name, p in one.pupil.named_parameters() if not p.equal(before[name])}
    assert moved == {"glyph_head.weight", "glyph_head.bias"}
    # The rate of what learns next rises from nothing.
    assert one.fresh == one.step == 4
    assert one._rate() == pytest.approx(one.plan.rate / 100)


def test_a_run_goes_on_from_exported_weights_alone(drawn: Sources, tmp_path: Path) -> None:
    one, other = (trainer(drawn, tmp_path, CROPS, seed=seed) for seed in (1, 2))
    export.save(one.pupil.model, tmp_path / "weights")
    other.go_on_from(tmp_path / "weights")
    for mine, theirs in zip(
        one.pupil.model.parameters(), other.pupil.model.parameters(), strict=True
    ):
        assert theirs.equal(mine.bfloat16().float())
    with other.average.shown():
        assert other.pupil.model.language_model.model.embed_tokens.weight.equal(
            one.pupil.model.language_model.model.embed_tokens.weight.bfloat16().float()
        )


def test_looking_at_held_out_pages_teaches_nothing(drawn: Sources, tmp_path: Path) -> None:
    pages = replace(CROPS, sheets=(Sheet(Canvas(1024, 24, 768, 510), 2),), mixture=Mixture())
    one = trainer(drawn, tmp_path, pages)
    exams = one._exams(pages)
    [first] = exams["drawn"]
    tally, again = one._examine(pages, [first]), one._examine(pages, [first, first])
    assert tally.means() == again.means() and again.batches == 2
    assert not one.gradients.any() and one.pupil.training


def test_an_unknown_stage_to_begin_at(drawn: Sources, tmp_path: Path) -> None:
    one = trainer(drawn, tmp_path, CROPS)
    one.save("latest")
    with pytest.raises(ValueError, match="photos"):
        one.start_from(tmp_path / "pupil.safetensors", "photos")


def test_the_clock_stands_still_when_it_is_stopped() -> None:
    clock = Clock(spent=100.0)
    with clock.stopped():
        for _ in range(10**5):
            pass
        during = clock.now()
    assert 100.0 <= clock.now() < during
