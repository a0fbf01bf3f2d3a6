"""This project's engine, as its callers use it: requests in, answers out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from benchmarks.card import Prepare
from zamba2_vl.checkpoint import Model, build
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.engine.engine import Engine
from zamba2_vl.engine.request import Request, Token
from zamba2_vl.image import PatchGrid
from zamba2_vl.text.linear import QuantizedLinear

# Words of the question beside a picture.
_QUESTION = 100
# Steps of a full batch before the clock starts.
_SETTLING = 4


class Ours:
    """A model with random weights, made on the device in `dtype`."""

    def __init__(self, config: Zamba2VLConfig, device: torch.device, dtype: torch.dtype) -> None:
        self.config = config
        self._model = random_model(config, device, dtype)
        self._generator = torch.Generator().manual_seed(0)

    def reader(self, tokens: int) -> Prepare:
        """Reads prompts of so many tokens up to the first token of the answer."""
        engine = Engine(self._model, slots=1)

        def prepare() -> Callable[[], object]:
            request = Request(prompt=self._words(tokens), max_new_tokens=1)
            return lambda: engine.run([request])

        return prepare

    def step_seconds(self, rows: int, context: int, steps: int) -> float:
        """Seconds of a decoding step of `rows` answers, the mean of `steps` while all of them run,
        after prompts of `context` tokens."""
        engine = Engine(self._model, slots=rows)
        # The first to begin goes on writing while the prompts of the others are read, in parts.
        room = steps + 2 * rows * (1 + context // 256) + 2 * _SETTLING
        requests = [Request(prompt=self._words(context), max_new_tokens=room) for _ in range(rows)]
        # Twice: what is compiled and captured on the way must not count.
        _steady(engine, requests, 1)
        return _steady(engine, requests, steps)

    def stepper(self, context: int, steps: int) -> Callable[[], object]:
        """Takes one answer after a prompt of `context` tokens `steps` further at each call, at most
        a hundred times."""
        engine = Engine(self._model, slots=1)
        written: list[Token] = []
        words, room = self._words(context), 100 * steps
        engine.submit(Request(prompt=words, max_new_tokens=room, on_token=written.append))
        while not written:
            engine.step()

        def go_on() -> None:
            end = len(written) + steps
            while len(written) < end:
                engine.step()

        return go_on

    def document_reader(self, documents: int, rows: int, columns: int, answer: int) -> Prepare:
        """Reads pages of rows x columns visual tokens and writes `answer` tokens to each. No page
        is shown twice: the engine would know it again."""
        engine = Engine(self._model, slots=documents)

        def prepare() -> Callable[[], object]:
            requests = [self._document(rows, columns, answer) for _ in range(documents)]
            return lambda: engine.run(requests)

        return prepare

    def _document(self, rows: int, columns: int, answer: int) -> Request:
        vision = self.config.vision
        if vision is None or self.config.image_token_index is None:
            raise ValueError("a text-only model reads no documents")
        side = vision.spatial_merge_size
        shape = (rows * columns * vision.unit_patches, vision.patch_values)
        patches = torch.randn(shape, generator=self._generator)
        grid = PatchGrid(patches, rows * side, columns * side, rows * columns)
        prompt = [self.config.image_token_index] * grid.tokens + self._words(_QUESTION)
        return Request(prompt=prompt, images=[grid], max_new_tokens=answer)

    def _words(self, count: int) -> list[int]:
        # Below every special token.
        high = min(self.config.text.vocab_size, 32_000) - 1
        if self.config.image_token_index is not None:
            high = min(high, self.config.image_token_index)
        words: list[int] = torch.randint(0, high, (count,), generator=self._generator).tolist()
        return words


def random_model(config: Zamba2VLConfig, device: torch.device, dtype: torch.dtype) -> Model:
    """A model with random weights that never lay anywhere else or in another type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            model = build(config)
    finally:
        torch.set_default_dtype(before)
    for module in model.modules():
        if isinstance(module, QuantizedLinear):
            _draw(module, config.text.initializer_range)
    return model.eval().requires_grad_(False)


def _draw(held: QuantizedLinear, std: float) -> None:
    """Integers of any value, with scales under which they spread as fresh weights do."""
    limits = torch.iinfo(held.weight.dtype)
    held.weight.random_(limits.min, limits.max)
    # Even over 2^bits values.
    held.scale.fill_(std * 12**0.5 / 2**held.bits)


def _steady(engine: Engine, requests: Sequence[Request], steps: int) -> float:
    """Seconds a step, the mean of `steps` from where the last of the answers has begun."""
    written = [0] * len(requests)

    def listener(row: int) -> Callable[[Token], None]:
        def count(token: Token) -> None:
            written[row] += 1

        return count

    answers = [
        engine.submit(replace(request, on_token=listener(row)))
        for row, request in enumerate(requests)
    ]
    while not all(written):
        engine.step()
    for _ in range(_SETTLING):
        engine.step()
    start, done = time.perf_counter(), written[0]
    while written[0] < done + steps:
        engine.step()
    elapsed = time.perf_counter() - start
    for answer in answers:
        answer.cancel()
    engine.step()
    return elapsed / steps
