"""The text of an answer as its tokens come."""

from collections.abc import Sequence

from zamba2_vl.errors import InputError
from zamba2_vl.tokenizer import TextStream, Tokenizer


class GrowingText:
    """The text of an answer, released as far as no stop string can begin in it any more."""

    def __init__(self, tokenizer: Tokenizer | None, stop: Sequence[str]) -> None:
        """Raises InputError without a tokenizer."""
        if tokenizer is None:
            raise InputError("stop strings need a tokenizer")
        self.released = ""
        self.stopped = False
        self._stream = TextStream(tokenizer)
        self._held = ""
        self._stop = tuple(stop)

    def push(self, token_id: int) -> str:
        """The text that this token releases."""
        return self._release(self._stream.push(token_id), final=False)

    def flush(self) -> str:
        """The text that was held back, once no token will follow."""
        return "" if self.stopped else self._release(self._stream.flush(), final=True)

    def _release(self, piece: str, final: bool) -> str:
        text = self._held + piece
        found = [at for at in map(text.find, self._stop) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = text[: min(found)], ""
        elif final:
            self._held = ""
        else:
            keep = _overlap(text, self._stop)
            text, self._held = text[: len(text) - keep], text[len(text) - keep :]
        self.released += text
        return text


def _overlap(text: str, stop: Sequence[str]) -> int:
    """Letters at the end of `text` that one of the stop strings could begin with."""
    longest = max(map(len, stop), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(string.startswith(text[-length:]) for string in stop):
            return length
    return 0
