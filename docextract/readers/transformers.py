"""Any model that transformers knows as image-text-to-text, from a folder or the hub.

It is asked in prose through the chat template of its own processor. Code that comes with a model
is not run.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import torch
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from PIL import Image
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedTokenizerFast,
    StoppingCriteria,
    StoppingCriteriaList,
)

from docextract.errors import DeviceError, DocextractError, ModelError
from docextract.readers import Reading
from docextract.readers.grammar import GrammarConstraint

if TYPE_CHECKING:
    from docextract.readers import Picture


class TransformersReader:
    """A model of transformers, loaded. It reads one page at a time.

    Its answers are held to the grammar where its tokenizer is one of the `tokenizers` library.
    """

    dialect: Literal["compact", "instruct"] = "instruct"
    pages_at_once = 1
    questions_at_once = 1
    default_budget = 1600

    def __init__(self, model: str, device: str = "auto") -> None:
        """Load a folder or a hub id.

        Raises:
            ModelError: transformers does not load it, or it has no chat template.
            DeviceError: the device is absent or too small.
        """
        started = time.perf_counter()
        self.name = f"transformers:{model}"
        place = _device(device)
        with _their_errors(f"{model} does not load"):
            processors: Any = AutoProcessor
            self._processor: Any = processors.from_pretrained(model)
            loaded: Any = AutoModelForImageTextToText.from_pretrained(model, dtype="auto")
            self._model = loaded.to(place).eval()
        if not getattr(self._processor, "chat_template", None):
            raise ModelError(
                f"{model} has no chat template: nobody knows how to ask it",
                hint="choose a model that was taught to follow instructions",
            )
        self._tokenizer: Any = self._processor.tokenizer
        self._ends = _end_tokens(self._model, self._tokenizer)
        self._words = _words(self._tokenizer, self._ends)
        self._alone = Lock()
        self.load_seconds = time.perf_counter() - started

    def read(
        self,
        images: "Sequence[Picture]",
        question: str,
        grammar: str | None,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Reading:
        """Answer greedily; see docextract.readers.Reader."""
        pictures = [{"type": "image", "image": Image.fromarray(image)} for image in images]
        message = {"role": "user", "content": [*pictures, {"type": "text", "text": question}]}
        constraint = GrammarConstraint(self._words, grammar) if self._words and grammar else None
        writing = _Writing(self._tokenizer, constraint, on_text)
        started = time.perf_counter()
        with self._alone, _their_errors(f"{self.name} cannot read this page", writing):
            inputs = self._processor.apply_chat_template(
                [message],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            ).to(self._model.device, dtype=self._model.dtype)
            self._model.generate(
                **inputs,
                max_new_tokens=max_tokens,
                do_sample=False,
                num_beams=1,
                eos_token_id=self._ends or None,
                pad_token_id=self._ends[0] if self._ends else None,
                logits_processor=LogitsProcessorList([_Mask(writing)]),
                stopping_criteria=StoppingCriteriaList([_Listen(writing)]),
            )
        first = writing.first or time.perf_counter()
        whole = writing.finished or (writing.token_ids and writing.token_ids[-1] in self._ends)
        return Reading(
            text=writing.text,
            token_ids=writing.token_ids,
            logprobs=writing.logprobs,
            ends=writing.ends,
            finish="stop" if whole else "length",
            prompt_tokens=inputs["input_ids"].shape[1],
            first_token=first - started,
            decode=time.perf_counter() - first,
        )

    def close(self) -> None:
        """Let go of the model."""
        del self._model


class _Writing:
    """An answer as it comes, token by token."""

    def __init__(
        self,
        tokenizer: Any,
        constraint: GrammarConstraint | None,
        on_text: Callable[[str], None] | None,
    ) -> None:
        self.text = ""
        self.token_ids: list[int] = []
        self.logprobs: list[float] = []
        self.ends: list[int] = []
        self.first: float | None = None
        self.heard: BaseException | None = None
        """What the listener raised."""
        self._tokenizer = tokenizer
        self._constraint = constraint
        self._on_text = on_text

    @property
    def finished(self) -> bool:
        """Whether the grammar lets nothing follow."""
        return self._constraint is not None and self._constraint.finished()

    def masked(self, scores: Tensor) -> Tensor:
        """Scores (1, vocabulary) of the next token, of which the largest will be taken."""
        if self._constraint is not None:
            # There may be more scores than words: embeddings are padded.
            words = torch.from_numpy(self._constraint.allowed()).nonzero()[:, 0].to(scores.device)
            open_to = torch.full_like(scores, -torch.inf)
            open_to[0, words] = scores[0, words]
            scores = open_to
        self.logprobs.append(float(scores.float().log_softmax(-1).max()))
        return scores

    def add(self, token: int) -> None:
        """The next token was taken."""
        self.first = self.first or time.perf_counter()
        if self._constraint is not None:
            self._constraint.accept(token)
        self.token_ids.append(token)
        text = self._tokenizer.decode(
            self.token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        piece = "" if text.endswith("\ufffd") else text[len(self.text) :]  # a letter's first bytes
        self.text += piece
        self.ends.append(len(self.text))
        if piece and self._on_text:
            try:
                self._on_text(piece)
            except BaseException as error:
                self.heard = error
                raise


class _Mask(LogitsProcessor):
    def __init__(self, writing: _Writing) -> None:
        self._writing = writing

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        return self._writing.masked(scores)


class _Listen(StoppingCriteria):
    def __init__(self, writing: _Writing) -> None:
        self._writing = writing

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        self._writing.add(int(input_ids[0, -1]))
        return torch.tensor([self._writing.finished], device=input_ids.device)


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError("PyTorch sees no CUDA device", hint="use --device cpu, or auto")
    return name


def _end_tokens(model: Any, tokenizer: Any) -> list[int]:
    named = model.generation_config.eos_token_id
    ends = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])}
    return sorted(end for end in ends if end is not None)


def _words(tokenizer: Any, ends: list[int]) -> LLTokenizer | None:
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        return None
    return from_tokenizer(tokenizer, eos_token=ends or None)


@contextmanager
def _their_errors(what: str, writing: _Writing | None = None) -> Iterator[None]:
    """Whatever a foreign model raises, as ours; what the listener of `writing` raised, as it is."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise DeviceError(
            "the device has too little memory for it", hint="try --budget fast, or the CPU"
        ) from error
    except DocextractError:
        raise
    except Exception as error:
        if writing and error is writing.heard:
            raise
        words = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(
            f"{what}: {words}", hint="it has to be an image-text-to-text model"
        ) from error
