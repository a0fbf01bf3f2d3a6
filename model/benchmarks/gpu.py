"""`python -m benchmarks.gpu`: first token, decoding, documents and memory of this engine, of
transformers' Zamba2 and of the peers' language models on one card in one run, beside the floors
that the card itself sets. Prints a line as soon as it is measured and the table at the end; judges
nothing.

Weights are random. Floors: multiply-adds of the prompt over the rate of a large matrix product, a
shared block as often as it runs; bytes of a decoding step over the bandwidth, a shared block's at
every use.
"""

import argparse
import gc
import json
import sys
import time
import traceback
from argparse import RawTextHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.card import measure, seconds
from benchmarks.ours import Ours
from benchmarks.published import PEERS, SIZES, zamba2_vl
from benchmarks.usual import Usual, mamba_ssm_version
from benchmarks.work import prefill_operations, step_bytes, text_operations
from training.bundled import configuration
from zamba2_vl.config import Zamba2VLConfig

LENGTHS = (1024, 4096, 16384, 32768)
# Words in front of a decoding step: a page and its question.
CONTEXT = 1900
BATCH = 32
# Visual tokens of an invoice, and the letters of its answer.
ROWS, COLUMNS, ANSWER = 50, 32, 300

TINY_PEER = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 128,
}


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

    def ours(self, result: Result, text: Zamba2VLConfig, whole: Zamba2VLConfig) -> None:
        """This engine: the language model alone, then whole documents."""
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
        for rows in (1, self.plan.batch):
            traffic = step_bytes(config.text, rows, self.plan.context, self.dtype.itemsize)
            result.step_floor[rows] = traffic / self.card.bandwidth

    def _prompts(self, result: Result, reader: Callable[[int], Callable[[], object]]) -> None:
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
        context = rows * columns + self.plan.answer // 2
        step = step_bytes(config.text, 1, context, self.dtype.itemsize) / self.card.bandwidth
        result.document_floor = work + self.plan.answer * step
        read = model.document_reader(1, rows, columns, self.plan.answer)
        result.document = self._median(read, most=3)
        self._say(result, "document", result.document, result.document_floor)
        read = model.document_reader(self.plan.batch, rows, columns, self.plan.answer)
        result.documents = self._median(read, most=1)
        self._say(result, f"{self.plan.batch} documents", result.documents, None)

    def _median(self, action: Callable[[], object], most: int = 5) -> float:
        """After one call that does not count; as often as the plan has time, at least once."""
        action()
        times: list[float] = []
        while not times or (len(times) < most and sum(times) < self.plan.seconds):
            times.append(self._seconds(action))
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


def table(results: Sequence[Result], plan: Plan) -> str:
    """The results in Markdown; `x` figures are ratios to floors."""
    lengths, batch = plan.lengths, plan.batch
    head = ["model", "stack", *(f"{n} ms" for n in lengths), "step ms"]
    head += [f"{batch} rows, tokens/s", "GiB", "document s", f"{batch} documents, 1/s"]
    lines = [head, ["---"] * len(head)]
    for r in results:
        cells = [r.model, r.stack]
        cells += [_cell(r.first_token.get(n), r.first_token_floor.get(n), 1e3) for n in lengths]
        cells.append(_cell(r.step.get(1), r.step_floor.get(1), 1e3))
        several, one = r.step.get(batch), r.step.get(1)
        gain = "" if several is None or one is None else f" ({batch * one / several:.1f} x one)"
        cells.append("" if several is None else f"{batch / several:.0f}{gain}")
        cells.append("" if r.peak is None else f"{r.peak / 2**30:.2f}")
        cells.append(_cell(r.document, r.document_floor, 1))
        cells.append("" if r.documents is None else f"{batch / r.documents:.1f}")
        if r.failed:
            cells[-1] += f" failed: {r.failed}"
        lines.append(cells)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _cell(measured: float | None, floor: float | None, scale: float) -> str:
    if measured is None:
        return ""
    figure = f"{measured * scale:.3g}" if measured * scale < 100 else f"{measured * scale:.0f}"
    return figure if floor is None else f"{figure} ({measured / floor:.2f}x)"


def contenders(bench: Bench, rehearse: bool) -> dict[str, tuple[Result, Callable[[Result], None]]]:
    """By the name that `--models` takes: who is measured, and how."""
    entries: dict[str, tuple[Result, Callable[[Result], None]]] = {}
    sizes = {"tiny": configuration(tiny=True)} if rehearse else {n: zamba2_vl(n) for n in SIZES}
    for size, whole in sizes.items():
        text, name = Zamba2VLConfig(whole.text), f"Zamba2-{size}"
        entries[f"ours:{size}"] = Result(name, "ours"), partial(bench.ours, text=text, whole=whole)
        reference = partial(bench.reference, config=text)
        entries[f"reference:{size}"] = Result(name, "transformers"), reference
    for name, (kind, options) in PEERS.items():
        if rehearse:
            options = {**options, **TINY_PEER}
        entries[name] = (
            Result(name, "transformers"),
            partial(bench.peer, kind=kind, options=options),
        )
    return entries


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 where something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RawTextHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", metavar="M", help="1.2B, ours:2.7B, Qwen3-VL-2B, ..."
    )
    parser.add_argument("--lengths", type=_numbers, help="of prompts: 1024,4096")
    parser.add_argument("--seconds", type=float, help="for one figure")
    parser.add_argument("--json", type=Path, help="also write everything here")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer figures, each measured less: within a minute a model",
    )
    parser.add_argument("--rehearse", action="store_true", help="tiny models, on the CPU too")
    given = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not given.rehearse:
        parser.error("there is no CUDA device: --rehearse goes through every stage without one")
    plan = Plan.rehearsal() if given.rehearse else Plan.quick() if given.quick else Plan()
    chosen = {"lengths": given.lengths, "seconds": given.seconds}
    plan = replace(plan, **{name: value for name, value in chosen.items() if value is not None})
    torch.manual_seed(0)
    with torch.inference_mode():
        bench = Bench(device, plan)
        print(
            f"{bench.card}; torch {torch.__version__}, mamba-ssm {mamba_ssm_version()}", flush=True
        )
        results: list[Result] = []
        for name, (result, fill) in contenders(bench, given.rehearse).items():
            if given.models and not {name, name.partition(":")[2]} & set(given.models):
                continue
            results.append(result)
            try:
                fill(result)
            except Exception as error:
                traceback.print_exc()
                result.failed = f"{type(error).__name__}: {error}".splitlines()[0]
            bench.forget()
            if given.json is not None:
                record = {"card": asdict(bench.card), "plan": asdict(plan), "results": results}
                given.json.write_text(json.dumps(record, default=asdict, indent=1) + "\n")
    print("\n" + table(results, plan))
    return int(any(result.failed for result in results))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
