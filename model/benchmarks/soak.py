"""`python -m benchmarks.soak [--requests 2000] [--dtype bfloat16]`: the bundled model reads the
samples at many sizes, asked for many things, all requests in flight together; whether each answer
is the one that it gets alone, and whether memory stays where it is. Prints; judges nothing.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import torch
from llguidance import LLTokenizer

from docextract.pages import open_document
from docextract.prompt import compact_question
from docextract.readers.grammar import GrammarConstraint
from docextract.schema import load_schema
from zamba2_vl.api import Zamba2VL
from zamba2_vl.engine.engine import Engine
from zamba2_vl.engine.request import Answer, Generation, Request
from zamba2_vl.image import PatchGrid

MODEL = Path(__file__).parents[1]
SAMPLES = MODEL.parent / "samples"
_QUESTIONS = {
    "receipt.jpg": (
        "total money",
        "date, time, total",
        "merchant_name, merchant_address, currency",
        "line_items[description, amount], total",
    ),
    "invoice.pdf": (
        "invoice_number text",
        "issue_date, due_date, total",
        "seller_name, seller_address, buyer_name, buyer_address, iban",
        "currency, net_total, tax_total, total",
    ),
}
BUDGETS = (96, 192, 320, 512, 784, 1024, 1568)
# Tokens of one answer. One that is not whole by then is compared as far as it goes.
LONGEST = 300


@dataclass(frozen=True)
class Kind:
    """A page at a size and a question about it."""

    grid: PatchGrid
    prompt: Sequence[int]
    grammar: str


class Reader:
    """The bundled model on a device, and the kinds of request that it is given."""

    def __init__(
        self,
        device: str,
        dtype: torch.dtype,
        budgets: Sequence[int] = BUDGETS,
        longest: int = LONGEST,
    ) -> None:
        self._model = Zamba2VL.from_pretrained(MODEL / "weights", device, dtype)
        self._budgets = budgets
        self._longest = longest

    def engine(self, slots: int) -> Engine:
        return Engine(self._model.model, self._model.tokenizer, slots)

    @cached_property
    def kinds(self) -> list[Kind]:
        found = []
        for name, questions in _QUESTIONS.items():
            with open_document(SAMPLES / name) as document:
                pages = [document.render(1, budget).pixels for budget in self._budgets]
            for fields in questions:
                schema = load_schema(fields)
                for page in pages:
                    asked = self._model.request(compact_question(schema.tree), [page])
                    found.append(Kind(asked.images[0], asked.prompt, schema.grammar))
        return found

    def request(self, kind: Kind) -> Request:
        return Request(
            prompt=kind.prompt,
            images=[kind.grid],
            max_new_tokens=self._longest,
            end_tokens=self._model.end_tokens,
            constraint=GrammarConstraint(self._words, kind.grammar),
        )

    @cached_property
    def _words(self) -> LLTokenizer:
        tokenizer = Path(self._model.tokenizer.path).read_text("utf-8")
        return LLTokenizer(tokenizer, eos_token=sorted(self._model.end_tokens))


@dataclass
class Soaked:
    """What came of it.

    equal: answers token by token the one alone; fields, equal_fields: values of all answers and
    those that are the same; memory: bytes after each tenth of the requests.
    """

    requests: int = 0
    equal: int = 0
    fields: int = 0
    equal_fields: int = 0
    seconds: float = 0.0
    tokens: int = 0
    memory: tuple[int, ...] = ()

    @property
    def growth(self) -> float:
        """By how much memory is more at the end than it was half way, as a share."""
        half = max(self.memory[: len(self.memory) // 2])
        return self.memory[-1] / half - 1

    def __str__(self) -> str:
        return (
            f"{self.requests} requests, {self.tokens} tokens in {self.seconds:.1f} s; "
            f"{self.equal} answers equal, {self.equal_fields} of {self.fields} values equal; "
            f"memory {[size >> 20 for size in self.memory]} MiB, {self.growth:+.2%} since half way"
        )


def alone(reader: Reader) -> list[Generation]:
    """The answer to each kind of request with nothing beside it."""
    engine = reader.engine(slots=1)
    return [engine.run([reader.request(kind)])[0] for kind in reader.kinds]


def soak(reader: Reader, expected: Sequence[Generation], requests: int, slots: int) -> Soaked:
    """All requests at once, their kinds in random order; against the answers alone."""
    engine, rng, result = reader.engine(slots), random.Random(0), Soaked(requests)
    waiting = [rng.randrange(len(reader.kinds)) for _ in range(requests)]
    marks = [requests * tenth // 10 for tenth in range(11)]
    memory = []
    start = time.perf_counter()
    for first, last in pairwise(marks):
        # Some of the next are already queued while these are worked on.
        chosen = waiting[first:last]
        answers: list[Answer] = [engine.submit(reader.request(reader.kinds[i])) for i in chosen]
        while not all(answer.finished for answer in answers):
            engine.step()
        for i, answer in zip(chosen, answers, strict=True):
            _compare(result, answer.result(), expected[i])
        memory.append(_memory())
    result.seconds = time.perf_counter() - start
    result.memory = tuple(memory)
    return result


def _compare(result: Soaked, got: Generation, wanted: Generation) -> None:
    result.tokens += len(got.token_ids)
    result.equal += got.token_ids == wanted.token_ids
    values, others = (_values(answer.text) for answer in (got, wanted))
    result.fields += len(others)
    result.equal_fields += sum(values.get(path) == value for path, value in others.items())


def _values(text: str) -> dict[str, object]:
    """The leaves of an answer by their path; a cut-off answer is one leaf."""
    try:
        return _leaves(json.loads(text), "")
    except ValueError:
        return {"": text}


def _leaves(value: object, path: str) -> dict[str, object]:
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return {
            deeper: leaf
            for key, part in parts
            for deeper, leaf in _leaves(part, f"{path}.{key}").items()
        }
    return {path: value}


def _memory() -> int:
    """Bytes: of tensors on the card, or of this process."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), nargs="+")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    for dtype in given.dtype or ("float32", "bfloat16"):
        reader = Reader(given.device, getattr(torch, dtype))
        print(dtype, soak(reader, alone(reader), given.requests, given.slots), flush=True)


if __name__ == "__main__":
    main()
