"""Who is served next: continuous batching in its simple form.

The first rows of the cache are the running answers. The last row takes the next prompt in while
the others run; once it is read, its state moves up to them. When an answer is finished, the last
running one takes its row, so that a step always works on rows without gaps.
"""

from collections import deque

import torch

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.cache import Cache
from zamba2_vl.engine.decode import decode, lay_out
from zamba2_vl.engine.prefill import Prefill, language_model
from zamba2_vl.engine.request import Answer
from zamba2_vl.engine.sampling import choose


class Scheduler:
    """Requests in the order of their arrival, at most `slots` at a time."""

    def __init__(self, model: Model, slots: int, chunk: int) -> None:
        self._model = model
        self._decoder = language_model(model)
        lay_out(self._decoder)
        weight = self._decoder.model.embed_tokens.weight
        self._cache = Cache(self._decoder.config, weight.device, weight.dtype)
        self._slots = slots
        self._chunk = chunk
        self._waiting: deque[Answer] = deque()
        self._filling: Prefill | None = None
        self._running: list[Answer] = []

    def add(self, answer: Answer) -> None:
        """Put an answer at the end of the queue."""
        self._waiting.append(answer)

    def step(self) -> None:
        """Read a chunk of a prompt, if one is waiting; then move every running answer on."""
        self._drop_finished()
        self._admit()
        self._fill()
        self._drop_finished()
        if self._running:
            state = self._cache.first(len(self._running))
            self._accept(decode(self._decoder, state, self._running), self._running)

    def cancel_all(self) -> None:
        """Give every request up; the state of the rows may be torn."""
        for answer in (*self._waiting, *self._running):
            answer.cancel()
        if self._filling is not None:
            self._filling.answer.cancel()
        self._waiting.clear()
        self._running.clear()
        self._filling = None

    def _admit(self) -> None:
        while self._waiting and self._waiting[0].finished:
            self._waiting.popleft()
        if self._filling is not None or not self._waiting or len(self._running) == self._slots:
            return
        answer = self._waiting.popleft()
        answer.begin()
        if answer.finished:
            return
        crowd = len(self._running) + 1 + len(self._waiting)
        tokens = max(_tokens(waiting) for waiting in (answer, *self._waiting))
        self._cache.grow(min(self._slots, crowd), tokens)
        row = self._cache.rows - 1
        self._filling = Prefill(self._model, answer, self._cache.fresh(row))

    def _fill(self) -> None:
        if self._filling is None:
            return
        logits = self._filling.advance(self._chunk)
        if logits is None:
            return
        answer = self._filling.answer
        self._filling = None
        self._cache.move(self._cache.rows - 1, len(self._running))
        self._running.append(answer)
        self._accept(logits, [answer])

    def _accept(self, logits: torch.Tensor, answers: list[Answer]) -> None:
        ids, logprobs = choose(logits, answers)
        for answer, token_id, logprob in zip(answers, ids, logprobs, strict=True):
            answer.accept(token_id, logprob)

    def _drop_finished(self) -> None:
        if self._filling is not None and self._filling.answer.finished:
            self._filling = None
        for row in reversed(range(len(self._running))):
            if self._running[row].finished:
                self._cache.move(len(self._running) - 1, row)
                self._running[row] = self._running[-1]
                self._running.pop()


def _tokens(answer: Answer) -> int:
    """Room that an answer may need."""
    return len(answer.request.prompt) + answer.request.max_new_tokens
