"""The loop: batches in, updates out, figures by the way, a checkpoint every two minutes."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import Dataset

from training import counted, export, places, real
from training.average import Average
from training.feed import (
    MAIN_KEYS,
    CountedPhotos,
    Desk,
    DrawnPages,
    DrawnScenes,
    Feed,
    Pool,
    RealPages,
    Sources,
    held_out,
    loader,
)
from training.lessons import Figures, Pupil, Tally
from training.muon import Optimizer
from training.samples import Batch, Encoder, Sample, layout_of
from training.stages import Stage
from zamba2_vl import checkpoint
from zamba2_vl.config import Zamba2VLConfig

Exams = dict[str, list[Batch]]
"""Held-out batches by split."""

_SPLITS = {
    "dev": ("dev", "receipt"),
    "dev_seen": ("dev_seen", "receipt"),
    "invoices": ("dev", "invoice"),
}
"""Real pages by the names of their figures: their split and their kind."""
_COUNTED = {"dice": "die", "cards": "playing card", "coins": "coin"}
_WINDOW = 20  # steps between two looks at the figures; all ranks decide together then
_RISE = 100  # steps in which the learning rate rises, from nothing, of each fresh optimizer
_LAST_RATE = 0.03  # of its height, at the end


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        seconds: the clock of the whole run; warming up and drawing held-out pages do not count.
        rate: learning rate at its height.
        fall: share of the clock, at its end, over which the rate falls.
        save_every, look_every: seconds between checkpoints, and between held-out figures.
        drawn: drawn pages among the held-out ones.
        workers: drawing processes a rank.
        compiled: whether layers run compiled; not worth it on a CPU.
    """

    stages: list[Stage]
    sources: Sources
    out: Path
    seconds: float
    rate: float = 2e-3
    fall: float = 0.6
    save_every: float = 120.0
    look_every: float = 90.0
    drawn: int = 128
    workers: int = 14
    compiled: bool = True
    seed: int = 1


class Clock:
    """Seconds of training so far."""

    def __init__(self, spent: float = 0.0) -> None:
        self._start = time.monotonic() - spent

    def now(self) -> float:
        return time.monotonic() - self._start

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """What happens inside does not count."""
        began = time.monotonic()
        yield
        self._start += time.monotonic() - began


class Trainer:
    """Teaches one model through the stages of a plan, on one or several GPUs."""

    def __init__(self, plan: Plan, config: Zamba2VLConfig, device: torch.device) -> None:
        assert config.vision is not None
        self.plan, self.config, self.vision, self.device = plan, config, config.vision, device
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.ranks = dist.get_world_size() if dist.is_initialized() else 1
        torch.manual_seed(plan.seed)
        pupil = Pupil(config)
        places.lay_out(pupil.model)
        self.pupil = pupil.to(device)
        self.gradients = _flat_gradients(self.pupil, device)
        self.optimizer = Optimizer(self.pupil.named_parameters())
        head = self.pupil.glyph_head.named_parameters(prefix="glyph_head")
        self.head_optimizer = Optimizer(head)
        self.average = Average(list(self.pupil.parameters()))
        self.stage = 0
        self.step = 0
        self.fresh = 0  # the step at which the optimizer in use began
        self.spent = 0.0
        self._clock = Clock()
        if plan.compiled:
            self.pupil.compile_parts()

    def run(self) -> None:
        """All stages from the current one; resumable through `load`."""
        self.say(
            parameters=sum(p.numel() for p in self.pupil.model.parameters()),
            ranks=self.ranks,
            device=str(self.device),
        )
        for stage in self.plan.stages[self.stage :]:
            batches = iter(loader(self._feed(stage), self.plan.workers))
            with Pool(batches, stage.uses, self.rank) as pool:
                with self._clock.stopped():
                    exams = self._exams(stage)
                    self._warm_up(stage)
                self._teach(stage, pool, exams)
            self.stage += 1
            if stage.head:
                self.fresh = self.step
            self.save("latest")
        self.save("final")

    def save(self, name: str) -> None:
        """The whole state for `load`, and the model in bfloat16 for everybody else, its average
        over the last steps beside it."""
        if self.rank != 0:
            return
        state = {
            "pupil": self.pupil.state_dict(),
            "average": self.average.tensors,
            "optimizer": self.optimizer.state_dict(),
            "stage": self.stage,
            "step": self.step,
            "fresh": self.fresh,
            "spent": self._clock.now(),
        }
        export.replace(self.plan.out / "state.pt", lambda path: torch.save(state, path))
        export.save(self.pupil.model, self.plan.out / name)
        with self.average.shown():
            export.save(self.pupil.model, self.plan.out / f"{name}-average")
        half = {name: p.detach().bfloat16() for name, p in self.pupil.named_parameters()}
        export.replace(self.plan.out / "pupil.safetensors", lambda path: save_file(half, path))

    def load(self, path: Path) -> None:
        """Go on from a state that `save` wrote; a stage broken off begins its share anew."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.pupil.load_state_dict(state["pupil"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.restart(state["average"])
        self.stage, self.step, self.spent = state["stage"], state["step"], state["spent"]
        self.fresh = state["fresh"]
        self._clock = Clock(self.spent)

    def start_from(self, weights: Path, stage: str) -> None:
        """Begin at a stage with the weights of an earlier run (safetensors), all else fresh.

        Raises ValueError for weights of another model, or a stage that there is not.
        """
        tensors = load_file(weights, device=str(self.device))
        own = {name for name, _ in self.pupil.named_parameters()}
        if tensors.keys() != own:
            missing, surplus = sorted(own - tensors.keys()), sorted(tensors.keys() - own)
            raise ValueError(f"{weights} lacks {missing} and has {surplus} too many")
        # Not strict: later uses of the shared block are the same tensors under other names.
        self.pupil.load_state_dict(tensors, strict=False)
        self.average.restart(list(self.pupil.parameters()))
        self.stage = [each.name for each in self.plan.stages].index(stage)

    def go_on_from(self, folder: Path) -> None:
        """Begin with an exported model of this shape, which has neither a glyph head nor an
        optimizer's state."""
        model = checkpoint.load(folder, self.device)
        self.pupil.model.load_state_dict(model.state_dict())
        self.average.restart(list(self.pupil.parameters()))

    def say(self, **values: object) -> None:
        """One line of figures, to the log and to the terminal."""
        if self.rank == 0:
            line = json.dumps(values)
            print(line, flush=True)
            with (self.plan.out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(line + "\n")

    def _teach(self, stage: Stage, pool: Pool, exams: Exams) -> None:
        began = reported = looked = saved = self._agreed_time()
        tally, waited = Tally(self.device), 0.0
        for steps in count(1):
            asked = time.monotonic()
            batch = self._to_device(pool.take())
            waited += time.monotonic() - asked
            figures = self._forward(stage, batch)
            self._update(stage, figures)
            tally.add(figures, len(batch["patches"]))
            if steps % _WINDOW and steps != stage.steps:
                continue
            self._add_up(tally)
            now, means = self._agreed_time(), tally.means()
            self.say(
                stage=stage.name,
                step=self.step,
                seconds=round(now),
                pages_a_second=round(tally.pages / (now - reported)),
                waiting=round(waited / (now - reported), 2),
                repeats=pool.repeats,
                rate=self._rate(),
                **means,
            )
            tally, waited, reported = Tally(self.device), 0.0, now
            if exams and now - looked > self.plan.look_every:
                looked = now
                self._look(stage, exams)
            if now - saved > self.plan.save_every:
                saved = now
                self.save("latest")
            ended = self._ended(stage, means, steps, now - began)
            if ended:
                break
        memory = torch.cuda.max_memory_allocated() / 2**30 if self.device.type == "cuda" else 0.0
        self.say(stage=stage.name, ended=ended, step=self.step, gpu_gib=round(memory, 1))
        if exams:
            self._look(stage, exams)

    def _ended(
        self, stage: Stage, means: dict[str, float], steps: int, seconds: float
    ) -> str | None:
        """What ends the stage now, if anything does."""
        if stage.gate is not None and means[stage.gate[0]] >= stage.gate[1]:
            return "by its figure"
        if steps == stage.steps:
            return "by its steps"
        if seconds > stage.share * self.plan.seconds or self.spent > self.plan.seconds:
            return "by the clock"
        return None

    def _forward(self, stage: Stage, batch: Batch) -> Figures:
        cuda = self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=cuda), _fastest_attention():
            layout = layout_of(batch, self.vision)
            figures: Figures = self.pupil(batch, layout, stage.mixture.text, stage.head)
            return figures

    def _backward(self, stage: Stage, figures: Figures) -> None:
        loss = figures.letter_loss + stage.glyph_weight * figures.glyph_loss
        loss.backward()  # type: ignore[no-untyped-call]

    def _update(self, stage: Stage, figures: Figures) -> None:
        self._backward(stage, figures)
        if self.ranks > 1:
            dist.all_reduce(self.gradients, dist.ReduceOp.AVG)
        norm = self.gradients.norm()
        # One bad batch must not poison the weights: a gradient that is not finite counts as none.
        scale = torch.where(norm.isfinite(), 1.0 / norm.clamp(min=1.0), 0.0)
        self.gradients.nan_to_num_(0.0, 0.0, 0.0).mul_(scale)
        (self.head_optimizer if stage.head else self.optimizer).step(self._rate())
        self.average.add(list(self.pupil.parameters()))
        self.gradients.zero_()
        self.step += 1

    def _rate(self) -> float:
        """Rises over the first steps, falls in a straight line over the last part of the clock."""
        left = 1.0 - self.spent / self.plan.seconds
        falling = max(_LAST_RATE, left / self.plan.fall)
        return self.plan.rate * min(1.0, (self.step - self.fresh + 1) / _RISE, falling)

    def _look(self, stage: Stage, exams: Exams) -> None:
        """Held-out figures of the weights and of their average, each rank taking its share of the
        batches."""
        self.say(stage=stage.name, step=self.step, held_out=self._looked_at(stage, exams))
        with self.average.shown():
            self.say(stage=stage.name, step=self.step, average=self._looked_at(stage, exams))

    def _looked_at(self, stage: Stage, exams: Exams) -> dict[str, float | list[float]]:
        figures: dict[str, float | list[float]] = {}
        for split, batches in exams.items():
            tally = self._examine(stage, batches[self.rank :: self.ranks])
            self._add_up(tally)
            means = tally.means()
            read, count = ("letters", "glyphs", "leaves", "nulls"), ("counts", "places", "glyphs")
            names = count if split in ("scenes", *_COUNTED) else read
            figures |= {f"{split} {name}": means[name] for name in names}
            if split in _SPLITS:
                keys = MAIN_KEYS[_SPLITS[split][1]]
                figures[f"{split} by key"] = tally.by_field(len(keys))
        return figures

    def _examine(self, stage: Stage, batches: Sequence[Batch]) -> Tally:
        """What the batches show. Gradients are followed, and dropped: not to follow them would be
        another mode, for which every layer would have to be compiled once more."""
        tally = Tally(self.device)
        self.pupil.eval()
        for batch in batches:
            tally.add(self._forward(stage, self._to_device(batch)), len(batch["patches"]))
        self.pupil.train()
        return tally

    def _exams(self, stage: Stage) -> Exams:
        """Held-out pages for a stage of whole documents, of each split that has any."""
        if stage.mixture.crop or not stage.mixture.text:
            return {}
        sheet = stage.sheets[0]
        sources, encoder = self.plan.sources, Encoder(self.vision, sheet.canvas)
        pages: dict[str, Dataset[Sample]] = {"drawn": DrawnPages(sources, encoder, self.plan.drawn)}
        if stage.mixture.real and sources.real:
            for name, (split, kind) in _SPLITS.items():
                scans = [page for page in real.load(sources.real, split) if page.kind == kind]
                if scans:
                    pages[name] = RealPages(scans, encoder)
        if stage.mixture.count:
            pages["scenes"] = DrawnScenes(sources, encoder, self.plan.drawn)
            dev = counted.load(sources.real, "dev") if sources.real else []
            for name, kind in _COUNTED.items():
                photos = [photo for photo in dev if photo.kind == kind]
                if photos:
                    pages[name] = CountedPhotos(photos, encoder)
        return {
            split: held_out(those, encoder, sheet.batch, self.plan.workers)
            for split, those in pages.items()
        }

    def _warm_up(self, stage: Stage) -> None:
        """Compile for this stage's shapes before its clock starts; weights stay as they are.

        Ranks begin with different sheets, and find the others' compiled ones in Inductor's cache.
        Raises FloatingPointError where gradients are not finite, naming the parameters.
        """
        began, count = time.monotonic(), len(stage.sheets)
        rng, desk = np.random.default_rng(self.plan.seed), Desk(self.plan.sources, stage.mixture)
        for turn in range(count):
            sheet = stage.sheets[(turn + self.rank) % count]
            batch = self._to_device(self._feed(stage).batch(desk, sheet, rng))
            for _ in range(2):
                self._check(stage, batch)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        if self.ranks > 1:
            dist.barrier()
        self.say(stage=stage.name, warm_up=round(time.monotonic() - began, 1))

    def _check(self, stage: Stage, batch: Batch) -> None:
        """One step without an update."""
        self._backward(stage, self._forward(stage, batch))
        if not self.gradients.isfinite().all():
            bad = [
                name
                for name, p in self.pupil.named_parameters()
                if p.grad is not None and not p.grad.isfinite().all()
            ]
            raise FloatingPointError(f"gradients of stage {stage.name} are not finite: {bad}")
        self.gradients.zero_()

    def _add_up(self, tally: Tally) -> None:
        """Add the ranks' tallies up, on all ranks."""
        if self.ranks > 1:
            dist.all_reduce(tally.sums)

    def _agreed_time(self) -> float:
        """One clock for all ranks: the first one's."""
        seconds = torch.tensor(self._clock.now(), device=self.device)
        if self.ranks > 1:
            dist.broadcast(seconds, 0)
        self.spent = seconds.item()
        return self.spent

    def _feed(self, stage: Stage) -> Feed:
        seed = self.plan.seed * 1000 + self.stage * 100 + self.rank + self.step * 7919
        return Feed(self.plan.sources, stage.mixture, stage.sheets, self.vision, seed)

    def _to_device(self, batch: Batch) -> Batch:
        return {name: t.to(self.device, non_blocking=True) for name, t in batch.items()}


def _fastest_attention() -> AbstractContextManager[None]:
    """cuDNN's kernel first: 3.7 ms against flash's 5.3 for the language model (H200)."""
    order = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
    return sdpa_kernel(order, set_priority=True)


def _flat_gradients(pupil: Pupil, device: torch.device) -> Tensor:
    """One buffer that all gradients live in, so that one launch averages, scales or clears them."""
    parameters = list(pupil.parameters())
    flat = torch.zeros(sum(p.numel() for p in parameters), device=device)
    offset = 0
    for parameter in parameters:
        parameter.grad = flat[offset : offset + parameter.numel()].view_as(parameter)
        offset += parameter.numel()
    return flat
