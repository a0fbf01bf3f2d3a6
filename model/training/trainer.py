"""The loop: batches in, updates out, figures by the way, a checkpoint every two minutes."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor

from training import export
from training.feed import Feed, Pool, Sources, held_out, loader
from training.lessons import Figures, Pupil, glyph_figures, letter_figures
from training.muon import Optimizer
from training.samples import layout_of
from training.stages import Stage
from zamba2_vl.config import Zamba2VLConfig

WINDOW = 20
"""Steps between two looks at the figures; all ranks decide together then."""


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        seconds: the clock of the whole run, from the first step after warming up.
        rate: learning rate at its height; the last stage falls to a twentieth of it.
        fall: share of the run's clock, at its end, over which the rate falls.
        save_every, look_every: seconds between checkpoints, and between held-out figures.
        workers: drawing processes a rank.
        compiled: whether layers run compiled; not worth it on a CPU.
    """

    stages: list[Stage]
    sources: Sources
    out: Path
    seconds: float
    rate: float = 2e-3
    fall: float = 0.45
    save_every: float = 120.0
    look_every: float = 90.0
    workers: int = 14
    compiled: bool = True
    seed: int = 1


class Trainer:
    """Teaches one model through the stages of a plan, on one or several GPUs."""

    def __init__(self, plan: Plan, config: Zamba2VLConfig, device: torch.device) -> None:
        assert config.vision is not None
        self.plan, self.config, self.vision, self.device = plan, config, config.vision, device
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.ranks = dist.get_world_size() if dist.is_initialized() else 1
        torch.manual_seed(plan.seed)
        self.pupil = Pupil(config).to(device)
        self.gradients = _flat_gradients(self.pupil, device)
        self.optimizer = Optimizer(self.pupil.named_parameters())
        self.stage = 0
        self.step = 0
        self.spent = 0.0
        self.best = -1.0
        self._started = time.monotonic()
        self._log = (plan.out / "log.jsonl").open("a") if self.rank == 0 else None
        if plan.compiled:
            _compile(self.pupil)

    def run(self) -> None:
        """All stages from the current one; resumable through `load`."""
        stages = self.plan.stages
        self.say(
            parameters=sum(p.numel() for p in self.pupil.model.parameters()),
            ranks=self.ranks,
            device=str(self.device),
        )
        for stage in stages[self.stage :]:
            pool = Pool(iter(loader(self._feed(stage), self.plan.workers)), stage.uses, self.rank)
            self._warm_up(stage, pool.take())
            self._teach(stage, pool)
            pool.close()
            self.stage += 1
        self.save("final")

    def _teach(self, stage: Stage, pool: Pool) -> None:
        opened = time.monotonic()
        exams = self._exams(stage)
        self._started += time.monotonic() - opened
        began = self._now()
        saved = looked = began
        sums = torch.zeros(8, device=self.device)
        waited, steps = 0.0, 0
        mark = began
        while True:
            asked = time.monotonic()
            batch = self._to_device(pool.take())
            waited += time.monotonic() - asked
            figures = self._forward(stage, batch)
            self._update(stage, figures)
            sums += _summed(figures)
            steps += 1
            if steps % WINDOW:
                continue
            totals, now = self._agree(sums)
            values = _means(totals, WINDOW * self.ranks)
            pages = WINDOW * stage.batch * self.ranks / (now - mark)
            self.say(
                stage=stage.name,
                step=self.step,
                seconds=round(now),
                pages_a_second=round(pages),
                waiting=round(waited / (now - mark), 2),
                repeats=pool.repeats,
                rate=self._rate(),
                **values,
            )
            sums.zero_()
            waited, mark = 0.0, now
            if exams and now - looked > self.plan.look_every:
                looked = now
                self._look(stage, exams)
            if now - saved > self.plan.save_every:
                saved = now
                self.save("latest")
            done = stage.gate is not None and values[stage.gate[0]] >= stage.gate[1]
            late = now - began > stage.seconds or now > self.plan.seconds
            if done or late:
                break
        ended = "by its figure" if done else "by the clock"
        memory = torch.cuda.max_memory_allocated() / 2**30 if self.device.type == "cuda" else 0.0
        self.say(stage=stage.name, ended=ended, step=self.step, gpu_gib=round(memory, 1))
        if exams:
            self._look(stage, exams)
        self.save("latest")

    def _forward(self, stage: Stage, batch: dict[str, Tensor]) -> Figures:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            layout = layout_of(batch, self.vision)
            figures: Figures = self.pupil(batch, layout, stage.mixture.text)
            return figures

    def _update(self, stage: Stage, figures: Figures) -> None:
        loss = figures.letter_loss + stage.glyph_weight * figures.glyph_loss
        loss.backward()  # type: ignore[no-untyped-call]
        if self.ranks > 1:
            dist.all_reduce(self.gradients, dist.ReduceOp.AVG)
        norm = self.gradients.norm()
        # One bad batch must not poison the weights: a gradient that is not finite counts as none.
        scale = torch.where(norm.isfinite(), 1.0 / norm.clamp(min=1.0), 0.0)
        self.gradients.nan_to_num_(0.0, 0.0, 0.0).mul_(scale)
        self.optimizer.step(self._rate())
        self.gradients.zero_()
        self.step += 1

    def _rate(self) -> float:
        """Rises over 100 steps, falls in a straight line over the last part of the clock."""
        left = 1.0 - self.spent / self.plan.seconds
        return self.plan.rate * min(1.0, (self.step + 1) / 100, max(0.03, left / self.plan.fall))

    @torch.no_grad()
    def _look(self, stage: Stage, exams: dict[str, list[dict[str, Tensor]]]) -> None:
        """Held-out figures, each rank taking its share of the batches."""
        figures: dict[str, float] = {}
        self.pupil.eval()
        for name, batches in exams.items():
            sums = torch.zeros(8, device=self.device)
            leaves = torch.zeros(2, self.pupil.fields, device=self.device)
            for batch in batches[self.rank :: self.ranks]:
                result = self._forward(stage, self._to_device(batch))
                sums += _summed(result)
                known = ~result.field_right.isnan()
                leaves[0] += result.field_right.nan_to_num(0).sum(0)
                leaves[1] += known.sum(0)
            if self.ranks > 1:
                dist.all_reduce(sums)
                dist.all_reduce(leaves)
            figures[f"{name} letters"] = _means(sums, len(batches))["letters"]
            figures[f"{name} glyphs"] = _means(sums, len(batches))["glyphs"]
            figures[f"{name} leaves"] = round((leaves[0].sum() / leaves[1].sum()).item(), 4)
            if name != "drawn":
                main = (leaves[0] / leaves[1].clamp(min=1))[1:5].tolist()
                figures[f"{name} by key"] = [round(share, 3) for share in main]  # type: ignore[assignment]
        self.pupil.train()
        self.say(stage=stage.name, step=self.step, held_out=figures)

    def _exams(self, stage: Stage) -> dict[str, list[dict[str, Tensor]]]:
        if stage.mixture.crop:
            return {}
        splits = ["drawn", *(["dev", "dev_seen"] if stage.mixture.real else [])]
        return {
            split: held_out(
                self.plan.sources, stage.canvas, self.vision, split, stage.batch, self.plan.workers
            )
            for split in splits
        }

    def _warm_up(self, stage: Stage, batch: dict[str, Tensor]) -> None:
        """Compile for this stage's shapes before its clock starts; weights stay as they are."""
        began = time.monotonic()
        for _ in range(2):
            figures = self._forward(stage, self._to_device(batch))
            loss = figures.letter_loss + stage.glyph_weight * figures.glyph_loss
            loss.backward()  # type: ignore[no-untyped-call]
            if not self.gradients.isfinite().all():
                bad = [n for n, p in self.pupil.named_parameters() if not p.grad.isfinite().all()]
                raise FloatingPointError(f"gradients of stage {stage.name} are not finite: {bad}")
            self.gradients.zero_()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        spent = time.monotonic() - began
        self._started += spent
        self.say(stage=stage.name, warm_up=round(spent, 1))

    def _agree(self, sums: Tensor) -> tuple[list[float], float]:
        """Sums over all ranks, and one clock for all."""
        both = torch.cat([sums, sums.new_tensor([self._now() if self.rank == 0 else 0.0])])
        if self.ranks > 1:
            dist.all_reduce(both)
        *totals, self.spent = both.tolist()
        return totals, self.spent

    def _now(self) -> float:
        return time.monotonic() - self._started

    def _feed(self, stage: Stage) -> Feed:
        seed = self.plan.seed * 1000 + self.stage * 100 + self.rank + self.step * 7919
        return Feed(self.plan.sources, stage.mixture, stage.canvas, self.vision, stage.batch, seed)

    def _to_device(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {k: v.to(self.device, non_blocking=True) for k, v in batch.items()}

    def save(self, name: str) -> None:
        """The whole state for `load`, and the model in bfloat16 for everybody else."""
        if self.rank != 0:
            return
        state = {
            "pupil": self.pupil.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "stage": self.stage,
            "step": self.step,
            "spent": self._now(),
        }
        export.replace(self.plan.out / "state.pt", lambda path: torch.save(state, path))
        export.save(self.pupil.model, self.config, self.plan.out / name)
        half = {name: p.detach().bfloat16() for name, p in self.pupil.named_parameters()}
        export.replace(self.plan.out / "pupil.safetensors", lambda path: save_file(half, path))

    def load(self, path: Path) -> None:
        """Go on from a state that `save` wrote."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.pupil.load_state_dict(state["pupil"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.stage, self.step = state["stage"], state["step"]
        self._started = time.monotonic() - state["spent"]

    def start_from(self, weights: Path, stage: str) -> None:
        """Begin at a stage with the weights of an earlier run (safetensors), all else fresh."""
        missing, left = self.pupil.load_state_dict(
            load_file(weights, device=str(self.device)), strict=False
        )
        # Later uses of the shared block are the same tensors under other names.
        missing = [name for name in missing if "shared_transformer" not in name]
        if missing or left:
            raise ValueError(f"{weights} lacks {missing} and has {left} too many")
        self.stage = [each.name for each in self.plan.stages].index(stage)

    def say(self, **values: Any) -> None:
        """One line of figures, to the log and to the terminal."""
        if self._log is not None:
            line = json.dumps(values)
            print(line, flush=True)
            self._log.write(line + "\n")
            self._log.flush()


def _flat_gradients(pupil: Pupil, device: torch.device) -> Tensor:
    """One buffer that all gradients live in, so that one launch averages, scales or clears them."""
    parameters = list(pupil.parameters())
    flat = torch.zeros(sum(p.numel() for p in parameters), device=device)
    offset = 0
    for parameter in parameters:
        parameter.grad = flat[offset : offset + parameter.numel()].view_as(parameter)
        offset += parameter.numel()
    return flat


def _compile(pupil: Pupil) -> None:
    """Compile layer by layer: equal layers share one compilation."""
    from training import lessons
    from zamba2_vl.text.decoder import MambaLayer
    from zamba2_vl.text.shared_block import SharedBlock
    from zamba2_vl.vision.encoder import Block, Merger

    torch._dynamo.config.recompile_limit = 64
    for module in pupil.modules():
        if isinstance(module, MambaLayer | SharedBlock | Block | Merger):
            module.compile(dynamic=False)
    lessons.glyph_figures = torch.compile(glyph_figures, dynamic=False)
    lessons.letter_figures = torch.compile(letter_figures, dynamic=False)


def _summed(figures: Figures) -> Tensor:
    return (
        torch.stack(
            [
                figures.letter_loss,
                figures.glyph_loss,
                figures.letters,
                figures.letters_right,
                figures.glyphs,
                figures.glyphs_right,
                figures.field_right.nan_to_num(0).sum(),
                (~figures.field_right.isnan()).sum(),
            ]
        )
        .detach()
        .float()
    )


def _means(sums: Tensor | list[float], batches: int) -> dict[str, float]:
    letter_loss, glyph_loss, letters, right, glyphs, named, leaves, seen = (
        sums.tolist() if isinstance(sums, Tensor) else sums
    )
    return {
        "letter_loss": round(letter_loss / batches, 4),
        "glyph_loss": round(glyph_loss / batches, 4),
        "letters": round(right / max(letters, 1), 4),
        "glyphs": round(named / max(glyphs, 1), 4),
        "leaves": round(leaves / max(seen, 1), 4),
    }
