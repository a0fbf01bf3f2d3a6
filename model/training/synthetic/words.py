"""Names, streets, towns and things made by code from a plain word list and syllables."""

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

_KEPT_OUT = 10
"""One word in so many is kept out of the training, by its letters, for the exam."""

_ONSETS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "y",
    "br",
    "ch",
    "cl",
    "dr",
    "fl",
    "gr",
    "kh",
    "kr",
    "ng",
    "pr",
    "sh",
    "sl",
    "st",
    "th",
    "tr",
    "wh",
    "z",
]
_VOWELS = [
    "a",
    "e",
    "i",
    "o",
    "u",
    "a",
    "e",
    "i",
    "o",
    "u",
    "ai",
    "au",
    "ea",
    "ee",
    "ei",
    "ia",
    "oo",
    "ou",
    "ua",
]
_CODAS = ["n", "ng", "m", "r", "l", "s", "t", "k", "h", "d", "p", "ck", "nd", "rt", "st"] + [
    ""
] * 14
_MALAY_ONSETS = (
    "b", "c", "d", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "w", "y", "ng", "ny",
    "k", "l", "m", "p", "r", "s", "t",
)  # fmt: skip
_MALAY_CODAS = ("n", "ng", "r", "h", "t", "k", "l", "s", "m", *("",) * 16)
_CHINESE_ONSETS = (
    "b", "ch", "f", "g", "h", "hw", "j", "k", "l", "m", "n", "p", "s", "sh", "t", "th", "w", "y",
)  # fmt: skip
_CHINESE_ENDS = (
    "ai", "an", "ang", "ee", "eng", "eong", "ia", "i", "ian", "iang", "ik", "in", "ing", "o", "oh",
    "ok", "ong", "oon", "ou", "uan", "uat", "ui",
)  # fmt: skip


def _choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


class Words:
    """A word list (one word a line) to draw from; raises ValueError where it holds under 50.

    It gives the words that are kept out of the training, or all but those.
    """

    def __init__(self, path: Path, kept_out: bool = False) -> None:
        listed = path.read_text(encoding="utf-8").split()
        plain = [
            word
            for word in listed
            if 3 <= len(word) <= 12
            and word.isascii()
            and word.isalpha()
            and is_kept_out(word) is kept_out
        ]
        self.words = [w for w in plain if w.islower()]
        self.names = [w for w in plain if w.istitle()] or self.words
        if len(self.words) < 50:
            raise ValueError(f"{path} holds only {len(self.words)} usable words")

    def word(self, rng: np.random.Generator) -> str:
        """One word in lower case."""
        return _choose(rng, self.words)

    def phrase(self, rng: np.random.Generator, low: int, high: int) -> str:
        """`low` to `high` words in lower case."""
        return " ".join(self.word(rng) for _ in range(int(rng.integers(low, high + 1))))

    def name(self, rng: np.random.Generator) -> str:
        """A capitalised name: from the list, or made of syllables that no list holds."""
        if rng.random() < 0.35:
            return _choose(rng, self.names)
        return made_up(rng).capitalize()


def is_kept_out(word: str) -> bool:
    """Whether the training never draws this word from a list, however it is capitalised."""
    return crc32(word.lower().encode()) % _KEPT_OUT == 0


def made_up(rng: np.random.Generator) -> str:
    """A pronounceable word of two to four syllables that means nothing."""
    count = int(rng.integers(2, 5)) if rng.random() < 0.6 else 2
    return "".join(
        _choose(rng, _ONSETS) + _choose(rng, _VOWELS) + _choose(rng, _CODAS) for _ in range(count)
    )[:13]


def malay_sounding(rng: np.random.Generator) -> str:
    """A word that sounds Malay, in lower case, of two to four syllables or more with an ending."""
    count = int(rng.choice((2, 2, 3, 4)))
    stem = "".join(
        _choose(rng, _MALAY_ONSETS) + _choose(rng, "aaaeiou") + _choose(rng, _MALAY_CODAS)
        for _ in range(count)
    )
    if count > 3 or rng.random() < 0.7:
        return stem
    return _choose(rng, ("", "", "ke", "pe", "per", "se")) + stem + _choose(rng, ("an", "kan", "i"))


def chinese_sounding(rng: np.random.Generator) -> str:
    """A syllable as in the names of many shops of Malaysia, in lower case."""
    return _choose(rng, _CHINESE_ONSETS) + _choose(rng, _CHINESE_ENDS)
