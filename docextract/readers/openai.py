"""Models behind a server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, OpenAI.

The pictures of the pages leave this machine, for the server that the user named and for no other:
a server that sends them elsewhere is not followed. The official client waits, tries again with
growing pauses, and heeds a server's Retry-After.
"""

import base64
import codecs
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from openai import (
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    DefaultHttpxClient,
    OpenAI,
    OpenAIError,
    Timeout,
    UnprocessableEntityError,
)
from PIL import Image

from docextract.errors import ModelError
from docextract.readers import Reading
from docextract.schema.twin import twin_of

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk, ChatCompletionTokenLogprob

    from docextract.readers import Picture

KEY = "DOCEXTRACT_API_KEY"
"""The environment variable with the key, where the server wants one."""

_CONNECTING = 10.0  # seconds
_EXCERPT = 300  # letters of a server's own words
_OPTIONAL = ("stream_options", "logprobs", "response_format", "temperature")
"""What some servers refuse and an answer can do without, the least useful first."""

_HINTS = {
    401: f"put the server's key into the environment variable {KEY}",
    403: f"put the server's key into the environment variable {KEY}",
    404: "does the server have this model, and does its address end in /v1?",
    413: "the page is too large for it: try --budget fast",
    429: "try again later",
}


class OpenAIReader:
    """A model of a chat server, asked in prose, one page at a time.

    Where the server takes a JSON schema, the answer follows it; where it gives log-probabilities,
    they are kept. What it refuses of these it is not asked for a second time.
    """

    dialect: Literal["compact", "instruct"] = "instruct"
    pages_at_once = 1
    questions_at_once = 4
    default_budget = 1600
    load_seconds = 0.0

    def __init__(self, url: str, model: str, timeout: float = 300.0, retries: int = 3) -> None:
        """Nothing is sent before the first question.

        url: with the path up to `/v1`. timeout: seconds that the server may be silent.
        retries: how often a question is put again that met silence, 429 or a fault of the server.

        Raises:
            ModelError: the address is none, or holds a password.
        """
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ModelError(
                f"{url!r} is no address of a server", hint="write http://localhost:8000/v1"
            )
        if address.username or address.password:
            raise ModelError(
                "the address of the server holds a password",
                hint=f"put it into the environment variable {KEY}",
            )
        self.name = f"openai:{url}#{model}"
        self._server = address.netloc
        self._model = model
        self._key = os.environ.get(KEY, "")
        self._refused: frozenset[str] = frozenset()
        self._client = OpenAI(
            base_url=url,
            api_key=self._key or "none",  # a server without keys does not look at it
            timeout=Timeout(timeout, connect=_CONNECTING),
            max_retries=retries,
            http_client=DefaultHttpxClient(follow_redirects=False),
        )

    def read(
        self,
        images: "Sequence[Picture]",
        question: str,
        grammar: str | None,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Reading:
        """Answer greedily; see docextract.readers.Reader."""
        pictures = [{"type": "image_url", "image_url": {"url": _data_url(one)}} for one in images]
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "user", "content": [*pictures, {"type": "text", "text": question}]}
            ],
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "logprobs": True,
        }
        if grammar and (schema := twin_of(grammar)):
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "record", "schema": schema, "strict": True},
            }
        refused = self._refused
        while True:
            asked = {key: value for key, value in request.items() if key not in refused}
            try:
                reading = self._answer(asked, on_text)
            except _RefusedError as error:
                left = [key for key in _OPTIONAL if key in asked]
                if not left:
                    raise self._failed(error.answer) from error
                named = (key for key in left if key in error.answer.message)
                refused |= {next(named, left[0])}
            else:
                self._refused = refused
                return reading

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _answer(self, request: Mapping[str, Any], on_text: Callable[[str], None] | None) -> Reading:
        started = time.perf_counter()
        first: float | None = None
        pieces: list[str] = []
        tokens: list[ChatCompletionTokenLogprob] = []
        finish = None
        prompt_tokens = written = 0
        for chunk in self._chunks(request):
            if chunk.usage:
                prompt_tokens, written = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                if choice.logprobs and choice.logprobs.content:
                    tokens += choice.logprobs.content
                if piece := choice.delta.content:
                    first = first or time.perf_counter()
                    pieces.append(piece)
                    if on_text:
                        on_text(piece)
        if finish is None:
            raise ModelError(
                f"{self._server} broke off its answer", hint="try again, or look at its log"
            )
        first = first or time.perf_counter()
        text = "".join(pieces)
        ends = _ends(tokens, text)
        return Reading(
            text=text,
            logprobs=[min(0.0, token.logprob) for token in tokens] if ends else (),
            ends=ends,
            finish="length" if finish == "length" else "stop",
            prompt_tokens=prompt_tokens,
            written=written or len(ends),
            first_token=first - started,
            decode=time.perf_counter() - first,
        )

    def _chunks(self, request: Mapping[str, Any]) -> "Iterator[ChatCompletionChunk]":
        """The pieces of an answer. Raises ModelError, and _RefusedError for a request that is."""
        try:
            with self._client.chat.completions.create(**request) as stream:
                yield from stream
        except (BadRequestError, UnprocessableEntityError) as error:
            raise _RefusedError(error) from error
        except Exception as error:
            # Those of the client's own HTTP and JSON, too, once an answer has begun.
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> ModelError:
        """What the server or the way to it did wrong, in one line and without the key."""
        said = error.body if isinstance(error, APIStatusError) else None
        words = str(
            said.get("message", said) if isinstance(said, dict) else error.__cause__ or error
        )
        if self._key:
            words = words.replace(self._key, "…")
        words = " ".join(words.split())[:_EXCERPT] or type(error).__name__
        if isinstance(error, APIStatusError):
            hint = _HINTS.get(error.status_code, "look at the server's log")
            return ModelError(f"{self._server} refuses ({error.status_code}): {words}", hint=hint)
        if isinstance(error, APITimeoutError):
            return ModelError(
                f"{self._server} is silent for too long", hint="try --budget fast, or a faster one"
            )
        if isinstance(error, OpenAIError):
            return ModelError(
                f"{self._server} does not answer: {words}", hint="is the server running there?"
            )
        return ModelError(
            f"{self._server} does not answer as such a server does: {words}",
            hint="does its address end in /v1?",
        )


class _RefusedError(Exception):
    """The server understands the request and does not want it."""

    def __init__(self, answer: APIStatusError) -> None:
        super().__init__(answer.message)
        self.answer = answer


def _data_url(picture: "Picture") -> str:
    """A picture without loss, inside of an address."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _ends(tokens: "Sequence[ChatCompletionTokenLogprob]", text: str) -> list[int]:
    """How long the text is with each token; nothing where the tokens do not make up the text.

    A letter of several bytes may be spread over tokens, and is there with the last of them.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    so_far = ""
    ends = []
    for token in tokens:
        spelt = bytes(token.bytes) if token.bytes is not None else token.token.encode()
        so_far += decoder.decode(spelt)
        ends.append(len(so_far))
    return ends if so_far == text else []
