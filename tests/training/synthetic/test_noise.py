import numpy as np

from training.synthetic.noise import _photo, weather


def test_letters_move_with_the_paper() -> None:
    grid = [(x, y) for x in range(40, 580, 60) for y in range(40, 780, 60)]
    found = []
    for seed in range(60):
        pixels = np.full((820, 620), 255, np.uint8)
        for x, y in grid:
            pixels[y - 3 : y + 4, x - 3 : x + 4] = 0
        places = np.array([(x, y, 65) for x, y in grid], dtype=np.float64)
        aged, moved = weather(np.random.default_rng(seed), pixels, places, 24.0)
        assert aged.shape == (820, 620) and aged.dtype == np.uint8
        for x, y, _ in np.round(moved).astype(int):
            here = aged[y - 2 : y + 3, x - 2 : x + 3].astype(float).mean()
            around = np.percentile(aged[y - 14 : y + 15, x - 14 : x + 15], 90)
            found.append(here < around - 25)
    assert np.mean(found) > 0.98


def test_a_photo_shows_letters_where_it_says() -> None:
    for seed in range(20):
        pixels = np.full((820, 620), 255, np.uint8)
        places = np.array([(x, y, 65) for x in (40, 300, 580) for y in (40, 700)], np.float64)
        for x, y, _ in places.astype(int):
            pixels[y - 5 : y + 6, x - 5 : x + 6] = 0
        seen, moved = _photo(np.random.default_rng(seed), pixels, places)
        assert all(seen[y, x] < 60 for x, y, _ in np.round(moved).astype(int))


def test_the_same_seed_ages_the_same_way() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (280, 280), dtype=np.uint8)
    places = np.array([[140.0, 140.0, 65.0]])
    for seed in range(20):
        one, two = (
            weather(np.random.default_rng(seed), pixels.copy(), places, 24.0) for _ in range(2)
        )
        assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])
