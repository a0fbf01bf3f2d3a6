"""Shelves of a shop or a store room: rows of goods, gaps, price tags, some of it in disorder."""

from dataclasses import dataclass, replace

import numpy as np

from training.scenes.art import Art
from training.scenes.clutter import clutter
from training.scenes.kinds import Supply
from training.scenes.stage import Pixels, Sprite, Stage, grey
from training.scenes.textures import cloud, surface
from training.synthetic.values import chance, pick

KINDS = ("bottle", "can", "box", "jar", "carton", "book", "tin")
_STACKED = frozenset({"can", "tin", "box", "jar"})
_VARIETY = 14
"""Hardly more products than these of one kind in a scene."""

MOST = 120
"""No more things than these in a picture."""


@dataclass(frozen=True)
class _Stack:
    """Things of one look on each other: what, the middle and the foot, how many."""

    sprite: Sprite
    name: str | None
    x: float
    foot: float
    levels: int = 1


def shelves(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """Shelves of `size` (width, height) with about `count` things, of one to four kinds."""
    wide, high = size
    rows = _rows(rng, size, count)
    step = high / rows
    rail = max(3, int(step * rng.uniform(0.04, 0.12)))
    top = int(rng.uniform(0, 0.25) * step)
    feet = [round(top + step * (row + 1)) - rail for row in range(rows)]
    stage = Stage(_back(rng, size, feet), (float(rng.uniform(-0.05, 0.05)), 0.02))
    amount = int(rng.choice((1, 1, 2, 3, 4)))
    kinds = [str(kind) for kind in rng.choice(KINDS, amount, replace=False)]
    goods = _Range(rng, supply, kinds, wide // 3, step - rail)
    full: list[_Stack] = []
    for foot in feet:
        full += _row(rng, supply.art, goods, wide, float(foot), step - rail)
    kept = _thin_out(rng, full, min(count, MOST))
    if chance(rng, 0.45):
        for stack in kept:
            _behind(rng, stage, stack, step)
    jitter, slip = rng.uniform(0, 0.1), rng.uniform(0, 0.05)
    for stack in kept:
        _build(rng, stage, stack, jitter, slip)
    _boards(rng, supply.art, stage, feet, rail)
    return stage


def _rows(rng: np.random.Generator, size: tuple[int, int], count: int) -> int:
    """How many shelves: as many as make `count` things fill a likely share of the picture."""
    wide, high = size
    share, slim = rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.7)
    tall = np.sqrt(share * wide * high / (max(count, 2) * slim)) / rng.uniform(0.55, 0.9)
    few = int(rng.integers(1, 5))
    return int(np.clip(round(high / tall), min(few, max(1, high // 160)), max(1, high // 56)))


def _back(rng: np.random.Generator, size: tuple[int, int], feet: list[int]) -> Pixels:
    """The back wall, darker under each board; peg holes or seams now and then."""
    wide, high = size
    tone = float(rng.uniform(25, 240))
    if chance(rng, 0.25):
        wall = surface(rng, wide, high, tone).astype(np.float32)
    else:
        wall = tone + rng.uniform(0, 8) * cloud(rng, wide, high, 6, 5)
    if chance(rng, 0.2):
        pitch = int(rng.integers(10, 30))
        wall[::pitch, ::pitch] = tone * 0.4
        wall[1::pitch, ::pitch] = tone * 0.4
    depth = float(rng.uniform(0.2, 0.7))
    above = 0
    for foot in feet:
        bay = wall[above:foot]
        fall = np.exp(-np.arange(len(bay)) / (0.3 * max(1, len(bay))))
        bay *= (1 - depth * fall[:, None]).astype(np.float32)
        above = foot
    return grey(wall)


class _Range:
    """The products of a scene: some stand on several shelves."""

    def __init__(
        self, rng: np.random.Generator, supply: Supply, kinds: list[str], widest: int, room: float
    ) -> None:
        self._rng, self._supply, self._kinds = rng, supply, kinds
        self._widest, self._room = widest, room
        self._known: dict[str, list[Sprite]] = {kind: [] for kind in kinds}

    def product(self, kind: str | None = None) -> tuple[str, Sprite]:
        """A product of a `kind` (of any when None), known or new."""
        rng = self._rng
        kind = kind or pick(rng, self._kinds)
        known = self._known[kind]
        if known and chance(rng, min(0.9, len(known) / _VARIETY)):
            return kind, pick(rng, known)
        share = rng.uniform(0.15, 0.5) if kind == "tin" else rng.uniform(0.5, 0.96)
        _, sprite = self._supply.get(rng, kind, share * self._room)
        wide, tall = sprite.size
        if wide > self._widest:
            sprite = sprite.sized(self._widest, max(4, tall * self._widest // wide))
        known.append(sprite)
        return kind, sprite


def _row(
    rng: np.random.Generator, art: Art, goods: _Range, wide: int, foot: float, room: float
) -> list[_Stack]:
    """One shelf from end to end: facings of a product beside those of the next."""
    row: list[_Stack] = []
    tidy = chance(rng, 0.7)
    x = float(rng.uniform(-0.05, 0.05) * wide)
    while x < wide:
        if chance(rng, 0.06):
            thing = clutter(rng, art, int(room * rng.uniform(0.3, 0.7)))
            row.append(_Stack(thing, None, x + thing.size[0] / 2, foot))
            x += thing.size[0] + 2
            continue
        kind, sprite = goods.product()
        if kind == "book":
            for _ in range(int(rng.integers(2, 16))):
                sprite = goods.product("book")[1]
                row.append(_Stack(sprite, kind, x + sprite.size[0] / 2, foot))
                x += sprite.size[0] + (0 if tidy else float(rng.exponential(2)))
        else:
            facings = _facings(rng, _Stack(sprite, kind, x, foot), room, wide, tidy)
            x = facings[-1].x + sprite.size[0] * rng.uniform(0.5, 0.8)
            row += facings
    return row


def _facings(
    rng: np.random.Generator, first: _Stack, room: float, wide: int, tidy: bool
) -> list[_Stack]:
    """The product again and again to the right of `first.x`, stacked where it can be."""
    across, tall = first.sprite.size
    gap = across * float(rng.uniform(-0.04, 0.12) if tidy else rng.uniform(-0.1, 0.5))
    most = 1
    if first.name in _STACKED and chance(rng, 0.5):
        most = int(np.clip(room // tall, 1, rng.integers(1, 5)))
    made: list[_Stack] = []
    for number in range(int(rng.integers(1, 9))):
        x = first.x + across / 2 + number * (across + gap)
        if made and x > wide:
            break
        shown = first.sprite
        if not tidy and chance(rng, 0.3):
            shown = shown.turned(float(rng.normal(0, 2)), float(rng.uniform(0.95, 1)))
        levels = most if chance(rng, 0.85) else int(rng.integers(1, most + 1))
        made.append(replace(first, sprite=shown, x=x, levels=levels))
    return made


def _thin_out(rng: np.random.Generator, full: list[_Stack], count: int) -> list[_Stack]:
    """Take away until `count` named things are left: here and there or in runs, from the top."""
    owners = [
        number for number, stack in enumerate(full) if stack.name for _ in range(stack.levels)
    ]
    left = np.ones(len(owners), bool)
    longest = 1 if chance(rng, 0.25) else int(rng.integers(4, 40))
    surplus = max(0, len(owners) - count)
    while surplus:
        start = int(rng.integers(0, len(owners)))
        run = np.flatnonzero(left[start : start + int(rng.integers(1, longest + 1))])[:surplus]
        left[start + run] = False
        surplus -= len(run)
    levels = np.bincount(np.array(owners, int)[left], minlength=len(full))
    return [
        replace(stack, levels=int(high)) if stack.name else stack
        for stack, high in zip(full, levels, strict=True)
        if high or not stack.name
    ]


def _build(
    rng: np.random.Generator, stage: Stage, stack: _Stack, jitter: float, slip: float
) -> None:
    across, tall = stack.sprite.size
    for level in range(stack.levels):
        gain = float(np.clip(rng.normal(1, jitter), 0.7, 1.2))
        x = stack.x + float(rng.normal(0, slip)) * across * (level > 0)
        middle = stack.foot + 1 - tall / 2 - level * (tall - 1)
        stage.put(stack.sprite, x, middle, stack.name, gain=gain, shadow=0.35)


def _behind(rng: np.random.Generator, stage: Stage, stack: _Stack, step: float) -> None:
    """The next one of a product stands behind the first, higher in the picture and darker."""
    across, tall = stack.sprite.size
    x = stack.x + float(rng.uniform(-0.25, 0.25)) * across
    lift = float(rng.uniform(0.02, 0.07)) * step
    stage.put(stack.sprite, x, stack.foot - tall / 2 - lift, stack.name, gain=0.7)


def _boards(rng: np.random.Generator, art: Art, stage: Stage, feet: list[int], rail: int) -> None:
    """The front edges of the shelves, with price tags, and sometimes uprights before all."""
    wide, high = stage.size
    tone = float(rng.uniform(40, 240))
    tagged, tag_wide = chance(rng, 0.65), int(rail * rng.uniform(1.5, 3))
    for foot in feet:
        edge = np.linspace(tone * 1.1, tone * rng.uniform(0.6, 1), rail)[:, None]
        stage.cover(grey(edge + np.zeros((1, wide))), 0, foot)
        stage.darken(0, foot + rail, np.full((max(2, rail // 2), wide), 120, np.uint8))
        if tagged and rail >= 8:
            for x in np.arange(rng.uniform(0, 60), wide, rng.uniform(1.5, 8) * tag_wide):
                stage.cover(art.tag(rng, tag_wide, rail - 2), int(x + rng.normal(0, 4)), foot + 1)
    if chance(rng, 0.25):
        thick = int(rng.uniform(0.01, 0.025) * wide) + 3
        for x in np.arange(rng.uniform(0, 0.5) * wide, wide, rng.uniform(0.3, 0.8) * wide):
            shades = tone * np.linspace(0.7, 1.1, thick)[None]
            stage.cover(grey(shades + np.zeros((high, 1))), int(x), 0)
