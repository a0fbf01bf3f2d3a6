"""Requests of unequal length, some with pictures, and a grammar of one text."""

from collections.abc import Callable

import numpy as np
import pytest

from zamba2_vl.chat import render
from zamba2_vl.engine.request import Request
from zamba2_vl.image import ImageProcessor
from zamba2_vl.tokenizer import Tokenizer


class Script:
    """A grammar that offers choices at some places of a text and forces the rest."""

    def __init__(self, tokenizer: Tokenizer, text: str, choices: set[int]) -> None:
        self.ids = tokenizer.encode(text)
        self.choices = choices
        self.place = 0
        self.vocabulary = tokenizer.vocab_size

    def allowed(self) -> np.ndarray:
        mask = np.zeros(self.vocabulary, bool)
        mask[self.ids[self.place]] = True
        return mask

    def forced(self) -> list[int]:
        end = self.place
        while end < len(self.ids) and end not in self.choices:
            end += 1
        return self.ids[self.place : end]

    def accept(self, token_id: int) -> None:
        assert token_id == self.ids[self.place]
        self.place += 1

    def finished(self) -> bool:
        return self.place == len(self.ids)


Ask = Callable[..., Request]


@pytest.fixture
def ask(tokenizer: Tokenizer) -> Ask:
    """A request of a question and the sizes of its pictures in merge units, (rows, columns)."""

    def make(question: str, *sizes: tuple[int, int], **settings: object) -> Request:
        rng = np.random.default_rng(len(question))
        grids = [
            ImageProcessor()(rng.integers(0, 256, (28 * rows, 28 * columns), dtype=np.uint8))
            for rows, columns in sizes
        ]
        words = render(question, [rows * columns for rows, columns in sizes])
        return Request(prompt=tokenizer.encode(words), images=grids, **settings)

    return make


@pytest.fixture
def script(tokenizer: Tokenizer) -> Callable[..., Script]:
    """A grammar that follows a text and leaves the tokens at some places to be chosen."""
    return lambda text, choices, words=tokenizer: Script(words, text, choices)
