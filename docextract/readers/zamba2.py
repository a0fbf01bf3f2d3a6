"""Zamba2-VL checkpoints as readers: the bundled one and the published ones.

The one file of the app that knows the model package; its errors become ours here.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from llguidance import LLTokenizer

import zamba2_vl.errors as theirs
from docextract.confidence import COUNT_CALIBRATION, load_calibration
from docextract.errors import DeviceError, ModelError
from docextract.objects import load_objects
from docextract.pointing import FIRST_LOCATION
from docextract.prompt import COUNT, EXTRACT
from docextract.readers import Reading
from docextract.readers.grammar import GrammarConstraint
from docextract.readers.marking import Marking
from zamba2_vl import checkpoint, conversion
from zamba2_vl.api import Zamba2VL
from zamba2_vl.config import Quantization
from zamba2_vl.engine.request import Token
from zamba2_vl.ops import backends
from zamba2_vl.tokenizer import Tokenizer

if TYPE_CHECKING:
    from docextract.readers import Picture

_TAUGHT_BUDGET = 1568
_PUBLISHED_BUDGET = 1600
_WHOLE = "name the folder of a whole Zamba2-VL checkpoint, or leave --model out"
_AT_ONCE = {"cuda": 8, "cpu": 2}  # the engine has eight slots; a CPU gains by two


class Zamba2Reader:
    """A loaded checkpoint.

    One whose vocabulary has the task token speaks the compact dialect; others are instructed.
    Either takes one page at a time.
    """

    pages_at_once = 1

    def __init__(self, folder: Path, name: str, device: str = "auto") -> None:
        """Load a folder.

        Raises:
            ModelError: it is no Zamba2-VL checkpoint, or damaged.
            DeviceError: the device is absent or too small.
        """
        started = time.perf_counter()
        self.name = name
        with _their_errors():
            self._model = Zamba2VL.from_pretrained(folder, device=device)
        if self._model.images is None:
            raise ModelError(
                f"{name} is a text-only model and cannot see pages",
                hint="choose a Zamba2-VL checkpoint, or bundled",
            )
        self.device = next(self._model.model.parameters()).device.type
        self.questions_at_once = _AT_ONCE[self.device]
        words = self._model.tokenizer
        self.calibration = load_calibration(folder)
        self.count_calibration = load_calibration(folder, COUNT_CALIBRATION)
        self.objects = load_objects(folder)
        taught = _has_token(words, EXTRACT)
        pointing = _has_token(words, FIRST_LOCATION)
        ends = sorted(self._model.end_tokens)
        self._marking = Marking(words.id_of(FIRST_LOCATION), ends) if pointing else None
        self.dialect: Literal["compact", "instruct"] = "compact" if taught else "instruct"
        self.default_budget = _TAUGHT_BUDGET if taught else _PUBLISHED_BUDGET
        self._words = LLTokenizer(Path(words.path).read_text("utf-8"), eos_token=ends)
        self.load_seconds = time.perf_counter() - started

    def read(
        self,
        images: "Sequence[Picture]",
        question: str,
        grammar: str | None,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Reading:
        """Answer greedily, held to the grammar, but for marks (Marking); see Reader."""

        ends: list[int] = []
        waiting: list[str] | None = []

        def listen(token: Token) -> None:
            nonlocal waiting
            ends.append((ends[-1] if ends else 0) + len(token.text))
            text = token.text
            if waiting is not None:
                # What the grammar forces at the start tells nobody that the model has begun.
                waiting.append(text)
                if token.forced:
                    return
                text, waiting = "".join(waiting), None
            if on_text and text:
                on_text(text)

        with _their_errors():
            answer = self._model.generate(
                question,
                images=images,
                max_new_tokens=max_tokens,
                constraint=GrammarConstraint(self._words, grammar) if grammar else None,
                weigh=self._marking if question.startswith(COUNT) else None,
                on_token=listen,
            )
        return Reading(
            text=answer.text,
            token_ids=answer.token_ids,
            logprobs=answer.logprobs,
            ends=ends,
            finish="length" if answer.finish_reason == "length" else "stop",
            prompt_tokens=answer.prompt_tokens,
            first_token=answer.timings.first_token,
            decode=answer.timings.decode,
        )

    def close(self) -> None:
        """Let go of the model."""
        del self._model


def kernels(device_type: str) -> dict[str, str]:
    """What computes each operation of the model on `cpu` or `cuda`."""
    return backends(device_type)


def examine(folder: Path) -> int:
    """Hold a checkpoint's files against each other without reading any weights; how many
    parameters it has.

    Raises:
        ModelError: they do not belong together, or are damaged.
    """
    with _their_errors():
        Tokenizer.from_folder(folder)
        return checkpoint.examine(folder)


def convert(source: Path, target: Path, bits: int, show: Callable[[int, int], object]) -> None:
    """Write config.json and weights of a checkpoint into `target`, those of large matrices as
    integers: of `bits` in the language model, of 8 in the vision tower, where they gain less time
    and cost more letters. `show` is told how many tensors of how many are done.

    Raises:
        ModelError: the source is damaged, or was converted before.
    """
    with _their_errors():
        conversion.convert(source, target, Quantization(bits, vision_bits=8), show)


def _has_token(words: Tokenizer, token: str) -> bool:
    try:
        words.id_of(token)
    except KeyError:
        return False
    return True


@contextmanager
def _their_errors() -> Iterator[None]:
    """Errors of the model package, as the nearest of ours."""
    try:
        yield
    except (theirs.DeviceError, theirs.MemoryShortageError) as error:
        raise DeviceError(str(error), hint=error.hint) from error
    except theirs.ModelError as error:
        raise ModelError(str(error), hint=error.hint or _WHOLE) from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise DeviceError(
            "the device has too little memory for this page", hint="try --budget fast, or the CPU"
        ) from error
