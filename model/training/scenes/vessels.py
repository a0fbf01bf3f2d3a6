"""Bottles, jars, cans and tins: bodies of revolution, lit from a side, with labels around them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.scenes.art import Art
from training.scenes.stage import Sprite, grey
from training.scenes.textures import cloud
from training.synthetic.values import chance

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Look:
    """How light falls on a body: where from (-1 left to 1 right), how glossy, how bright."""

    side: float
    gloss: float
    ambient: float
    tilt: float
    """Half the height of a circle seen slantwise, as a share of its width."""


def bottle(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A bottle of any build: neck, shoulder, body, cap, label; `high` pixels."""
    body = rng.uniform(0.11, 0.24)
    neck = body * rng.uniform(0.22, 0.5)
    cap_end = rng.uniform(0.03, 0.1)
    neck_end = cap_end + rng.uniform(0.03, 0.22)
    shoulder_end = neck_end + rng.uniform(0.05, 0.28)
    t = _rows(high)
    rise = np.clip((t - neck_end) / (shoulder_end - neck_end), 0, 1)
    rounding = rise ** rng.uniform(0.6, 1.4)
    curve = (1 - np.cos(np.pi * rounding)) / 2 if chance(rng, 0.7) else np.sqrt(rounding)
    radius = neck + (body - neck) * curve
    if chance(rng, 0.3):
        waist = np.exp(-(((t - rng.uniform(0.55, 0.8)) / rng.uniform(0.05, 0.15)) ** 2))
        radius *= 1 - rng.uniform(0.04, 0.2) * waist * rise
    if chance(rng, 0.25):
        radius *= 1 + 0.02 * np.sin(t * rng.uniform(60, 140)) * (rise > 0.98)
    cap = t < cap_end
    radius[cap] = neck * rng.uniform(0.95, 1.35)
    radius = _round_foot(t, radius, 0.015)
    wide = int(2 * body * 1.05 * high) + 3
    skin = np.full((high, wide), rng.uniform(20, 225))
    if chance(rng, 0.6):
        level = rng.uniform(0.2, 0.45)
        skin[t < level] += rng.uniform(-40, 60)
    skin[cap] = rng.uniform(20, 245)
    if chance(rng, 0.88):
        _wrap(rng, art, skin, t, rng.uniform(shoulder_end, 0.7), rng.uniform(0.75, 0.97))
    if chance(rng, 0.25):
        _wrap(rng, art, skin, t, neck_end, neck_end + 0.08)
    return _lit(rng, radius * high, skin, _look(rng, 0.03, gloss=rng.uniform(0.2, 1)))


def jar(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A wide jar with a lid as wide as its mouth, often of glass with something in it."""
    body = rng.uniform(0.26, 0.5)
    mouth = body * rng.uniform(0.72, 0.98)
    lid_end = rng.uniform(0.1, 0.22)
    t = _rows(high)
    rise = np.clip((t - lid_end) / rng.uniform(0.04, 0.2), 0, 1)
    radius = mouth * 0.94 + (body - mouth * 0.94) * np.sin(rise * np.pi / 2)
    lid = t < lid_end
    radius[lid] = mouth
    if chance(rng, 0.25):
        belly = np.sin(np.clip((t - lid_end) / (1 - lid_end), 0, 1) * np.pi)
        radius[~lid] *= (1 - 0.15 + 0.15 * belly)[~lid]
    radius = _round_foot(t, radius, rng.uniform(0.02, 0.08))
    wide = int(2 * body * high) + 3
    skin = np.full((high, wide), rng.uniform(30, 225))
    skin += rng.uniform(0, 30) * cloud(rng, wide, high, rng.uniform(2, 14), rng.uniform(2, 20))
    skin[lid] = rng.uniform(25, 245)
    if chance(rng, 0.5):
        skin[lid] += (np.arange(wide) % 4 < 2) * rng.uniform(-50, 50)
    skin[(t >= lid_end) & (t < lid_end + 0.02)] *= 0.6
    if chance(rng, 0.75):
        _wrap(rng, art, skin, t, rng.uniform(lid_end + 0.08, 0.55), rng.uniform(0.7, 0.95))
    return _lit(rng, radius * high, skin, _look(rng, 0.1, gloss=rng.uniform(0.2, 0.9)))


def can(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A drink can with its necks, or a food can with its rims and ribs."""
    body = rng.uniform(0.2, 0.38) if chance(rng, 0.55) else rng.uniform(0.33, 0.55)
    t = _rows(high)
    wide = int(2 * body * high) + 3
    metal = rng.uniform(150, 235)
    skin = np.full((high, wide), metal)
    radius = np.full(high, body)
    if chance(rng, 0.55):
        top, foot = rng.uniform(0.05, 0.12), rng.uniform(0.03, 0.07)
        radius *= 1 - rng.uniform(0.1, 0.22) * np.clip(1 - t / top, 0, 1)
        radius *= 1 - rng.uniform(0.1, 0.2) * np.clip(1 - (1 - t) / foot, 0, 1)
        _wrap(rng, art, skin, t, top * 0.8, 1 - foot * 0.7)
    else:
        rim = rng.uniform(0.02, 0.05)
        if chance(rng, 0.85):
            _wrap(rng, art, skin, t, rim * 1.5, 1 - rim * 1.5)
        else:
            ribs = (t > 0.25) & (t < 0.75)
            skin[ribs] *= 1 + 0.25 * np.sin(t[ribs] * high * rng.uniform(0.5, 1.2))[:, None]
        inner = (t > rim) & (t < 1 - rim)
        radius[inner] *= 0.97
        skin[~inner] = metal * 0.85
    return _lit(rng, radius * high, skin, _look(rng, 0.16, gloss=rng.uniform(0.3, 1)), lid=metal)


def tin(rng: np.random.Generator, art: Art, high: int) -> Sprite:
    """A flat round tin with a lid, as for biscuits, tea, polish or sweets."""
    body = rng.uniform(0.75, 1.7)
    t = _rows(high)
    wide = int(2 * body * high) + 3
    skin = art.label(rng, int(wide * 1.5), high)[:high, :wide].astype(np.float64)
    lid_end = rng.uniform(0.25, 0.55)
    radius = np.full(high, body)
    radius[t > lid_end] *= 0.975
    skin[(t > lid_end) & (t < lid_end + max(0.05, 1.2 / high))] *= 0.45
    look = _look(rng, 0.3, gloss=rng.uniform(0.1, 0.7), least=0.08)
    return _lit(rng, radius * high, skin, look, lid=float(rng.uniform(60, 240)))


def _rows(high: int) -> Floats:
    return (np.arange(high) + 0.5) / high


def _round_foot(t: Floats, radius: Floats, share: float) -> Floats:
    gone = np.clip((t - (1 - share)) / share, 0, 1)
    return radius * (1 - 0.25 * gone**2)


def _wrap(
    rng: np.random.Generator, art: Art, skin: Floats, t: Floats, start: float, end: float
) -> None:
    """Glue a label around the body between two heights; half of it is out of sight."""
    rows = np.flatnonzero((t >= start) & (t < end))
    if len(rows) >= 4:
        skin[rows] = art.label(rng, skin.shape[1], len(rows))[: len(rows), : skin.shape[1]]


def _look(rng: np.random.Generator, most: float, *, gloss: float, least: float = 0.0) -> _Look:
    return _Look(
        side=float(rng.uniform(-0.9, 0.9)),
        gloss=gloss,
        ambient=float(rng.uniform(0.35, 0.8)),
        tilt=float(rng.uniform(least, most)),
    )


def _lit(
    rng: np.random.Generator, radius: Floats, skin: Floats, look: _Look, lid: float | None = None
) -> Sprite:
    """The body seen from the front: `radius` (h,) in pixels a row, `skin` (h, w) of greys.

    Half of the skin lies in front, so that a picture on it keeps its shape in the middle and is
    pressed together at both sides. `lid` is the grey of a flat top that is seen from above.
    """
    high, wide = skin.shape
    drop = look.tilt * float(radius.max())
    x = np.arange(wide) + 0.5 - wide / 2
    across = np.sqrt(np.clip(1 - (x / radius.max()) ** 2, 0, 1))
    extra = int(np.ceil(2 * drop))
    y = np.arange(high + extra)[:, None] - drop - drop * across[None]
    row = np.clip(y.astype(np.intp), 0, high - 1)
    reach = radius[row]
    u = np.clip(x / reach, -1, 1)
    turn = np.arcsin(u) / np.pi + 0.5
    column = np.clip((turn * wide).astype(np.intp), 0, wide - 1)
    facing = np.sqrt(1 - u * u) * np.sqrt(1 - look.side**2) + u * look.side
    shade = look.ambient + (1.05 - look.ambient) * np.clip(facing, 0, 1)
    shade *= 1 - 0.35 * np.abs(u) ** 6
    light = skin[row, column] * shade
    for place in (look.side * 0.75, -look.side * rng.uniform(0.5, 1)):
        width = rng.uniform(0.03, 0.16)
        light += look.gloss * rng.uniform(40, 170) * np.exp(-(((u - place) / width) ** 2))
    alpha = np.clip(reach - np.abs(x) + 0.5, 0, 1) * np.clip(np.minimum(y + 1, high - y), 0, 1)
    if lid is not None and drop > 0.5:
        light, alpha = _top(radius[0], drop, lid, light, alpha)
    return Sprite(grey(light), (alpha * 255).astype(np.uint8))


def _top(
    radius: float, drop: float, lid: float, light: Floats, alpha: Floats
) -> tuple[Floats, Floats]:
    """Lay the top's ellipse over the body: a bright rim, a darker inside."""
    high, wide = light.shape
    x = (np.arange(wide) + 0.5 - wide / 2)[None] / radius
    y = (np.arange(high)[:, None] + 0.5 - drop) / drop
    far = np.sqrt(x * x + y * y)
    cover = np.clip((1 - far) * drop + 0.5, 0, 1)
    inside = lid * np.where(far < 0.84, 0.72 + 0.12 * x * y, 1.08)
    return light * (1 - cover) + inside * cover, np.maximum(alpha, cover)
