"""The engine: requests in, answers out, one after another or many at once."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import torch

from zamba2_vl.checkpoint import Model
from zamba2_vl.engine.ahead import StepsAhead
from zamba2_vl.engine.cache import Cache
from zamba2_vl.engine.decode import StepsAtOnce, lay_out
from zamba2_vl.engine.memory import Memory
from zamba2_vl.engine.pages import PagedCache
from zamba2_vl.engine.prefill import language_model
from zamba2_vl.engine.request import Answer, Generation, Request, Token
from zamba2_vl.engine.scheduler import Scheduler, Steps
from zamba2_vl.errors import DeviceError, InputError
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.tokenizer import Tokenizer

# Enough that the matrix products of a chunk are large; a whole page usually fits into two, or one.
_CHUNK = {"cpu": 1024, "cuda": 4096}
# Patches of pictures that a GPU sees at once: five pages. A processor would gain nothing.
_TOGETHER = 2**15


class Engine:
    """Runs requests on a model. May be used from several threads: their requests share the steps.

    `slots`: answers that run at the same time. `chunk`: prompt tokens that are read between two
    steps of the running answers. Without a tokenizer answers are token ids, and texts are empty.

    On CUDA the attention caches lie in pages, and the host follows the device's steps; `paged` does
    so, or not, anywhere. `tokens` then bounds what all requests hold at a time, the others wait;
    without it they may fill what is free of the device's memory. `captures`: steps become CUDA
    graphs.
    """

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer | None = None,
        slots: int = 8,
        chunk: int | None = None,
        *,
        tokens: int | None = None,
        paged: bool | None = None,
        captures: bool = True,
    ) -> None:
        decoder = language_model(model.eval())
        weight = decoder.model.embed_tokens.weight
        device, cuda = weight.device, weight.is_cuda
        if chunk is None:
            chunk = _CHUNK["cuda" if cuda else "cpu"]
        if slots < 1 or chunk < 1:
            raise InputError("slots and chunk must be at least 1")
        self._model = model
        self._tokenizer = tokenizer
        lay_out(decoder)
        memory: Memory
        steps: Steps
        if cuda if paged is None else paged:
            memory = pages = PagedCache(decoder.config, device, weight.dtype, tokens, slots)
            steps = StepsAhead(decoder, pages, cuda and captures)
        else:
            memory = Cache(decoder.config, device, weight.dtype)
            steps = StepsAtOnce(decoder, memory)
        together = _TOGETHER if cuda else 0
        self._scheduler = Scheduler(model, memory, steps, slots, chunk, together)
        self._lock = threading.RLock()

    def submit(self, request: Request) -> Answer:
        """Queue a request. `step` moves it on; `Answer.cancel` ends it early.

        Raises InputError where the prompt does not fit the pictures or the vocabulary.
        """
        self._check(request)
        answer = Answer(request, self._tokenizer)
        with self._lock:
            self._scheduler.add(answer)
        return answer

    def step(self) -> None:
        """Move all requests on by one step. If it fails, none of them survives.

        Raises DeviceError where the device's memory is exhausted.
        """
        with self._lock, torch.inference_mode():
            try:
                self._scheduler.step()
            except torch.OutOfMemoryError as error:
                self._scheduler.cancel_all()
                raise DeviceError(
                    f"the device ran out of memory: {error}",
                    "use smaller pictures, shorter answers or fewer slots",
                ) from error
            except BaseException:
                self._scheduler.cancel_all()
                raise

    def run(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer requests, as many at a time as there are slots; results in their order.

        Raises what a request's grammar or listener raised; the requests of this call end with it.
        """
        answers: list[Answer] = []
        try:
            answers.extend(self.submit(request) for request in requests)
            for answer in answers:
                while not answer.finished:
                    self.step()
            return [answer.result() for answer in answers]
        finally:
            for answer in answers:
                answer.cancel()

    def stream(self, request: Request) -> Generator[Token, None, Generation]:
        """The tokens of one answer as they come, and the whole as the generator's return value.

        Closing the generator cancels the request. `on_token` of the request is called too.
        """
        tokens: deque[Token] = deque()
        answer = self.submit(replace(request, on_token=_both(tokens.append, request.on_token)))
        try:
            while True:
                while tokens:
                    yield tokens.popleft()
                if answer.finished:
                    return answer.result()
                self.step()
        finally:
            answer.cancel()

    def _check(self, request: Request) -> None:
        vocabulary = language_model(self._model).config.vocab_size
        outside = [token for token in request.prompt if not 0 <= token < vocabulary]
        if outside:
            raise InputError(f"token {outside[0]} lies outside the vocabulary of {vocabulary}")
        if not isinstance(self._model, VisionLanguageModel):
            if request.images:
                raise InputError("this checkpoint is text only: it takes no pictures")
            return
        places = sum(token == self._model.config.image_token_index for token in request.prompt)
        tokens = sum(grid.tokens for grid in request.images)
        if places != tokens:
            raise InputError(
                f"the prompt has {places} image tokens, its pictures give {tokens} embeddings"
            )


def _both(
    first: Callable[[Token], Any], second: Callable[[Token], Any] | None
) -> Callable[[Token], Any]:
    def listener(token: Token) -> None:
        first(token)
        if second is not None:
            second(token)

    return listener
