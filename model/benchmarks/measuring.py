"""What is measured of one model after another, on one card, in one run."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from benchmarks.card import Prepare, measure, seconds
from benchmarks.ours import Ours
from benchmarks.usual import Usual
from benchmarks.work import decode_bytes, prefill_operations, step_bytes, text_operations
from zamba2_vl.config import Zamba2VLConfig

LENGTHS = (1024, 4096, 16384, 32768)
# Words in front of a decoding step: a page and its question.
CONTEXT = 1900
BATCH = 32
# Visual tokens of an invoice, and the letters of its answer.
ROWS, COLUMNS, ANSWER = 50, 32, 300


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    lengths: Sequence[int] = LENGTHS
    context: int = CONTEXT
    batch: int = BATCH
    page: tuple[int, int] = (ROWS, COLUMNS)
    answer: int = ANSWER
    steps: int = 64
    documents: bool = True
    # For one figure, beside warming up.
    seconds: float = 2.0
    # Of the matrices and the array that the card is measured with.
    side: int = 8192
    copied: int = 2**31

    @classmethod
    def quick(cls) -> "Plan":
        """For a look at one model within a minute."""
        return cls(lengths=(4096, 32768), steps=24, documents=False, seconds=0.5)

    @classmethod
    def rehearsal(cls) -> "Plan":
        """Every stage at sizes that a CPU does in seconds."""
        return cls((16, 40), 24, 3, (2, 3), 4, 2, seconds=0.0, side=64, copied=2**12)


@dataclass
class Result:
    """One model on one stack. Seconds, bytes; floors are None where nobody counted them.

    first_token: of a prompt by its length, and its floor; step: of decoding by rows, and its floor;
    peak: memory of the longest prompt, weights included; document: one, and a batch of `batch`.
    """

    model: str
    stack: str
    first_token: dict[int, float] = field(default_factory=dict)
    first_token_floor: dict[int, float] = field(default_factory=dict)
    step: dict[int, float] = field(default_factory=dict)
    step_floor: dict[int, float] = field(default_factory=dict)
    peak: int | None = None
    document: float | None = None
    document_floor: float | None = None
    documents: float | None = None
    failed: str | None = None


class Bench:
    """Measures one thing after another on one device."""

    def __init__(self, device: torch.device, plan: Plan) -> None:
        self.device = device
        self.dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.plan = plan
        self.card = measure(device, self.dtype, plan.side, plan.copied)
        self._began = time.perf_counter()

    def ours(self, result: Result, whole: Zamba2VLConfig) -> None:
        """This engine: the language model alone, then whole documents."""
        text = replace(whole, vision=None, image_token_index=None)
        self._expect(result, text)
        model = Ours(text, self.device, self.dtype)
        self._prompts(result, model.reader)
        for rows in (1, self.plan.batch):
            self._step(result, rows, model.step_seconds(rows, self.plan.context, self.plan.steps))
        if self.plan.documents:
            del model
            self._documents(result, whole)

    def reference(self, result: Result, config: Zamba2VLConfig) -> None:
        """transformers' Zamba2."""
        self._expect(result, config)
        self._usual(result, Usual.zamba2(config.text, self.device, self.dtype))

    def peer(self, result: Result, kind: str, options: dict[str, Any]) -> None:
        """Another model of transformers."""
        self._usual(result, Usual(kind, options, self.device, self.dtype))

    def _usual(self, result: Result, model: Usual) -> None:
        self._prompts(result, model.reader)
        for rows in (1, self.plan.batch):
            context, steps = self.plan.context, self.plan.steps
            self._step(result, rows, model.step_seconds(rows, context, steps, self._seconds))

    def _expect(self, result: Result, config: Zamba2VLConfig) -> None:
        """Count the floors of this shape."""
        for tokens in self.plan.lengths:
            work = sum(text_operations(config.text, tokens).values())
            result.first_token_floor[tokens] = work / self.card.products
        size, rows = self.dtype.itemsize, self.plan.batch
        held = config.quantization
        bits = None if held is None else held.language_bits
        result.step_floor[1] = decode_bytes(config.text, size, bits) / self.card.bandwidth
        batch = step_bytes(config.text, rows, self.plan.context, size, bits)
        result.step_floor[rows] = batch / self.card.bandwidth

    def _prompts(self, result: Result, reader: Callable[[int], Prepare]) -> None:
        for tokens in self.plan.lengths:
            self.forget()
            read = reader(tokens)
            result.first_token[tokens] = self._median(read)
            floor = result.first_token_floor.get(tokens)
            self._say(result, f"first token of {tokens}", result.first_token[tokens], floor)
            del read
        if self.device.type == "cuda":
            result.peak = torch.cuda.max_memory_allocated(self.device)
            self._tell(result, f"peak {result.peak / 2**30:.2f} GiB at {max(self.plan.lengths)}")

    def _step(self, result: Result, rows: int, measured: float) -> None:
        result.step[rows] = measured
        self._say(result, f"step of {rows}", measured, result.step_floor.get(rows))
        self.forget()

    def _documents(self, result: Result, config: Zamba2VLConfig) -> None:
        self.forget()
        model, (rows, columns) = Ours(config, self.device, self.dtype), self.plan.page
        work = sum(prefill_operations(config, rows, columns).values()) / self.card.products
        result.document_floor = work + self.plan.answer * result.step_floor[1]
        read = model.document_reader(1, rows, columns, self.plan.answer)
        result.document = self._median(read, most=3)
        self._say(result, "document", result.document, result.document_floor)
        read = model.document_reader(self.plan.batch, rows, columns, self.plan.answer)
        result.documents = self._median(read, most=1)
        self._say(result, f"{self.plan.batch} documents", result.documents, None)

    def _median(self, prepare: Prepare, most: int = 5) -> float:
        """After one call that does not count; as often as the plan has time, at least once."""
        prepare()()
        times: list[float] = []
        while not times or (len(times) < most and sum(times) < self.plan.seconds):
            times.append(self._seconds(prepare()))
        return sorted(times)[len(times) // 2]

    def _seconds(self, action: Callable[[], object]) -> float:
        return seconds(action, self.device)

    def forget(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def _say(self, result: Result, what: str, measured: float, floor: float | None) -> None:
        beside = "" if floor is None else f", {measured / floor:.2f} x its floor"
        self._tell(result, f"{what} {measured * 1e3:.2f} ms{beside}")

    def _tell(self, result: Result, line: str) -> None:
        spent = time.perf_counter() - self._began
        print(f"{spent:6.1f} s  {result.model}, {result.stack}: {line}", flush=True)
