"""Tables, trays and bins: small things scattered, in rows, heaped up or sorted in compartments."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.scenes.clutter import clutter, strange
from training.scenes.kinds import Supply, least
from training.scenes.objects import look_alikes
from training.scenes.stage import Sprite, Stage, u8
from training.scenes.textures import surface
from training.synthetic.values import chance, pick

Points = NDArray[np.float64]
Area = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""

LOOSE = ("screw", "nut", "washer", "ball", "apple", "orange", "lemon", "egg")
GAMES = ("die", "playing card", "coin")
STANDING = ("bottle", "can", "box", "jar", "carton", "tin")
_UPRIGHT = frozenset(STANDING)
_HANDS = 0.14
_MOST_HANDED = 10
_STRANGE = ("book", "box", "tin", "carton")
_LENGTH = {"screw": 1.8, "playing card": 1.5, **dict.fromkeys(STANDING, 1.4)}
"""How high or long things are whose face has the side 1."""


def table(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """A table of `size` (width, height) with about `count` loose things of one to three kinds."""
    stage = _ground(rng, size)
    if chance(rng, _HANDS):
        _hands(rng, supply, stage, min(count, _MOST_HANDED))
        return stage
    roll = rng.random()
    if roll < 0.75:
        kinds = _companions(rng, pick(rng, LOOSE if roll < 0.4 else GAMES))
    else:
        kinds = [str(kind) for kind in rng.choice(STANDING, int(rng.integers(1, 4)), replace=False)]
    wide, high = size
    margin = float(rng.uniform(-0.02, 0.15))
    area = (margin * wide, margin * high, (1 - margin) * wide, (1 - margin) * high)
    spread(rng, supply, stage, kinds, area, count)
    return stage


def _hands(rng: np.random.Generator, supply: Supply, stage: Stage, count: int) -> None:
    """Large playing cards in hands of one to five, fanned out, shoved together or side by side, on
    books and boxes or beside them."""
    wide, high = stage.size
    tall = float(rng.uniform(0.16, 0.5)) * min(wide, high) / max(1.0, count / 6) ** 0.5
    for _ in range(int(rng.integers(0, 4))):
        kind = pick(rng, _STRANGE)
        sprite = supply.get(rng, kind, tall * float(rng.uniform(0.7, 2.0)))[1]
        where = rng.uniform(0, 1, 2) * stage.size
        turned = sprite.turned(float(rng.uniform(0, 360)))
        stage.put(turned, float(where[0]), float(where[1]), kind, shadow=0.3)
        beside = strange(rng, supply.art, int(tall * rng.uniform(0.5, 2.0)))
        where = rng.uniform(0, 1, 2) * stage.size
        stage.put(beside.turned(float(rng.uniform(0, 360))), float(where[0]), float(where[1]))
    strength = float(rng.uniform(0.1, 0.5))
    while count > 0:
        held = min(count, int(rng.integers(1, 6)))
        count -= held
        angle, fan = float(rng.uniform(-180, 180)), float(rng.normal(0, 9))
        step = tall * float(rng.uniform(0.15, 0.6) if chance(rng, 0.65) else rng.uniform(0.68, 1.1))
        way = np.radians(angle + (rng.normal(0, 12) if chance(rng, 0.8) else 90))
        along = step * np.array([np.cos(way), -np.sin(way)])
        middle = rng.uniform(0.15, 0.85, 2) * stage.size - along * (held - 1) / 2
        for number in range(held):
            name, sprite = supply.get(rng, "playing card", tall)
            x, y = middle + along * number + rng.normal(0, 0.02 * tall, 2)
            lean = angle + fan * (number - (held - 1) / 2) + float(rng.normal(0, 3))
            stage.put(sprite.turned(lean), float(x), float(y), name, shadow=strength)
    if chance(rng, 0.35):
        above = strange(rng, supply.art, int(tall * rng.uniform(0.8, 2.0)))
        where = rng.uniform(0, 1, 2) * stage.size
        stage.put(above.turned(float(rng.uniform(0, 360))), float(where[0]), float(where[1]))


def bins(rng: np.random.Generator, supply: Supply, size: tuple[int, int], count: int) -> Stage:
    """A tray or a case with compartments, each with things of one kind, or one large bin."""
    stage = _ground(rng, size)
    wide, high = size
    columns = rows = 1
    if chance(rng, 0.55):
        columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    border, wall = float(rng.uniform(0.0, 0.1)), float(rng.uniform(0.01, 0.03)) * wide
    x0, y0 = border * wide, border * high
    across, down = (wide - 2 * x0) / columns, (high - 2 * y0) / rows
    tone = float(rng.uniform(30, 230))
    floor = float(rng.uniform(25, 235))
    main = pick(rng, (*LOOSE, *GAMES))
    shares = rng.multinomial(count, rng.dirichlet(np.full(columns * rows, 1.2)))
    side = None if columns * rows == 1 else _side(rng, main, across * down * 0.6, count / 2 + 1)
    for cell in range(columns * rows):
        left, top = x0 + cell % columns * across, y0 + cell // columns * down
        _compartment(rng, stage, (left, top, left + across, top + down), wall, (tone, floor))
        kind = main if cell == 0 or chance(rng, 0.35) else pick(rng, LOOSE)
        inner = (left + 2 * wall, top + 2 * wall, left + across - 2 * wall, top + down - 2 * wall)
        spread(rng, supply, stage, [kind], inner, int(shares[cell]), side=side, odd=0.05)
    return stage


def spread(
    rng: np.random.Generator, supply: Supply, stage: Stage, kinds: list[str], area: Area,
    count: int, *, side: float | None = None, odd: float = 0.4,
) -> None:  # fmt: skip
    """Put `count` things of these kinds into `area`, with odds `odd` some clutter between them.

    `side` is how large they are, in px; by the room that there is when None.
    """
    x0, y0, x1, y1 = area
    strange = int(rng.integers(1, 7)) if chance(rng, odd) else 0
    if count + strange == 0 or x1 - x0 < 20 or y1 - y0 < 20:
        return
    if side is None:
        side = _side(rng, kinds[0], (x1 - x0) * (y1 - y0), max(count, 2))
    side = min(side, 0.6 * min(x1 - x0, y1 - y0))
    pools = {kind: _pool(rng, supply, kind, side, count) for kind in kinds}
    shares = rng.dirichlet(np.full(len(kinds), 1.5))
    wanted: list[str | None] = [str(kind) for kind in rng.choice(kinds, count, p=shares)]
    wanted += [None] * strange
    strength = float(rng.uniform(0.15, 0.6))
    places = _places(rng, area, len(wanted), side)
    for number, (x, y) in zip(rng.permutation(len(wanted)), places, strict=True):
        kind = wanted[int(number)]
        if kind is None:
            name, thing = None, clutter(rng, supply.art, int(side * rng.uniform(0.8, 2.2)))
            sprite = thing.turned(float(rng.uniform(0, 360)))
        else:
            name, thing = pick(rng, pools[kind])
            sprite = _laid(rng, thing, kind)
        gain = float(np.clip(rng.normal(1, 0.07), 0.75, 1.2))
        stage.put(sprite, float(x), float(y), name, gain=gain, shadow=strength)


def _ground(rng: np.random.Generator, size: tuple[int, int]) -> Stage:
    angle = rng.uniform(0, 2 * np.pi)
    far = rng.uniform(0.02, 0.14)
    return Stage(surface(rng, *size), (float(far * np.cos(angle)), float(far * np.sin(angle))))


def _companions(rng: np.random.Generator, main: str) -> list[str]:
    """The kind itself, and often others: look-alikes rather than any."""
    others: list[str] = []
    near = [kind for kind in look_alikes(main) if kind in (*LOOSE, *GAMES, *STANDING)] or [*GAMES]
    while chance(rng, 0.4) and len(others) < 3:
        others.append(pick(rng, near) if chance(rng, 0.7) else pick(rng, LOOSE))
    return list(dict.fromkeys([main, *others]))


def _side(rng: np.random.Generator, kind: str, room: float, count: float) -> float:
    """The side of a thing in px, so that `count` of them cover a likely share of `room`."""
    share = float(np.exp(rng.uniform(np.log(0.1), np.log(1.1))))
    if kind in LOOSE and count > 10 and chance(rng, 0.12):
        share = float(rng.uniform(1.2, 2.2))  # a heap: many lie hidden below others
    side = np.sqrt(room * share / count)
    largest = rng.uniform(0.15, 0.5) * np.sqrt(room)
    return float(max(least(kind), min(side, largest)))


def _pool(
    rng: np.random.Generator, supply: Supply, kind: str, side: float, count: int
) -> list[tuple[str, Sprite]]:
    """Some of a kind: all alike, or each another."""
    variety = 20 if kind in GAMES else 9
    amount = max(1, min(count, int(rng.integers(1, variety)), int(3000 / side)))
    side *= _LENGTH.get(kind, 1.0)
    sizes = side * rng.uniform(1 - rng.uniform(0, 0.4), 1.05, amount)
    return [supply.get(rng, kind, float(one)) for one in sizes]


def _laid(rng: np.random.Generator, sprite: Sprite, kind: str) -> Sprite:
    """Turned as it came to lie; what can stand mostly does."""
    if kind in _UPRIGHT:
        return sprite.turned(float(rng.uniform(0, 360))) if chance(rng, 0.15) else sprite
    most = 20 if kind == "die" else 180
    return sprite.turned(float(rng.uniform(-most, most)), float(rng.uniform(0.85, 1.0)))


def _places(rng: np.random.Generator, area: Area, count: int, side: float) -> Points:
    """Middles (count, 2), mostly those further back first: in rows, heaped, or scattered."""
    corner, size = np.array(area[:2]), np.array(area[2:]) - area[:2]
    way = rng.random()
    if way < 0.25:
        spots = _in_rows(rng, size, count, side)
    elif way < 0.45:
        heaped = rng.uniform(0.35, 0.65, 2) * size + rng.normal(0, 0.2, (8 * count, 2)) * size
        spots = apart(heaped, count, side * rng.uniform(0.45, 0.9))
    else:
        loose = rng.uniform(0, 1, (8 * count, 2)) * size
        spots = apart(loose, count, side * rng.uniform(0.6, 1.2))
    inner = np.minimum(0.3 * side, size / 2)
    spots = np.clip(spots, inner, size - inner) + corner
    if chance(rng, 0.5):
        spots = spots[np.argsort(spots[:, 1], kind="stable")]
    return np.asarray(spots, np.float64)


def _in_rows(rng: np.random.Generator, size: Points, count: int, side: float) -> Points:
    """Rows and columns about the middle of an area of `size` (2,), more or less straight."""
    wide, high = size
    columns = max(1, min(count, round(np.sqrt(count * wide / high) * rng.uniform(0.7, 1.3))))
    rows = -(-count // columns)
    step = min(wide / columns, high / rows, side * rng.uniform(0.95, 2.5))
    slot = np.arange(count)
    grid = np.stack([slot % columns, slot // columns], 1) - np.array([columns - 1, rows - 1]) / 2
    spots = grid * step + rng.normal(0, rng.uniform(0, 0.08) * step, (count, 2))
    turn = rng.normal(0, 0.1)
    swing = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(spots @ swing.T + size / 2)


def apart(spots: Points, count: int, distance: float) -> Points:
    """`count` of the spots, as far as possible no two nearer than `distance` px."""
    kept = spots[:0]
    spare: list[Points] = []
    for spot in spots:
        if len(kept) == count:
            break
        if len(kept) and np.hypot(*(kept - spot).T).min() < distance:
            spare.append(spot)
        else:
            kept = np.concatenate([kept, spot[None]])
    missing = count - len(kept)
    return np.concatenate([kept, np.array(spare[:missing]).reshape(-1, 2)]) if missing else kept


def _compartment(
    rng: np.random.Generator, stage: Stage, area: Area, wall: float, tones: tuple[float, float]
) -> None:
    """A shallow box seen from above: a floor, a bright rim, its inner walls in shadow."""
    x0, y0, x1, y1 = (round(v) for v in area)
    picture = np.full((max(4, y1 - y0), max(4, x1 - x0)), tones[1], np.float32)
    thick = max(2, round(wall))
    picture[:thick], picture[-thick:] = tones[0], tones[0] * 0.9
    picture[:, :thick], picture[:, -thick:] = tones[0] * 1.05, tones[0] * 0.8
    deep = 2 * thick
    picture[thick:deep, thick:-thick] *= 0.45
    picture[deep:-thick, thick:deep] *= 0.65
    stage.cover(u8(cv2.GaussianBlur(picture, (0, 0), 1.0)), x0, y0)
