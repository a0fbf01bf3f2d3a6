"""An answer held to a grammar, token by token."""

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from docextract.errors import ModelError


class GrammarConstraint:
    """An llguidance grammar over the tokens of one model. It serves one answer."""

    def __init__(self, words: LLTokenizer, grammar: str) -> None:
        """Raises ModelError where the grammar is none."""
        self._matcher = LLMatcher(words, grammar)
        self._mask = allocate_token_bitmask(1, words.vocab_size)
        self._size = words.vocab_size
        self._check()

    def allowed(self) -> npt.NDArray[np.bool_]:
        """(vocabulary,) bool: what may come next."""
        fill_next_token_bitmask(self._matcher, self._mask)
        self._check()
        bits = np.unpackbits(self._mask.view(np.uint8), bitorder="little")
        return bits[: self._size].astype(np.bool_)

    def forced(self) -> list[int]:
        """Tokens that must come next; empty where there is a choice."""
        return self._matcher.compute_ff_tokens()

    def accept(self, token_id: int) -> None:
        """The token has been written."""
        self._matcher.consume_token(token_id)
        self._check()

    def finished(self) -> bool:
        """Whether the answer is whole and nothing may follow."""
        return self._matcher.is_stopped()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ModelError(f"the grammar failed: {self._matcher.get_error()}")
