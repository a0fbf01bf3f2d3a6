"""Warehouses without people: racks of pallets with boxes, and stacks on the floor."""

import numpy as np

from training.scenes.kinds import Supply
from training.scenes.packs import block, cardboard
from training.scenes.stage import Pixels, Sprite, Stage, grey
from training.scenes.textures import cloud, surface
from training.synthetic.values import chance, pick

Room = tuple[float, float, float, float]
"""Left, top, right and foot in pixels."""

_SMALLEST, _FINEST = 13, 190


def warehouse(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """Racks or a floor of `size` (width, height) with about `count` boxes, most on pallets."""
    return (_racks if chance(rng, 0.5) else _floor)(rng, supply, size, count)


def _racks(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """Steel racks seen from the aisle: beams, uprights, a load in each bay, some bays empty."""
    wide, high = size
    levels = int(np.clip(round(np.sqrt(count / 5) + rng.uniform(0, 1.5)), 1, 6))
    bays = int(np.clip(round(levels * wide / high * rng.uniform(0.7, 1.3)), 1, 8))
    step, bay = high / levels, wide / bays
    stage = Stage(_depths(rng, size), (0.03, 0.02))
    beam = max(4, int(step * rng.uniform(0.05, 0.09)))
    shares = rng.multinomial(count, rng.dirichlet(np.full(levels * bays, 0.8)))
    for number, share in enumerate(shares):
        left, foot = number % bays * bay, (number // bays + 1) * step - beam
        room = (left + bay * 0.08, foot - 0.86 * (step - beam), left + bay * 0.92, foot)
        on_pallet = chance(rng, 0.85)
        if share or chance(rng, 0.3):
            _stack(rng, supply, stage, room, int(share), on_pallet)
    _steel(rng, stage, (levels, bays), beam)
    return stage


def _floor(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """Stacks on the floor before a wall, nearer ones lower in the picture and larger."""
    wide, high = size
    horizon = int(high * rng.uniform(0.15, 0.45))
    ground = np.concatenate([_depths(rng, (wide, horizon)), surface(rng, wide, high - horizon)])
    stage = Stage(np.ascontiguousarray(ground), (0.05, 0.03))
    for _ in range(int(rng.integers(0, 3))):
        _spare_pallets(rng, supply, stage, horizon)
    groups = int(np.clip(rng.poisson(1 + count / 12), 1, 9))
    shares = rng.multinomial(count, rng.dirichlet(np.full(groups, 1.5)))
    feet = np.sort(rng.uniform(horizon + 0.15 * (high - horizon), high * 0.98, groups))
    for foot, share in zip(feet, shares, strict=True):
        near = (foot - horizon * 0.6) / (high - horizon * 0.6)
        side = wide * rng.uniform(0.25, 0.6) * near
        tall = min(foot * 0.95, high * rng.uniform(0.35, 0.8) * near)
        left = rng.uniform(-0.1 * side, wide - 0.9 * side)
        room = (left, foot - tall, left + side, foot)
        _stack(rng, supply, stage, room, int(share), chance(rng, 0.6))
    return stage


def _spare_pallets(rng: np.random.Generator, supply: Supply, stage: Stage, horizon: int) -> None:
    """Empty pallets on each other."""
    wide, high = stage.size
    name, sprite = supply.get(rng, "pallet", wide * rng.uniform(0.02, 0.05))
    x, y = rng.uniform(0, wide), horizon + rng.uniform(0.1, 0.7) * (high - horizon)
    for level in range(int(rng.integers(1, 9))):
        across = x + float(rng.normal(0, 0.01)) * wide
        stage.put(sprite, across, y - level * sprite.size[1], name, shadow=0.3)


def _depths(rng: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """What lies behind: a dim hall or a plain wall, with lamps or windows now and then."""
    wide, high = size
    wall = float(rng.uniform(20, 190)) + 12 * cloud(rng, wide, high, 5, 4)
    wall = wall * np.linspace(rng.uniform(0.8, 1.4), 1, high, dtype=np.float32)[:, None]
    pixels = grey(wall)
    if chance(rng, 0.5):
        step = int(rng.uniform(0.02, 0.08) * wide) + 3
        shift = int(rng.uniform(-18, 18))
        pixels[:, ::step] = grey(pixels[:, ::step].astype(np.float32) + shift)
    return pixels


def _stack(
    rng: np.random.Generator, supply: Supply, stage: Stage,
    room: Room, count: int, on_pallet: bool,
) -> None:  # fmt: skip
    """A load of `count` boxes in a room, with a pallet below it or not."""
    left, top, right, foot = room
    if on_pallet:
        tall = (right - left) / rng.uniform(6.5, 9)
        name, sprite = supply.get(rng, "pallet", tall)
        sprite = sprite.sized(round(right - left), max(9, round(tall)))
        stage.put(sprite, (left + right) / 2, foot - sprite.size[1] / 2, name, shadow=0.3)
        foot -= sprite.size[1]
    if count:
        _pile(rng, supply, stage, (left, top, right, foot), count)


def _pile(rng: np.random.Generator, supply: Supply, stage: Stage, room: Room, count: int) -> None:
    """`count` boxes in layers; those behind show over and beside those before them."""
    left, top, right, foot = room
    deep = 1 if chance(rng, 0.55) else int(rng.integers(2, 4))
    shape = (right - left) / max(1.0, foot - top) / float(rng.uniform(0.7, 1.6))
    across = int(np.clip(round(np.sqrt(count / deep * shape)), 1, count))
    layers = -(-count // (across * deep))
    slant, rise = (float(v) for v in rng.uniform(0.05, 0.3, 2))
    side = (right - left) / (across + slant * deep)
    tall = min((foot - top) / (layers + rise * deep), side * float(rng.uniform(0.6, 1.4)))
    if min(side, tall) < _SMALLEST:
        return
    shift, up = int(slant * side) * (1 if chance(rng, 0.5) else -1), int(rise * tall)
    size = round(side), round(tall)
    looks = [
        _look(rng, supply, size, shift, up)
        for _ in range(1 if chance(rng, 0.5) else int(rng.integers(2, 6)))
    ]
    start = left + side / 2 + max(0, -shift) * deep
    columns = range(across) if shift > 0 else range(across - 1, -1, -1)
    slip = float(rng.uniform(0, 0.04)) * side
    jitter = float(rng.uniform(0, 0.08))
    for behind in range(deep - 1, -1, -1):
        for layer in range(layers):
            for column in columns:
                if (layer * deep + behind) * across + column >= count:
                    continue
                x = start + column * side + behind * shift + shift / 2 + rng.normal(0, slip)
                y = foot - (layer + 0.5) * tall - behind * up - up / 2
                gain = float(np.clip(rng.normal(1 - 0.08 * behind, jitter), 0.6, 1.2))
                name, sprite = pick(rng, looks)
                stage.put(sprite, float(x), y, name, gain=gain, shadow=0.3)


def _look(
    rng: np.random.Generator, supply: Supply, size: tuple[int, int], shift: int, up: int
) -> tuple[str, Sprite]:
    """A box of `size` in the same oblique view as all of its pile."""
    wide, high = (min(side, _FINEST) for side in size)
    front = Sprite(cardboard(rng, supply.art, wide, high), np.zeros((high, wide), np.uint8))
    return "box", block(rng, front.sized(*size).grey, shift, up)


def _steel(rng: np.random.Generator, stage: Stage, grid: tuple[int, int], beam: int) -> None:
    """Beams below each load and uprights between the bays, in front of all."""
    (levels, bays), (wide, high) = grid, stage.size
    tone, thick = float(rng.uniform(60, 210)), max(4, int(beam * rng.uniform(0.7, 1.3)))
    for level in range(levels):
        y = round((level + 1) * high / levels) - beam
        edge = tone * np.linspace(1.1, 0.7, beam)[:, None] + np.zeros((1, wide))
        stage.cover(grey(edge), 0, y)
        if chance(rng, 0.6):
            for x in np.arange(rng.uniform(0, 80), wide, wide / bays):
                tag = np.full((max(2, beam - 3), beam * 2), 230, np.uint8)
                stage.cover(tag, round(x), y + 1)
    upright = tone * rng.uniform(0.4, 1.1) * np.linspace(0.75, 1.1, thick)[None]
    post = grey(upright + np.zeros((high, 1)))
    post[:: 2 * thick, thick // 3 : 2 * thick // 3] = 25
    for bay in range(bays + 1):
        stage.cover(post, round(bay * wide / bays - thick / 2), 0)
