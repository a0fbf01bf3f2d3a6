"""Text to token ids and back, with the `tokenizers` library and nothing above it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import tokenizers

from zamba2_vl.errors import CheckpointError

REPLACEMENT: Final = "\ufffd"


class Tokenizer:
    """The tokenizer of a checkpoint folder."""

    def __init__(self, inner: tokenizers.Tokenizer, path: Path, eos_token: str | None) -> None:
        self._inner = inner
        self.path = path
        self.eos_token = eos_token

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Read tokenizer.json, and the end-of-text token from the files beside it.

        Raises CheckpointError where the file is absent or broken.
        """
        path = Path(folder) / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(f"{path.parent} holds no tokenizer.json")
        try:
            inner = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"{path} is not a tokenizer: {error}") from error
        return cls(inner, path, special_token(path.parent, "eos_token"))

    @property
    def vocab_size(self) -> int:
        """Number of token ids, added tokens included."""
        return self._inner.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str, *, add_special_tokens: bool = False) -> list[int]:
        """Token ids; special tokens that are written in the text become their ids.

        `add_special_tokens` adds those that the tokenizer puts around every text (Mistral's `<s>`).
        """
        return self._inner.encode(text, add_special_tokens=add_special_tokens).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, special tokens written out; broken UTF-8 becomes U+FFFD."""
        return self._inner.decode(ids, skip_special_tokens=False)

    def id_of(self, token: str) -> int:
        """The id of one token. Raises KeyError where the vocabulary lacks it."""
        found = self._inner.token_to_id(token)
        if found is None:
            raise KeyError(token)
        return found

    def token_of(self, token_id: int) -> str:
        """The token of one id, as the vocabulary spells it. Raises KeyError outside of it."""
        found = self._inner.id_to_token(token_id)
        if found is None:
            raise KeyError(token_id)
        return found


class TextStream:
    """Text of a growing answer, piece by piece, without decoding it again from the start.

    A letter can span tokens, and some tokenizers decode a token differently at the start of a text.
    So the last finished piece is decoded together with the unfinished one, and only what stands
    after it is handed out, once it is whole.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._context: list[int] = []
        self._open: list[int] = []

    def push(self, token_id: int) -> str:
        """Text that this token completes; empty while a letter is unfinished."""
        self._open.append(token_id)
        text = self._pending()
        # A letter has at most four bytes: what is still broken after that many tokens stays broken.
        if text.endswith(REPLACEMENT) and len(self._open) < 4:
            return ""
        if text:
            self._context, self._open = self._open, []
        return text

    def flush(self) -> str:
        """Text of the tokens that never completed a letter."""
        text = self._pending() if self._open else ""
        self._open = []
        return text

    def _pending(self) -> str:
        before = self._tokenizer.decode(self._context)
        return self._tokenizer.decode(self._context + self._open)[len(before) :]


def special_token(folder: Path, role: str) -> str | None:
    """The token that a checkpoint folder names for a role such as `eos_token`, if it names one."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        path = folder / name
        if not path.is_file():
            continue
        try:
            named: Any = json.loads(path.read_text(encoding="utf-8")).get(role)
        except (ValueError, AttributeError) as error:
            raise CheckpointError(f"{path} is not a JSON object: {error}") from error
        if isinstance(named, dict):
            named = named.get("content")
        if isinstance(named, str):
            return named
    return None
