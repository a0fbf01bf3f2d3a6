"""Endless batches of pages, drawn and encoded in worker processes."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from training import real
from training.questions import READ, Exercise, ask, exercise, read_aloud
from training.samples import Batch, Canvas, Encoder, Sample, stack
from training.synthetic.pages import PageFactory, SyntheticPage
from zamba2_vl.config import VisionConfig

MAIN_KEYS = ("merchant_name", "merchant_address", "date", "total")
_KEPT = 24
"""Batches that a pool keeps to show again."""


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
        crop: width and height in pixels of a small sheet, or None for whole documents.
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


class Feed(IterableDataset[Batch]):
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

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        desk = Desk(
            self.sources, self.mixture, Encoder(self.vision, self.canvas, self.mixture.slips)
        )
        while True:
            samples: list[Sample] = []
            while len(samples) < self.batch:
                sample = desk.sample(rng)
                if sample is not None:
                    samples.append(sample)
            yield stack(samples, self.canvas, self.vision)


class Desk:
    """Takes one page after the other, as a mixture wants them, and sets an exercise about it."""

    def __init__(self, sources: Sources, mixture: Mixture, encoder: Encoder) -> None:
        self.mixture, self.encoder = mixture, encoder
        self.factory = PageFactory(sources.fonts, sources.words)
        self.tray: real.Tray | None = None
        if mixture.real and sources.real:
            self.tray = real.Tray(sources.real, sources.fonts, sources.words)

    def sample(self, rng: np.random.Generator) -> Sample | None:
        """The next page, or None where it came out too large for the canvas."""
        if self.mixture.crop:
            return self._crop(self.mixture.crop, rng)
        if self.tray and rng.random() < self.mixture.real:
            return self._real(self.tray, rng)
        return self._document(rng)

    def _crop(self, size: tuple[int, int], rng: np.random.Generator) -> Sample | None:
        page = self.factory.crop(rng, *size, self.mixture.lines)
        task = self._aloud(page) if self.mixture.text else None
        return self.encoder.encode(page.pixels, page.glyphs, task, rng)

    def _real(self, tray: real.Tray, rng: np.random.Generator) -> Sample | None:
        page = tray.page(rng, self.encoder.canvas.image_tokens)
        task = _about_real(page, rng) if page.record else None
        return self.encoder.encode(page.pixels, page.glyphs, task, rng)

    def _document(self, rng: np.random.Generator) -> Sample | None:
        budget = self.encoder.canvas.image_tokens
        if rng.random() < 0.4:
            budget = int(budget * rng.uniform(0.55, 1.0))
        page = self.factory.document(rng, budget)
        aloud = rng.random() < self.mixture.read or not page.record
        task = self._aloud(page) if aloud else ask(page.record, rng)
        sample = self.encoder.encode(page.pixels, page.glyphs, task, rng)
        if sample is None:  # the list is too long for the canvas: ask without lists
            short = _without_lists(page)
            task = ask(short, rng) if short else self._aloud(page)
            sample = self.encoder.encode(page.pixels, page.glyphs, task, rng)
        return sample

    def _aloud(self, page: SyntheticPage) -> Exercise:
        return read_aloud(page.lines, self.encoder.room(page.pixels, READ))


class DrawnPages(Dataset[Sample]):
    """Synthetic pages whose seeds training never meets, asked for every value outside lists."""

    def __init__(self, sources: Sources, encoder: Encoder, count: int) -> None:
        self.sources, self.encoder, self.count = sources, encoder, count
        self.factory: PageFactory | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        # Made where it is used: typefaces do not travel between processes.
        self.factory = self.factory or PageFactory(self.sources.fonts, self.sources.words)
        rng = np.random.default_rng([2**31 - 1, index])
        page = self.factory.document(rng, self.encoder.canvas.image_tokens)
        asked = _without_lists(page)
        while True:
            sample = self.encoder.encode(page.pixels, page.glyphs, exercise(asked), rng)
            if sample is not None:
                return sample
            asked.popitem()


class RealPages(Dataset[Sample]):
    """Scans of a split that is not trained on, shown plainly and asked for their main keys."""

    def __init__(self, scans: Sequence[real.RealPage], encoder: Encoder) -> None:
        self.scans, self.encoder = scans, encoder

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, index: int) -> Sample:
        page = self.scans[index].plain(self.encoder.canvas.image_tokens)
        keys = MAIN_KEYS if page.kind == "receipt" else page.record
        task = exercise({key: page.record.get(key) for key in keys})
        rng = np.random.default_rng(index)
        sample = self.encoder.encode(page.pixels, page.glyphs, task, rng)
        if sample is None:
            raise ValueError(f"{self.scans[index].path} does not fit {self.encoder.canvas}")
        return sample


def _without_lists(page: SyntheticPage) -> dict[str, Any]:
    return {key: value for key, value in page.record.items() if not isinstance(value, list)}


def _about_real(page: SyntheticPage, rng: np.random.Generator) -> Exercise:
    main = [key for key in MAIN_KEYS if key in page.record]
    if main and rng.random() < 0.5:
        return exercise({key: page.record[key] for key in main})
    order = [*MAIN_KEYS[:3], "time", "currency", "subtotal", "total", "payment_method"]
    keys = order if page.kind == "receipt" else page.record
    return ask({key: page.record[key] for key in keys if key in page.record}, rng)


class Pool:
    """Batches that wait for nobody: while no new one has come, an earlier one is shown again.

    Drawing is slower than learning in the first stage. `batches` has no end; `uses` bounds how
    often a batch is shown. A context: leaving it stops the drawing.
    """

    def __init__(self, batches: Iterator[Batch], uses: int, seed: int) -> None:
        self.repeats = 0
        self._uses = uses
        self._fresh: Queue[Batch | Exception] = Queue(maxsize=2)
        self._kept: list[tuple[Batch, int]] = []
        self._rng = np.random.default_rng(seed)
        self._closed = Event()
        self._drawing = Thread(target=self._draw, args=(batches,), daemon=True)
        self._drawing.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        while self._drawing.is_alive():
            # It may wait for room to put down a batch that nobody wants any more.
            with suppress(Empty):
                self._fresh.get(timeout=0.1)

    def take(self) -> Batch:
        """The next batch, in the loader's memory. Raises whatever ended the drawing."""
        if self._kept and self._fresh.empty():
            batch, left = self._kept.pop(int(self._rng.integers(len(self._kept))))
            self.repeats += 1
        else:
            fresh = self._fresh.get()
            if isinstance(fresh, Exception):
                raise fresh
            batch, left = fresh, self._uses
        if left > 1:
            self._kept.append((batch, left - 1))
            del self._kept[:-_KEPT]
        return batch

    def _draw(self, batches: Iterator[Batch]) -> None:
        try:
            for batch in batches:
                if self._closed.is_set():
                    return
                self._fresh.put(batch)
        except Exception as error:
            self._fresh.put(error)


def loader(feed: Feed, workers: int) -> DataLoader[Batch]:
    """Batches from `workers` low-priority processes, in pinned memory where there is a GPU."""
    return DataLoader(
        feed,
        batch_size=None,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=2 if workers else None,
        worker_init_fn=_settle,
    )


def held_out(pages: Dataset[Sample], encoder: Encoder, batch: int, workers: int) -> list[Batch]:
    """All pages in batches of one size, so that layers compile once; kept in memory."""
    collate = partial(_filled_up, batch=batch, encoder=encoder)
    return list(
        DataLoader(
            pages, batch_size=batch, num_workers=workers, collate_fn=collate, worker_init_fn=_settle
        )
    )


def _filled_up(samples: list[Sample], batch: int, encoder: Encoder) -> Batch:
    filling = [samples[-1].silent()] * (batch - len(samples))
    return stack(samples + filling, encoder.canvas, encoder.vision)


def _settle(worker: int) -> None:
    """A worker yields to the training process and does its own work alone."""
    os.nice(19)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
