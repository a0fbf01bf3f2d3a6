"""Who is served next: continuous batching in the order of arrival.

The first rows of the memory are the running answers. The last row takes the next prompt in while
the others run; once it is read, its state moves up to them. When an answer is finished, the last
running one takes its row, so that a step always works on rows without gaps.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.memory import Memory
from zamba2_vl.engine.pictures import Pictures
from zamba2_vl.engine.prefill import Prefill
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.engine.request import Answer
from zamba2_vl.engine.sampling import continue_with
from zamba2_vl.errors import InputError
from zamba2_vl.model import VisionLanguageModel


class Steps(Protocol):
    """How running answers move on."""

    def step(self, answers: Sequence[Answer]) -> None:
        """Move answers on, each in the row of its place."""

    def read(self, embeds: Tensor) -> Tensor:
        """Let the last row take in a part of a prompt, (1, length, hidden); the logits after it."""

    def settle(self) -> None:
        """Be done with all that the device has been asked for."""


class Scheduler:
    """Requests in the order of their arrival, at most `slots` at a time.

    A step reads at most `chunk` tokens of prompts. Pictures of up to `together` patches are seen
    at once.
    """

    def __init__(
        self,
        model: Model,
        memory: Memory,
        steps: Steps,
        slots: int,
        chunk: int,
        together: int,
    ) -> None:
        self._model = model
        self._memory = memory
        self._steps = steps
        self._slots = slots
        self._chunk = chunk
        self._pictures: Pictures | None = None
        self._image_token: int | None = None
        if isinstance(model, VisionLanguageModel):
            self._pictures = Pictures(model, together)
            self._image_token = model.config.image_token_index
        self._waiting: deque[Answer] = deque()
        self._filling: Prefill | None = None
        self._running: list[Answer] = []

    def add(self, answer: Answer) -> None:
        """Put an answer at the end of the queue.

        Raises InputError where it could not be served even alone.
        """
        most, request = self._memory.most, answer.request
        if most is not None and _tokens(answer) > most:
            raise InputError(
                f"{len(request.prompt)} tokens of prompt and {request.max_new_tokens} of answer do "
                f"not fit into the device's memory, which holds {most}",
                "use smaller pictures, fewer pages or shorter answers",
            )
        answer.prefix = Prefix.of(request.prompt, request.images, self._image_token)
        self._waiting.append(answer)

    def step(self) -> None:
        """Read a part of the prompts that wait; then move every running answer on."""
        self._drop_finished()
        self._fill()
        self._drop_finished()
        if self._running:
            self._steps.step(self._running)

    def cancel_all(self) -> None:
        """Give every request up; the state of the rows may be torn."""
        filling = [] if self._filling is None else [self._filling.answer]
        for answer in (*self._waiting, *self._running, *filling):
            answer.cancel()
        self._drop_finished()
        self._waiting.clear()

    def _fill(self) -> None:
        """Read prompts, one after another, as far as the chunk goes."""
        room = self._chunk
        while True:
            if self._filling is None:
                self._admit()
            if self._filling is None:
                return
            filling, part = self._filling, self._filling.part(self._chunk)
            if part > room:
                return
            room -= part
            logits = filling.advance(part, self._steps.read)
            if filling.at_prefix and filling.answer.prefix is not None:
                self._memory.remember(self._memory.rows - 1, filling.answer.prefix)
            if not filling.left:
                self._filling = None
                self._begin(filling.answer, logits)

    def _begin(self, answer: Answer, logits: Tensor) -> None:
        """Let an answer run whose prompt has been read."""
        self._steps.settle()
        self._memory.move(self._memory.rows - 1, len(self._running))
        self._running.append(answer)
        continue_with(logits, [answer])

    def _admit(self) -> None:
        """Let the first in the queue begin, if there is a place for it."""
        while self._waiting and self._waiting[0].finished:
            self._forget_pictures(self._waiting.popleft())
        if not self._waiting or len(self._running) == self._slots:
            return
        answer = self._waiting[0]
        crowd = min(self._slots, len(self._running) + len(self._waiting))
        needs = [_tokens(one) for one in self._waiting]
        self._memory.grow(crowd, needs[: crowd - len(self._running)])
        row = self._memory.rows - 1
        state = self._memory.open(row, _tokens(answer), answer.prefix)
        if state is None:
            return
        self._waiting.popleft()
        answer.begin()
        if answer.finished:
            self._memory.close(row)
            self._forget_pictures(answer)
            return
        known = int(state.filled)
        images = None if known else self._look(answer)
        self._forget_pictures(answer)
        self._filling = Prefill(self._model, answer, known, images)

    def _look(self, answer: Answer) -> Tensor | None:
        """The embeddings of its pictures; those of others that wait are made along with them."""
        if self._pictures is None or answer.prefix is None:
            return None
        strange = (
            one for one in self._waiting if one.prefix and not self._memory.knows(one.prefix)
        )
        return self._pictures.take(answer, strange)

    def _forget_pictures(self, answer: Answer) -> None:
        if self._pictures is not None:
            self._pictures.forget(answer)

    def _drop_finished(self) -> None:
        if self._filling is not None and self._filling.answer.finished:
            self._memory.close(self._memory.rows - 1)
            self._filling = None
        if not any(answer.finished for answer in self._running):
            return
        self._steps.settle()
        for row in reversed(range(len(self._running))):
            if self._running[row].finished:
                self._memory.close(row)
                self._memory.move(len(self._running) - 1, row)
                self._running[row] = self._running[-1]
                self._running.pop()


def _tokens(answer: Answer) -> int:
    """Room that an answer may need."""
    return len(answer.request.prompt) + answer.request.max_new_tokens
