"""What the engine is asked for, an answer as it grows, and what comes back."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from zamba2_vl.engine.laps import Clock, Timings
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.engine.wording import GrowingText
from zamba2_vl.errors import InputError
from zamba2_vl.image import PatchGrid
from zamba2_vl.tokenizer import Tokenizer

FinishReason = Literal["stop", "length", "cancelled"]


Weigh: TypeAlias = Callable[[Tensor], Tensor]
"""Logits (vocabulary,) to those by which a token is chosen, as far as the grammar allows it. On a
GPU it becomes part of a CUDA graph: it must not look at values."""


class Constraint(Protocol):
    """A grammar, followed token by token. It serves one request and is used up by it."""

    def allowed(self) -> npt.NDArray[np.bool_] | Tensor:
        """(vocabulary,) bool, True for a token that may come next; ids beyond it may not."""

    def forced(self) -> list[int]:
        """Tokens that must come next, whatever the model thinks; empty where it has a choice."""

    def accept(self, token_id: int) -> None:
        """The token has been written, forced tokens included."""

    def finished(self) -> bool:
        """Whether nothing may follow."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer.

    `logprob`: natural logarithm of the probability that the model itself gives the token, before
    temperature, top-p and grammar; 0 where the grammar forced it and the model was not asked.
    `text`: the text that this token completes. It lags where a letter or a stop string may be
    unfinished, and is empty unless somebody listens (`Request.on_token`).
    """

    id: int
    logprob: float
    forced: bool
    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """A prompt and how to continue it.

    `prompt`: token ids, with one image token for each merge unit of each picture in `images`.
    `max_new_tokens` counts forced tokens too. `temperature` 0 takes the likeliest token; above it,
    `top_p` cuts the unlikely tail off and `seed` makes the draw repeatable. The answer ends before
    the first of the `stop` strings, or with one of the `end_tokens`. `weigh`, if given,
    changes the logits that tokens are chosen by. `on_token` is called with each token; an exception
    that it raises ends the request and reaches the caller.

    Raises InputError where a figure makes no sense.
    """

    prompt: Sequence[int]
    images: Sequence[PatchGrid] = ()
    max_new_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: Sequence[str] = ()
    end_tokens: frozenset[int] = frozenset()
    constraint: Constraint | None = None
    weigh: Weigh | None = None
    on_token: Callable[[Token], Any] | None = None

    def __post_init__(self) -> None:
        if not len(self.prompt):
            raise InputError("the prompt is empty")
        if self.max_new_tokens < 1:
            raise InputError(f"max_new_tokens must be at least 1, not {self.max_new_tokens}")
        if not self.temperature >= 0:
            raise InputError(f"temperature must not be negative, but is {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p must lie in (0, 1], not at {self.top_p}")
        if isinstance(self.stop, str) or not all(self.stop):
            raise InputError("stop must be a list of strings that are not empty")


@dataclass(frozen=True)
class Generation:
    """An answer.

    `token_ids`, `logprobs`, `forced`: one entry a token, the end token included where the model
    wrote one; `text` holds neither it nor the stop string. `finish_reason`: `stop` (an end token, a
    stop string or the end of the grammar), `length`, or `cancelled`.
    """

    text: str
    token_ids: list[int]
    logprobs: list[float]
    forced: list[bool]
    finish_reason: FinishReason
    prompt_tokens: int
    timings: Timings


class Answer:
    """The state of one request.

    `unread` holds its tokens that the model has not seen yet; `prefix` what its prompt may share
    with others; `error` what its grammar or its listener raised, which ends this answer and no
    other.
    """

    def __init__(self, request: Request, tokenizer: Tokenizer | None) -> None:
        self.request = request
        self.clock = Clock()
        self.random = random.Random(request.seed)
        self.prefix: Prefix | None = None
        self.unread: list[int] = []
        self.finish_reason: FinishReason | None = None
        self.error: Exception | None = None
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._logprobs: list[float] = []
        self._forced: list[bool] = []
        # Without a listener the text is decoded once, at the end.
        grows = bool(request.stop) or (request.on_token is not None and tokenizer is not None)
        self._text = GrowingText(tokenizer, request.stop) if grows else None

    @property
    def finished(self) -> bool:
        return self.finish_reason is not None

    def cancel(self) -> None:
        """End the answer as it is; the engine takes it out before its next step."""
        self._finish("cancelled")

    def fail(self, error: Exception) -> None:
        """End the answer because its grammar or its listener raised."""
        self.error = error
        self._finish("cancelled")

    def begin(self) -> None:
        """Write what the grammar forces at the very start, so that it is read with the prompt."""
        try:
            self._follow_grammar()
        except Exception as error:
            self.fail(error)

    def accept(self, token_id: int, logprob: float) -> None:
        """Take in a token that the model chose, and those that the grammar forces after it."""
        if self.finished:
            return
        if self.clock.first_token is None:
            self.clock.first_token = time.perf_counter()
        try:
            self._write(token_id, logprob, forced=False)
            self._follow_grammar()
        except Exception as error:
            self.fail(error)

    def result(self) -> Generation:
        """The finished answer. Raises what its grammar or its listener raised."""
        if self.error is not None:
            raise self.error
        if self.finish_reason is None:
            raise RuntimeError("the answer is not finished")
        return Generation(
            text=self._final_text(),
            token_ids=self._ids,
            logprobs=self._logprobs,
            forced=self._forced,
            finish_reason=self.finish_reason,
            prompt_tokens=len(self.request.prompt),
            timings=self.clock.timings(),
        )

    def _follow_grammar(self) -> None:
        constraint = self.request.constraint
        if constraint is None or self.finished:
            return
        for token_id in constraint.forced():
            self._write(token_id, 0.0, forced=True)
            if self.finished:
                return
        if constraint.finished():
            self._finish("stop")

    def _write(self, token_id: int, logprob: float, forced: bool) -> None:
        self._ids.append(token_id)
        self._logprobs.append(logprob)
        self._forced.append(forced)
        self.unread.append(token_id)
        text = ""
        if token_id in self.request.end_tokens:
            self._finish("stop")
        else:
            constraint = self.request.constraint
            if constraint is not None:
                constraint.accept(token_id)
                if constraint.finished():
                    self._finish("stop")
            text = self._grow(token_id)
        if len(self._ids) >= self.request.max_new_tokens:
            self._finish("length")
        if self._text is not None and self.finished:
            text += self._text.flush()
        if self.request.on_token is not None:
            self.request.on_token(Token(token_id, logprob, forced, text))

    def _grow(self, token_id: int) -> str:
        if self._text is None:
            return ""
        text = self._text.push(token_id)
        if self._text.stopped:
            self._finish("stop")
        return text

    def _finish(self, reason: FinishReason) -> None:
        if self.finish_reason is None:
            self.finish_reason = reason
            self.clock.finished = time.perf_counter()

    def _final_text(self) -> str:
        if self._text is not None:
            self._text.flush()
            return self._text.released
        if self._tokenizer is None:
            return ""
        ended = bool(self._ids) and self._ids[-1] in self.request.end_tokens
        return self._tokenizer.decode(self._ids[:-1] if ended else self._ids)
