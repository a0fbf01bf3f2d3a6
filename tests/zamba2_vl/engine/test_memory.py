from dataclasses import replace

import numpy as np

from zamba2_vl.engine.memory import Shelf
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.image import ImageProcessor, PatchGrid


def grid(seed: int = 0, rows: int = 2, columns: int = 3) -> PatchGrid:
    size = (28 * rows, 28 * columns)
    pixels = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    return ImageProcessor()(pixels)


def test_a_prefix_ends_with_the_last_image_token() -> None:
    prompt = [1, 9, 9, 9, 2, 9, 9, 3, 4]
    prefix = Prefix.of(prompt, [grid(), grid(1)], 9)
    assert prefix is not None
    assert len(prefix) == 7
    assert prefix == Prefix.of([*prompt[:7], 5], [grid(), grid(1)], 9)
    assert prefix != Prefix.of(prompt, [grid(), grid(2)], 9)
    assert prefix != Prefix.of([0, *prompt[1:]], [grid(), grid(1)], 9)
    assert prefix != Prefix.of(prompt, [grid(1), grid()], 9)


def test_one_token_is_left_to_be_read() -> None:
    prefix = Prefix.of([1, 9, 9], [grid()], 9)
    assert prefix is not None and len(prefix) == 2


def test_words_alone_share_nothing() -> None:
    assert Prefix.of([1, 2, 3], [], 9) is None
    assert Prefix.of([1, 2, 3], [], None) is None


def test_a_single_different_pixel_tells_pictures_apart() -> None:
    one = grid()
    patches = one.patches.clone()
    patches[17, 101] += 1 / 255
    other = replace(one, patches=patches)
    prefixes = [Prefix([9] * 6, [image]) for image in (one, other)]
    assert hash(prefixes[0]) == hash(prefixes[1])
    assert prefixes[0] != prefixes[1]


def test_the_shelf_lets_go_of_what_was_asked_for_longest_ago() -> None:
    shelf = Shelf[str](2)
    one, two, three = (Prefix([seed], []) for seed in range(3))
    assert shelf.put(one, "1") == shelf.put(two, "2") == []
    assert shelf.find(one) == "1"
    assert shelf.put(three, "3") == ["2"]
    assert shelf.find(two) is None and shelf.find(None) is None
    assert one in shelf and None not in shelf
    assert shelf.put(one, "new") == ["1"]
    assert [shelf.drop(), shelf.drop(), shelf.drop()] == ["3", "new", None]
