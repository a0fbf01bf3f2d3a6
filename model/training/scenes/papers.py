"""Papers: forms with check boxes, documents with stamps and signatures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.art import Art
from training.scenes.kinds import Supply
from training.scenes.stage import Pixels, Sprite, Stage
from training.scenes.tables import apart
from training.scenes.textures import cloud
from training.synthetic.ink import Ink
from training.synthetic.pages import PageFactory
from training.synthetic.values import chance, digits, pick

Points = NDArray[np.float64]


def document(
    rng: np.random.Generator, supply: Supply, pages: PageFactory, size: tuple[int, int]
) -> Stage:
    """A drawn document of about `size`, with up to eight stamps and signatures on it."""
    stage = Stage(pages.clean(rng, size[0] * size[1] // 784).copy())
    wide, high = stage.size
    amount = min(8, int(rng.geometric(0.35))) if chance(rng, 0.8) else 0
    spots = rng.uniform(0.1, 0.9, (20 * amount + 1, 2)) * (wide, high)
    largest = min(wide, high) * rng.uniform(0.14, 0.34)
    for x, y in apart(spots, amount, 1.1 * largest)[:amount]:
        side = max(48, int(largest * rng.uniform(0.6, 1.0)))
        name = pick(rng, ("stamp", "signature"))
        sprite, body = (_stamp if name == "stamp" else _signature)(rng, supply.art, side)
        stage.put(sprite, float(x), float(y), name, body=body)
        if name == "signature" and chance(rng, 0.5):
            _rule(stage.pixels, float(x), float(y) + side * 0.25, side)
    if chance(rng, 0.3):
        _boxes_between(rng, stage)
    return stage


def form(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """A form of `size` (width, height) with `count` check boxes or fewer, ticked or empty."""
    wide, high = size
    columns = int(np.clip(rng.integers(1, 3 + count // 25), 1, 6))
    rows = -(-max(count, 3) // columns)
    step = min(float(rng.uniform(24, 90)), high * 0.9 / rows)
    side = int(np.clip(step * rng.uniform(0.4, 0.8), 9, 40))
    left, top = rng.uniform(0.02, 0.08) * wide, rng.uniform(0.03, 1) * max(4, high - rows * step)
    across = (wide - left) / columns
    slots = np.arange(rows * columns)
    corners = np.stack([left + slots % columns * across, top + (slots // columns + 0.5) * step], 1)
    behind = chance(rng, 0.2)
    text = corners if behind else corners + (1.6 * side, 0)
    stage = Stage(_lines(rng, supply.art, size, text, across - 2 * side, step))
    look, filled = _box_style(rng, side), float(rng.uniform(0, 0.8))
    for slot, (x, y) in enumerate(corners):
        middle = x + across - 1.5 * side if behind else x + side / 2
        if slot < count:
            sprite = _check_box(rng, look, side, chance(rng, filled))
            body = np.full_like(sprite.alpha, 255)
            stage.put(sprite, float(middle), float(y), "check box", body=body)
        elif chance(rng, 0.1):
            cv2.circle(stage.pixels, (round(middle), round(y)), side // 2, 60, 1, cv2.LINE_AA)
    return stage


def _lines(
    rng: np.random.Generator, art: Art, size: tuple[int, int], starts: Points, room: float,
    step: float,
) -> Pixels:  # fmt: skip
    """Some words from each start (n, 2) on, at most `room` px of them."""
    ink, face = Ink(*size), art.face(rng, int(np.clip(step * 0.5, 8, 24)))
    phrases = [art.words.phrase(rng, 1, 4) for _ in range(10)]
    most = max(0, int(room / max(1.0, face.mean)))
    for x, y in starts:
        ink.text(float(x), float(y) + face.cap / 2, pick(rng, phrases)[:most], face)
    return ink.pixels(int(rng.integers(0, 90)))


def _box_style(rng: np.random.Generator, side: int) -> tuple[int, int, int]:
    """Thickness, grey and kind of mark of a form's boxes."""
    return max(1, side // int(rng.integers(7, 16))), int(rng.integers(0, 110)), int(rng.integers(4))


def _check_box(
    rng: np.random.Generator, style: tuple[int, int, int], side: int, filled: bool
) -> Sprite:
    """A square outline of `side` px with a cross, a tick, a fill or a scrawl in it, or nothing."""
    thick, tone, kind = style
    edge = max(2, side // 3)
    page = np.full((side + 2 * edge, side + 2 * edge), 255, np.uint8)
    end = edge + side - 1
    cv2.rectangle(page, (edge, edge), (end, end), tone, thick)
    if filled:
        pen = max(1, thick + int(rng.integers(0, 2)))
        slack = rng.normal(0, side * 0.08, (6, 2))
        if kind == 0:
            lines = [[(0.1, 0.1), (0.9, 0.9)], [(0.9, 0.1), (0.1, 0.9)]]
        elif kind == 1:
            lines = [[(0.15, 0.5), (0.4, 0.85), (1.05, -0.1)]]
        elif kind == 2:
            cv2.rectangle(page, (edge + 2, edge + 2), (end - 2, end - 2), tone, cv2.FILLED)
            lines = []
        else:
            lines = [[(0.1, 0.3), (0.9, 0.4), (0.15, 0.6), (0.9, 0.75)]]
        for line in lines:
            path = np.array(line) * side + edge + slack[: len(line)]
            ring = path.astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(page, [ring], False, tone, pen, cv2.LINE_AA)
    return Sprite(np.full_like(page, tone), 255 - page)


def _boxes_between(rng: np.random.Generator, stage: Stage) -> None:
    """A few check boxes in the margin of a document."""
    wide, high = stage.size
    side = int(rng.integers(14, 30))
    look, x = _box_style(rng, side), float(rng.uniform(0.02, 0.05) * wide + side)
    for y in np.arange(rng.uniform(0.1, 0.6) * high, high * 0.9, side * rng.uniform(1.5, 4)):
        sprite = _check_box(rng, look, side, chance(rng, 0.4))
        blank = np.full((2 * side, 2 * side), 255, np.uint8)
        stage.cover(blank, int(x) - side, int(y) - side)
        stage.put(sprite, x, float(y), "check box", body=np.full_like(sprite.alpha, 255))
        if chance(rng, 0.15):
            break


def _stamp(rng: np.random.Generator, art: Art, side: int) -> tuple[Sprite, Pixels]:
    """The print of a rubber stamp: a ring or a frame with words, unevenly inked, turned."""
    tone = int(rng.integers(20, 150))
    round_one = chance(rng, 0.5)
    high = side if round_one else int(side * rng.uniform(0.35, 0.7))
    ink = np.zeros((high, side), np.uint8)
    body = np.zeros_like(ink)
    middle, thick = (side // 2, high // 2), max(1, side // int(rng.integers(25, 60)))
    words = [art.words.name(rng).upper() for _ in range(3)]
    if round_one:
        radius = side // 2 - thick - 1
        cv2.circle(body, middle, radius, 255, cv2.FILLED)
        for share in (1.0, rng.uniform(0.6, 0.92)):
            cv2.circle(ink, middle, int(radius * share), 255, thick, cv2.LINE_AA)
        _around(rng, art, ink, words[0] + " * " + words[1], radius * 0.78)
    else:
        body[:] = 255
        cv2.rectangle(ink, (thick, thick), (side - 1 - thick, high - 1 - thick), 255, thick)
    line = pick(rng, ("PAID", "RECEIVED", "APPROVED", "COPY", "DRAFT", words[2], words[1]))
    px = min(high * 0.4, 1.3 * side * (0.6 if round_one else 0.9) / len(line))
    art.write(rng, ink, line, (side / 2, high * (0.5 if chance(rng, 0.5) else 0.38), px), 255)
    if chance(rng, 0.6):
        date = f"{digits(rng, 2)} {pick(rng, ('JAN', 'MAY', 'OCT', 'DEC'))} 20{digits(rng, 2)}"
        art.write(rng, ink, date, (side / 2, high * 0.72, px * 0.55), 255)
    patchy = 0.8 + 0.35 * cloud(rng, side, high, 9, 9) + 0.2 * rng.normal(0, 1, ink.shape)
    worn = np.clip(patchy, 0, 1)
    print_ = Sprite(np.full_like(ink, tone), (ink * worn * rng.uniform(0.6, 1)).astype(np.uint8))
    turn = float(rng.normal(0, 18))
    return print_.turned(turn), Sprite(body, body).turned(turn).alpha


def _around(rng: np.random.Generator, art: Art, ink: Pixels, text: str, radius: float) -> None:
    """Letters along a circle."""
    px = radius * 0.24
    if px < 6:
        return
    face = art.face(rng, int(px))
    start = rng.uniform(0, 2 * np.pi)
    for number, letter in enumerate(text):
        angle = start + number * face.mean * 1.3 / radius
        if letter == " ":
            continue
        glyph = 255 - face.glyph(letter).picture
        upright = Sprite(glyph, glyph).turned(-float(np.degrees(angle)) - 90)
        at = np.array(ink.shape[::-1]) / 2 + radius * np.array([np.cos(angle), np.sin(angle)])
        high, wide = upright.grey.shape
        x, y = int(at[0] - wide / 2), int(at[1] - high / 2)
        place = ink[max(0, y) : y + high, max(0, x) : x + wide]
        np.maximum(place, upright.alpha[: place.shape[0], : place.shape[1]], out=place)


def _signature(rng: np.random.Generator, art: Art, side: int) -> tuple[Sprite, Pixels]:
    """A name written by hand beyond reading: loops that lean forward, a flourish."""
    high = max(16, int(side * rng.uniform(0.3, 0.6)))
    waves = int(rng.integers(4, 13))
    t = np.linspace(0, 1, 24 * waves)
    phase = 2 * np.pi * waves * (t + 0.05 * np.sin(2 * np.pi * rng.uniform(1, 3) * t))
    heights = np.interp(t, np.linspace(0, 1, waves + 1), rng.gamma(2, 0.16, waves + 1))
    heights[:24] *= rng.uniform(1.2, 2.2)
    x = 1.4 * t + rng.uniform(0.1, 0.6) / waves * np.cos(phase) + 0.3 * heights * np.sin(phase)
    y = heights * np.sin(phase) + rng.uniform(-0.2, 0.2) * t
    path = np.stack([x, y], 1)
    if chance(rng, 0.5):
        end = path[-1]
        below = end[1] + 0.3 * np.sin(np.linspace(0, 3, 20)) + rng.uniform(0, 0.2)
        back = np.linspace(end[0], rng.uniform(0, 0.4), 20)
        path = np.concatenate([path, np.stack([back, below], 1)])
    low, top = path.min(0), path.max(0)
    path = (path - low) / (top - low) * (side - 8, high - 8) + 4
    page, body = np.zeros((high, side), np.uint8), np.zeros((high, side), np.uint8)
    ring = [path.astype(np.int32).reshape(-1, 1, 2)]
    cv2.polylines(page, ring, False, 255, max(1, round(side / rng.uniform(50, 110))), cv2.LINE_AA)
    cv2.fillPoly(body, [cv2.convexHull(ring[0])], 255)
    turn = float(rng.normal(4, 7))
    made = Sprite(np.full_like(page, int(rng.integers(0, 110))), page).turned(turn)
    return made, Sprite(body, body).turned(turn).alpha


def _rule(page: Pixels, x: float, y: float, side: int) -> None:
    left, right = round(x - side * 0.6), round(x + side * 0.6)
    cv2.line(page, (left, round(y)), (right, round(y)), 60, 1)
