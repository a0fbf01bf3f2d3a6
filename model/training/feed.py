"""Endless batches of pages, drawn and encoded in worker processes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from training import real
from training.questions import Exercise, ask, exercise, read_aloud
from training.samples import Canvas, Encoder, Sample, stack
from training.synthetic.pages import PageFactory, SyntheticPage
from zamba2_vl.config import VisionConfig

MAIN_KEYS = ("merchant_name", "merchant_address", "date", "total")
_PROMPT_ROOM = 24  # letters that the chat template and the task token take


@dataclass(frozen=True)
class Sources:
    """Where pages come from: fonts and words for drawn ones, a prepared folder of real ones."""

    fonts: Path
    words: Path
    real: Path | None


@dataclass(frozen=True)
class Mixture:
    """What a stage's batches hold.

    Attributes:
        crop: width and height of the small canvas, or None for whole documents.
        lines: fewest and most lines of a crop.
        text: whether pages come with an exercise, or only with their glyphs.
        read: share of synthetic pages that are to be written out.
        real: share of real pages.
        slips: share of answer letters shown wrong.
    """

    crop: tuple[int, int] | None = None
    lines: tuple[int, int] = (1, 6)
    text: bool = True
    read: float = 0.3
    real: float = 0.0
    slips: float = 0.02


class Feed(IterableDataset[dict[str, Tensor]]):
    """Batches without end; every worker of every rank draws its own."""

    def __init__(
        self,
        sources: Sources,
        mixture: Mixture,
        canvas: Canvas,
        vision: VisionConfig,
        batch: int,
        seed: int,
    ) -> None:
        self.sources, self.mixture, self.canvas = sources, mixture, canvas
        self.vision, self.batch, self.seed = vision, batch, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        factory = PageFactory(self.sources.fonts, self.sources.words)
        scans = []
        if self.mixture.real and self.sources.real:
            scans = real.load(self.sources.real, "train")
        encoder = Encoder(self.vision, self.canvas, self.mixture.slips)
        while True:
            samples: list[Sample] = []
            while len(samples) < self.batch:
                sample = self._sample(factory, scans, encoder, rng)
                if sample is not None:
                    samples.append(sample)
            yield stack(samples, self.canvas, self.vision)

    def _sample(
        self,
        factory: PageFactory,
        scans: list[real.RealPage],
        encoder: Encoder,
        rng: np.random.Generator,
    ) -> Sample | None:
        if self.mixture.crop:
            page = factory.crop(rng, *self.mixture.crop, self.mixture.lines)
            task = self._aloud(encoder, page) if self.mixture.text else None
            return encoder.encode(page.pixels, page.glyphs, task, rng)
        budget = self.canvas.image_tokens
        if scans and rng.random() < self.mixture.real:
            page = scans[int(rng.integers(len(scans)))].varied(rng, budget)
            return encoder.encode(page.pixels, page.glyphs, _about_scan(page, rng), rng, origin=1)
        if rng.random() < 0.4:
            budget = int(budget * rng.uniform(0.55, 1.0))
        page = factory.document(rng, budget)
        aloud = rng.random() < self.mixture.read or not page.record
        task = self._aloud(encoder, page) if aloud else ask(page.record, rng)
        sample = encoder.encode(page.pixels, page.glyphs, task, rng)
        if sample is None:  # the list is too long for the canvas: ask without lists
            short = {
                key: value for key, value in page.record.items() if not isinstance(value, list)
            }
            task = ask(short, rng) if short else self._aloud(encoder, page)
            sample = encoder.encode(page.pixels, page.glyphs, task, rng)
        return sample

    def _aloud(self, encoder: Encoder, page: SyntheticPage) -> Exercise:
        height, width = page.pixels.shape
        return read_aloud(page.lines, encoder.room((height // 14, width // 14)) - _PROMPT_ROOM)


class HeldOut(Dataset[Sample]):
    """Pages never trained on, shown plainly: real ones by their main keys, drawn ones in full."""

    def __init__(
        self, sources: Sources, canvas: Canvas, vision: VisionConfig, split: str, drawn: int = 128
    ) -> None:
        self.sources, self.split = sources, split
        self.encoder = Encoder(vision, canvas)
        self.scans = real.load(sources.real, split) if split != "drawn" and sources.real else []
        self.size = drawn if split == "drawn" else len(self.scans)
        self.factory: PageFactory | None = None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng([2**31 - 1, index])
        if self.split != "drawn":
            page = self.scans[index].plain(self.encoder.canvas.image_tokens)
            record = {key: page.record.get(key) for key in MAIN_KEYS}
            sample = self.encoder.encode(page.pixels, page.glyphs, exercise(record), rng, origin=1)
            assert sample is not None
            return sample
        if self.factory is None:
            self.factory = PageFactory(self.sources.fonts, self.sources.words)
        page = self.factory.document(rng, self.encoder.canvas.image_tokens)
        flat = {key: value for key, value in page.record.items() if not isinstance(value, list)}
        while (
            sample := self.encoder.encode(page.pixels, page.glyphs, exercise(flat), rng)
        ) is None:
            flat.popitem()
        return sample


def _about_scan(page: SyntheticPage, rng: np.random.Generator) -> Exercise:
    if rng.random() < 0.5:
        return exercise({key: page.record[key] for key in MAIN_KEYS if key in page.record})
    order = [*MAIN_KEYS[:3], "time", "currency", "subtotal", "total", "payment_method"]
    return ask({key: page.record[key] for key in order if key in page.record}, rng)


class Pool:
    """Batches that wait for nobody: while no new one has come, an earlier one is shown again.

    Drawing is slower than learning in the first stage. `uses` bounds how often a batch is shown.
    """

    def __init__(self, batches: Iterator[dict[str, Tensor]], uses: int, seed: int) -> None:
        self._batches, self._uses = batches, uses
        self._fresh: Queue[dict[str, Tensor]] = Queue(maxsize=2)
        self._kept: list[tuple[dict[str, Tensor], int]] = []
        self._rng = np.random.default_rng(seed)
        self._closed = Event()
        self.repeats = 0
        Thread(target=self._pull, daemon=True).start()

    def take(self) -> dict[str, Tensor]:
        """The next batch, in the loader's memory."""
        if self._kept and self._fresh.empty():
            batch, left = self._kept.pop(int(self._rng.integers(len(self._kept))))
            self.repeats += 1
        else:
            batch, left = self._fresh.get(), self._uses
        if left > 1:
            self._kept.append((batch, left - 1))
            del self._kept[:-24]
        return batch

    def close(self) -> None:
        """Stop drawing."""
        self._closed.set()
        while not self._fresh.empty():
            self._fresh.get()

    def _pull(self) -> None:
        for batch in self._batches:
            if self._closed.is_set():
                return
            self._fresh.put(batch)


def loader(feed: Feed, workers: int) -> DataLoader[dict[str, Tensor]]:
    """Batches from `workers` low-priority processes, in pinned memory where there is a GPU."""
    return DataLoader(
        feed,
        batch_size=None,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=2 if workers else None,
        worker_init_fn=_settle,
    )


def held_out(
    sources: Sources, canvas: Canvas, vision: VisionConfig, split: str, batch: int, workers: int
) -> list[dict[str, Tensor]]:
    """All batches of a held-out split, kept in memory."""
    pages = HeldOut(sources, canvas, vision, split)
    collate = partial(stack, canvas=canvas, vision=vision)
    return list(
        DataLoader(
            pages, batch_size=batch, num_workers=workers, collate_fn=collate, worker_init_fn=_settle
        )
    )


def _settle(worker: int) -> None:
    """A worker yields to the training process and does its own work alone."""
    os.nice(19)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
