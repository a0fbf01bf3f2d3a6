"""Whose letters to trust where the model and a recogniser read the same value differently.

Both read pixels, and either may err. The model knows where it hesitated: on receipts kept out of
its training the recogniser was right where the model had been unsure of the letters in question,
and wrong where it had been sure of them.
"""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from rapidfuzz.distance import Levenshtein, Opcodes

from docextract.grounding.lettering import fold_each

_SURE = math.log(0.98)


def hesitated(text: str, logprobs: Sequence[float], letters: str) -> bool:
    """Whether the model was unsure wherever `text` differs from the folded `letters`.

    `logprobs` are those of its tokens for the text in quotes. Where these are no single letters,
    the least of them stands for all; where there are none, nobody knows, and it was not.
    """
    if not logprobs:
        return False
    folded = list(fold_each(text))
    places = [at for at, letter in enumerate(folded) for _ in letter]
    one_each = len(logprobs) == len(text) + 2

    def unsure(start: int, end: int) -> bool:
        if not one_each or start >= len(places):
            return min(logprobs) < _SURE
        return any(logprobs[1 + places[at]] < _SURE for at in range(start, max(end, start + 1)))

    steps = Levenshtein.opcodes("".join(folded), letters)
    return all(unsure(step.src_start, step.src_end) for step in steps if step.tag != "equal")


def spaced_like(text: str, letters: str) -> str:
    """Recognised letters, with the blanks that the model saw between its words."""
    letters = "".join(letters.split())
    words = text.split()
    ends = list(accumulate(map(len, words)))
    steps = Levenshtein.opcodes("".join(words).casefold(), letters.casefold())
    cuts = [0, *(_aligned_end(steps, end) for end in ends[:-1]), len(letters)]
    return " ".join(letters[start:end] for start, end in pairwise(cuts) if start < end)


def _aligned_end(steps: Opcodes, end: int) -> int:
    """Where a text ends that corresponds to the first letters of another."""
    step = next(step for step in steps if step.src_start < end <= step.src_end)
    return int(min(step.dest_end, step.dest_start + end - step.src_start))
