"""Every knob of a run, in one place."""

from dataclasses import dataclass, field
from typing import Literal

from docextract.errors import UsageError, did_you_mean

BUDGETS = {"fast": 1024, "standard": 1600, "detailed": 3400, "max": 5000}
"""Named token budgets: visual tokens per page."""

_MOST_TOKENS = 16384  # the published models' own limit of an image


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be before it is refused."""

    max_pages: int = 100
    max_pixels: int = 150_000_000
    """Of one picture; A4 at 1200 dpi has 139 million."""
    max_bytes: int = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Settings:
    """How documents are read. None means: as the model or the document has it."""

    budget: int | None = None
    """Visual tokens per page, 28 x 28 pixels each."""
    pages: str | None = None
    """Which pages, as in `1-3,7`."""
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """Tried in turn on an encrypted document."""
    limits: Limits = Limits()
    min_confidence: float | None = None
    """A record with a value that is less likely right goes to a person."""
    timeout: float | None = 1800.0
    """Seconds for one document."""
    evidence: Literal["words", "none"] = "words"
    """Whether values are held against the words of the page: of its text layer, or of scans, where
    `docextract[ocr]` is installed."""
    max_asks: int = 1
    """Questions about single fields that fail a check, in one document; 0: none is asked again."""
    max_ask_tokens: int = 12_000
    """What these questions may take, pictures and answers together."""
    ask_lists: bool = False
    """Whether a whole list is asked again, too, which takes as long as its page did."""
    tiles: Literal["auto", "never", "always"] = "auto"
    """Whether a page whose objects are counted is looked at in parts, too."""


def higher_budget(budget: int) -> int:
    """The next named budget that shows clearly more, or the highest."""
    return min((more for more in BUDGETS.values() if more >= 1.4 * budget), default=budget)


def parse_budget(text: str) -> int:
    """Tokens per page from `fast`, `standard`, `detailed`, `max` or a number."""
    if text in BUDGETS:
        return BUDGETS[text]
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_TOKENS:
        return int(text)
    known = f"write {', '.join(BUDGETS)} or a number of tokens from 1 to {_MOST_TOKENS}"
    raise UsageError(f"no such budget: {text}", hint=did_you_mean(text, BUDGETS, known))
