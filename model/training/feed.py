"""Endless batches of pages, drawn and encoded in worker processes."""

import os
import traceback
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
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

from training import counted, real
from training.counted.store import CUTOUTS
from training.counting import UNSURE, ask_count, count_exercise, object_glyphs
from training.questions import READ, Exercise, ask, exercise, read_aloud
from training.samples import Batch, Canvas, Encoder, Sample, stack
from training.scenes.factory import SceneFactory
from training.scenes.objects import OBJECTS
from training.scenes.stage import Scene
from training.synthetic.pages import PageFactory, SyntheticPage
from zamba2_vl.config import VisionConfig

MAIN_KEYS = {
    "receipt": ("merchant_name", "merchant_address", "date", "total"),
    "invoice": (
        "invoice_number",
        "issue_date",
        "due_date",
        "seller_name",
        "currency",
        "total",
        "iban",
    ),
}
"""What held-out pages of each kind are asked, and half of the real ones that are taught."""
_RECEIPT = (
    *MAIN_KEYS["receipt"][:3],
    "time",
    "currency",
    "subtotal",
    "total",
    "payment_method",
)
_KEPT = 24
"""Batches that a pool keeps to show again."""


@dataclass(frozen=True)
class Sources:
    """Where pages come from: fonts and words for drawn ones, a prepared folder of real ones, in
    which there may be photos of counted things."""

    fonts: Path
    words: Path
    real: Path | None

    @property
    def cutouts(self) -> Path | None:
        """Things cut out of photos, where there are any."""
        folder = self.real / CUTOUTS if self.real else None
        return folder if folder and folder.exists() else None


@dataclass(frozen=True)
class Mixture:
    """What a stage's batches hold.

    Attributes:
        crop: width and height in pixels of a small sheet, or None for whole documents.
        lines: fewest and most lines of a crop.
        text: whether pages come with an exercise, or only with their glyphs.
        read: share of synthetic pages that are to be written out.
        real: share of real pages, of those that do not count.
        count: share of pictures in which things are counted.
        photos: share of photos among these.
        slips: share of answer letters shown wrong.
    """

    crop: tuple[int, int] | None = None
    lines: tuple[int, int] = (1, 6)
    text: bool = True
    read: float = 0.3
    real: float = 0.0
    count: float = 0.0
    photos: float = 0.35
    slips: float = 0.02


@dataclass(frozen=True)
class Sheet:
    """One batch shape.

    Attributes:
        batch: pages a GPU and step.
        share: of the steps, beside the stage's other sheets.
        least: smallest budget that its pages are drawn for, in visual tokens.
    """

    canvas: Canvas
    batch: int
    share: float = 1.0
    least: int = 0


class Feed(IterableDataset[Batch]):
    """Batches without end; every worker of every rank draws its own."""

    def __init__(
        self,
        sources: Sources,
        mixture: Mixture,
        sheets: Sequence[Sheet],
        vision: VisionConfig,
        seed: int,
    ) -> None:
        self.sources, self.mixture, self.sheets = sources, mixture, sheets
        self.vision, self.seed = vision, seed
        self._drawn = self._failed = 0

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        desk = Desk(self.sources, self.mixture)
        shares = np.array([sheet.share for sheet in self.sheets])
        while True:
            sheet = self.sheets[int(rng.choice(len(self.sheets), p=shares / shares.sum()))]
            yield self.batch(desk, sheet, rng)

    def batch(self, desk: "Desk", sheet: Sheet, rng: np.random.Generator) -> Batch:
        """A batch of one sheet, the pages that came out too large for it left out."""
        encoder = Encoder(self.vision, sheet.canvas, self.mixture.slips, cut=True)
        samples: list[Sample] = []
        while len(samples) < sheet.batch:
            sample = self._sample(desk, encoder, sheet.least, rng)
            if sample is not None:
                samples.append(sample)
        return stack(samples, sheet.canvas, self.vision)

    def _sample(
        self, desk: "Desk", encoder: Encoder, least: int, rng: np.random.Generator
    ) -> Sample | None:
        """The desk's next. One page in thousands that can't be drawn must not end a run that costs:
        it leaves its trace on the terminal; more than one in a hundred end it."""
        self._drawn += 1
        try:
            return desk.sample(encoder, least, rng)
        except Exception:
            self._failed += 1
            if self._failed > 1 + self._drawn // 100:
                raise
            traceback.print_exc()
            return None


class Desk:
    """Takes one page after the other, as a mixture wants them, and sets an exercise about it."""

    def __init__(self, sources: Sources, mixture: Mixture) -> None:
        self.mixture = mixture
        self.factory = PageFactory(sources.fonts, sources.words)
        self.tray: real.Tray | None = None
        if mixture.real and sources.real:
            self.tray = real.Tray(sources.real, sources.fonts, sources.words)
        self.scenes: SceneFactory | None = None
        self.album: counted.Album | None = None
        if mixture.count:
            self.scenes = SceneFactory(sources.fonts, sources.words, sources.cutouts)
            strange = self.scenes.strange
            self.album = counted.Album(sources.real, strange) if sources.real else None

    def sample(self, encoder: Encoder, least: int, rng: np.random.Generator) -> Sample | None:
        """The next page, or None where it came out too large for the canvas.

        `least`: the smallest budget of visual tokens that a document is drawn for.
        """
        if self.mixture.crop:
            return self._crop(encoder, self.mixture.crop, rng)
        budget = encoder.canvas.image_tokens
        if rng.random() < 0.6:
            budget = int(rng.integers(max(least, int(0.4 * budget)), budget + 1))
        if self.scenes and rng.random() < self.mixture.count:
            return self._picture(encoder, self.scenes, budget, rng)
        if self.tray and rng.random() < self.mixture.real:
            return self._scan(encoder, self.tray, budget, rng)
        return self._document(encoder, budget, rng)

    def _crop(
        self, encoder: Encoder, size: tuple[int, int], rng: np.random.Generator
    ) -> Sample | None:
        page = self.factory.crop(rng, *size, self.mixture.lines)
        return encoder.encode(page.pixels, page.glyphs, self._task(encoder, page, True, rng), rng)

    def _scan(
        self, encoder: Encoder, tray: real.Tray, budget: int, rng: np.random.Generator
    ) -> Sample | None:
        page = tray.page(rng, budget)
        return encoder.encode(page.pixels, page.glyphs, self._task(encoder, page, False, rng), rng)

    def _picture(
        self, encoder: Encoder, scenes: SceneFactory, budget: int, rng: np.random.Generator
    ) -> Sample | None:
        """Things to count, in a photo or drawn."""
        unsure: Collection[str] = ()
        if self.album and rng.random() < self.mixture.photos:
            scene, kind = self.album.scene(rng, budget)
            unsure = UNSURE[kind]
        else:
            scene = scenes.scene(rng, budget)
        task = ask_count(scene, rng, unsure) if self.mixture.text else None
        return encoder.encode(scene.pixels, object_glyphs(scene), task, rng)

    def _document(self, encoder: Encoder, budget: int, rng: np.random.Generator) -> Sample | None:
        page = self.factory.document(rng, budget)
        aloud = rng.random() < self.mixture.read or not page.record
        return encoder.encode(page.pixels, page.glyphs, self._task(encoder, page, aloud, rng), rng)

    def _task(
        self, encoder: Encoder, page: SyntheticPage, aloud: bool, rng: np.random.Generator
    ) -> Exercise | None:
        if not self.mixture.text:
            return None
        if aloud:
            return read_aloud(page.lines, encoder.room(page.pixels, READ))
        if page.lines:
            return ask(page.record, rng)
        return _about_scan(page, rng) if page.record else None


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
    """Pages that are not trained on, shown plainly and asked for what is known of the main keys.

    Leaves are numbered by the key's place among them, whichever are asked.
    """

    def __init__(self, pages: Sequence[real.RealPage], encoder: Encoder) -> None:
        self.pages, self.encoder = pages, encoder

    def __len__(self) -> int:
        return len(self.pages)

    def __getitem__(self, index: int) -> Sample:
        scan, rng = self.pages[index], np.random.default_rng(index)
        page, keys = scan.plain(self.encoder.canvas.image_tokens), MAIN_KEYS[scan.kind]
        asked = [key for key in keys if key in scan.record]
        task = exercise({key: scan.record[key] for key in asked})
        places = [0, *(keys.index(key) + 1 for key in asked)]
        answer = [replace(piece, field=places[piece.field]) for piece in task.answer]
        sample = self.encoder.encode(page.pixels, page.glyphs, Exercise(task.question, answer), rng)
        if sample is None:
            raise ValueError(f"{scan.path} does not fit {self.encoder.canvas}")
        return sample


class CountedPhotos(Dataset[Sample]):
    """Photos that are not trained on, shown plainly and asked for what is counted in them."""

    def __init__(self, photos: Sequence[counted.CountedPhoto], encoder: Encoder) -> None:
        self.photos, self.encoder = photos, encoder

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Sample:
        photo = self.photos[index]
        scene = photo.plain(self.encoder.canvas.image_tokens)
        return _counted(scene, photo.kind, self.encoder, index)


class DrawnScenes(Dataset[Sample]):
    """Scenes whose seeds training never meets, asked for one object after the other: for one that
    is in sight and, in every fourth, for one that is not."""

    def __init__(self, sources: Sources, encoder: Encoder, count: int) -> None:
        self.sources, self.encoder, self.count = sources, encoder, count
        self.factory: SceneFactory | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        # Made where it is used: typefaces do not travel between processes.
        self.factory = self.factory or SceneFactory(
            self.sources.fonts, self.sources.words, self.sources.cutouts
        )
        rng = np.random.default_rng([2**31 - 2, index])
        scene = self.factory.scene(rng, self.encoder.canvas.image_tokens)
        absent = [name for name in OBJECTS if name not in scene.marks]
        names = absent if index % 4 == 3 or not scene.marks else sorted(scene.marks)
        return _counted(scene, names[index % len(names)], self.encoder, index)


def _counted(scene: Scene, name: str, encoder: Encoder, index: int) -> Sample:
    task, rng = count_exercise(name, scene), np.random.default_rng(index)
    sample = encoder.encode(scene.pixels, object_glyphs(scene), task, rng)
    if sample is None:
        raise ValueError(f"the picture of every {name} does not fit {encoder.canvas}")
    return sample


def _without_lists(page: SyntheticPage) -> dict[str, Any]:
    return {key: value for key, value in page.record.items() if not isinstance(value, list)}


def _about_scan(page: SyntheticPage, rng: np.random.Generator) -> Exercise:
    main = [key for key in MAIN_KEYS.get(page.kind, ()) if key in page.record]
    if main and rng.random() < 0.5:
        return exercise({key: page.record[key] for key in main})
    keys = _RECEIPT if page.kind == "receipt" else page.record
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
