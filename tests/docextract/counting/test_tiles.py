import numpy as np
import pytest

from docextract.counting.tiles import (
    MANY,
    MOST_TILES,
    Places,
    Tile,
    cut_tiles,
    median_gap,
    merge,
    wants_tiles,
)


def grid(columns: int, rows: int, step: float = 40.0, down: float = 40.0) -> Places:
    return np.array(
        [(step * (x + 0.5), down * (y + 0.5)) for y in range(rows) for x in range(columns)]
    )


def seen(tile: Tile, places: Places) -> Places:
    """What a look at the tile would find."""
    left, top, right, bottom = tile.view
    x, y = places[:, 0], places[:, 1]
    return places[(x > left) & (x < right) & (y > top) & (y < bottom)]


def test_the_gap_is_that_to_the_nearest_neighbour() -> None:
    assert median_gap(grid(4, 3)) == pytest.approx(40)
    assert median_gap(grid(1, 1)) is None
    assert median_gap(grid(1, 1), grid(2, 1)) == pytest.approx(40)


def test_many_marks_ask_for_tiles_and_so_does_crowding_that_tiles_can_mend() -> None:
    assert wants_tiles(grid(MANY, 1), shown=2.0, detail=1.0)
    assert not wants_tiles(grid(4, 1), shown=2.0, detail=1.0)
    crowded = grid(4, 2, step=100, down=100)
    assert wants_tiles(crowded, shown=0.25, detail=1.0)
    assert not wants_tiles(crowded, shown=0.25, detail=0.25)
    assert not wants_tiles(crowded[:3], shown=0.25, detail=1.0)
    assert not wants_tiles(np.empty((0, 2)), shown=0.1, detail=1.0)


@pytest.mark.parametrize("places", [grid(10, 6), grid(25, 3, down=150), grid(5, 24), grid(2, 1)])
def test_the_cores_of_tiles_cover_a_page_once(places: Places) -> None:
    width, height = (float(side) + 20 for side in places.max(0))
    tiles = cut_tiles(places, width, height)
    areas = [
        (right - left) * (bottom - top) for left, top, right, bottom in (t.core for t in tiles)
    ]
    assert sum(areas) == pytest.approx(width * height)
    assert 4 <= len(tiles) <= MOST_TILES + 4
    for tile in tiles:
        inner = np.array(tile.core) - np.array(tile.view)
        assert (inner[:2] >= 0).all() and (inner[2:] <= 0).all()


def test_shelves_are_cut_between_their_rows() -> None:
    rows = grid(12, 4, step=40, down=200)
    rows[:, 1] += np.tile([0, 4, -5, 3], 12)
    tiles = cut_tiles(rows, 480, 800)
    edges = sorted({tile.core[1] for tile in tiles})
    assert edges == pytest.approx([0, 200, 400, 600], abs=6)


@pytest.mark.parametrize("places", [grid(10, 6), grid(25, 3, down=150), grid(12, 9, step=55)])
def test_marks_of_tiles_become_one_set_again(places: Places) -> None:
    width, height = (float(side) + 20 for side in places.max(0))
    jitter = np.random.default_rng(0)
    tiles = cut_tiles(places, width, height)
    found = [seen(tile, places) for tile in tiles]
    parts = [
        (tile, some + jitter.normal(0, 2, some.shape))
        for tile, some in zip(tiles, found, strict=True)
    ]
    assert sum(map(len, found)) > len(places)
    kept = merge(parts)
    assert len(kept) == len(places)
    marks = np.array([parts[tile][1][mark] for tile, mark in kept])
    nearest = np.linalg.norm(marks[:, None] - places[None], axis=2).argmin(1)
    assert sorted(nearest) == list(range(len(places)))


def test_an_object_on_the_border_of_two_tiles_is_one() -> None:
    left = Tile((0, 0, 100, 100), (0, 0, 140, 100))
    right = Tile((100, 0, 200, 100), (60, 0, 200, 100))
    ours = np.array([(20.0, 50), (60.0, 50), (99.0, 50)])
    theirs = np.array([(101.0, 51), (140.0, 50), (180.0, 50)])
    assert merge([(left, ours), (right, theirs)]) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]


def test_neighbours_within_a_tile_are_never_put_together() -> None:
    tile = Tile((0, 0, 100, 100), (0, 0, 100, 100))
    close = np.array([(10.0, 10), (50.0, 50), (51.0, 50), (90.0, 90)])
    assert len(merge([(tile, close)])) == 4


def test_nothing_comes_of_nothing() -> None:
    tile = Tile((0, 0, 100, 100), (0, 0, 100, 100))
    assert merge([(tile, np.empty((0, 2)))]) == []
