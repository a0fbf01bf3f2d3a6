"""Small sheets of short unrelated lines, to learn letters and copying from."""

import numpy as np

from training.synthetic.fonts import FontShelf
from training.synthetic.ink import Ink
from training.synthetic.parties import address, company, person, website
from training.synthetic.values import (
    COUNTRIES,
    chance,
    code,
    digits,
    iban,
    money,
    phone,
    pick,
    some_day,
    tax_number,
    write_date,
    write_time,
)
from training.synthetic.words import Words

# A sheet of more lines than this is for learning letters, and filled to its right edge.
_SPARSE = 6


def some_text(rng: np.random.Generator, words: Words) -> str:
    """A short line: a word, number, code, date, amount, address, name or a mixture."""
    where = pick(rng, tuple(COUNTRIES))
    country = COUNTRIES[where]
    cash = money(rng, country, 0.4)
    roll = int(rng.integers(0, 14))
    if roll == 0:
        return pick(rng, address(rng, words, where))
    if roll == 1:
        return company(rng, words, where)
    if roll == 2:
        return write_date(rng, some_day(rng), country)
    if roll == 3:
        return f"{write_date(rng, some_day(rng), country)} {write_time(rng, country)}"
    if roll == 4:
        return cash.signed(int(10 ** rng.uniform(1, 7)))
    if roll == 5:
        return code(rng)
    if roll == 6:
        return pick(rng, (phone(rng, country), tax_number(rng, where), iban(rng, "de")))
    if roll == 7:
        label = words.phrase(rng, 1, 2)
        label = label.upper() if chance(rng, 0.4) else label.capitalize()
        return f"{label}{pick(rng, (': ', ' ', ' : '))}{cash.bare(int(10 ** rng.uniform(1, 6)))}"
    if roll == 8:
        return words.phrase(rng, 1, 4).upper()
    if roll == 9:
        return f"{rng.integers(1, 20)} x {cash.bare(int(10 ** rng.uniform(1, 5)))}"
    if roll == 10:
        return pick(rng, (website(rng, words), person(rng, words)))
    if roll == 11:
        return digits(rng, int(rng.integers(1, 15)))
    if roll == 12:
        marks = "!\"#$%&'()*+,-./:;<=>?@[]_{|}~"
        some = [marks[i] for i in rng.integers(0, len(marks), int(rng.integers(1, 4)))]
        return " ".join((words.word(rng), *some, digits(rng, 3)))
    return words.phrase(rng, 1, 5)


def crop(
    rng: np.random.Generator,
    shelf: FontShelf,
    words: Words,
    size: tuple[int, int],
    lines: tuple[int, int],
) -> Ink:
    """Between `lines` lines of text of mixed faces and sizes on a sheet of `size` pixels.

    Lines that would not fit in the height are left out, letters beyond the width are cut off.
    """
    width, height = size
    count = int(rng.integers(lines[0], lines[1] + 1))
    ink = Ink(width, height)
    texts = [some_text(rng, words) for _ in range(count)]
    common = shelf.pick(rng, set("".join(texts)))
    room = height / count
    y = float(rng.uniform(0, 6))
    for text in texts:
        face = shelf.other(rng, common, text) if chance(rng, 0.4) else common
        # Fit the height first, then the width: sizes from nine pixels to a whole line.
        top = min(room * 0.85, 64.0)
        px = int(9 * (max(top, 9) / 9) ** float(rng.uniform(0, 1)))
        px = int(min(px, max(9, 0.97 * width / face.at(100).width(text) * 100)))
        sized = face.at(px)
        text = _cut(text, sized.advances(text), width - 4)
        run = sized.width(text)
        baseline = y + px
        if baseline + 0.3 * px > height:
            break
        free = width - run - 4
        crowded = count > _SPARSE and free > 0.3 * width
        x = 2.0 if crowded else float(rng.uniform(2, max(3.0, 2 + free)))
        ink.text(x, baseline, text, sized)
        if crowded:
            beside = some_text(rng, words)
            if set(beside) <= face.covers:
                start = run + 2 + max(2 * sized.space, float(rng.uniform(0, 0.5 * free)))
                beside = _cut(beside, sized.advances(beside), width - 2 - start)
                if beside:
                    ink.text(start, baseline, beside, sized)
        y = baseline + px * float(rng.uniform(0.25, 0.5))
        y += float(rng.uniform(0, max(0.0, room - 1.4 * px)))
    return ink


def _cut(text: str, advances: list[float], width: float) -> str:
    """As much of `text` as `width` holds."""
    total = 0.0
    for place, advance in enumerate(advances):
        total += advance
        if total > width:
            return text[:place].rstrip()
    return text
