from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.feed import Sources
from training.scenes.art import Art
from training.scenes.factory import SETTINGS, SceneFactory
from training.scenes.kinds import Supply
from training.scenes.objects import OBJECTS, names
from training.scenes.stage import Scene


@pytest.fixture(scope="session")
def factory(drawn: Sources) -> SceneFactory:
    return SceneFactory(drawn.fonts, drawn.words)


@pytest.fixture(scope="session")
def scenes(factory: SceneFactory) -> list[Scene]:
    return [
        factory.scene(np.random.default_rng(seed), 400, kind)
        for kind in SETTINGS
        for seed in range(25)
    ]


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_same_seed_gives_the_same_scene(factory: SceneFactory, kind: str) -> None:
    for seed in range(3):
        one, two = (factory.scene(np.random.default_rng(seed), 400, kind) for _ in range(2))
        assert np.array_equal(one.pixels, two.pixels)
        assert one.marks.keys() == two.marks.keys()
        assert all(np.array_equal(one.marks[name], two.marks[name]) for name in one.marks)


def test_scenes_keep_to_their_budget(factory: SceneFactory, scenes: list[Scene]) -> None:
    for scene in scenes:
        high, wide = scene.pixels.shape
        assert scene.pixels.dtype == np.uint8
        assert high % 28 == wide % 28 == 0
        assert high * wide // 784 <= 400


def test_marks_lie_inside_and_stay_within_the_counts(scenes: list[Scene]) -> None:
    for scene in scenes:
        high, wide = scene.pixels.shape
        assert scene.marks.keys() == scene.sizes.keys() <= OBJECTS.keys()
        for name, places in scene.marks.items():
            assert 1 <= len(places) <= 120
            assert places.shape == (len(scene.sizes[name]), 2)
            assert (places >= 0).all() and (places < (wide, high)).all()
            assert (scene.sizes[name] >= 3).all()


def test_every_object_is_drawn(drawn: Sources) -> None:
    supply = Supply(Art(drawn.fonts, drawn.words))
    on_paper = {"stamp", "signature", "check box"}
    for kind in OBJECTS.keys() - on_paper:
        for seed, tall in enumerate((10, 60, 300)):
            name, sprite = supply.get(np.random.default_rng(seed), kind, tall)
            assert kind in names(name)
            assert sprite.grey.shape == sprite.alpha.shape
            assert (sprite.alpha > 127).sum() > 60
            assert 0.6 * tall < max(sprite.size)


def test_settings_show_what_belongs_there(scenes: list[Scene]) -> None:
    seen = {name for scene in scenes for name in scene.marks}
    assert {"bottle", "can", "box", "jar", "carton", "book", "tin", "pallet"} <= seen
    assert {"screw", "nut", "playing card", "stamp", "signature", "check box"} <= seen


def test_some_scenes_are_empty_and_some_are_crowded(scenes: list[Scene]) -> None:
    counts = [max(map(len, scene.marks.values()), default=0) for scene in scenes]
    assert min(counts) == 0
    assert max(counts) > 60


def test_things_cut_from_photos_are_pasted(drawn: Sources, tmp_path: Path) -> None:
    (tmp_path / "coin").mkdir()
    striped = np.zeros((40, 40, 2), np.uint8)
    striped[..., 0] = np.arange(40) % 2 * 255
    striped[..., 1] = 255
    Image.fromarray(striped, "LA").save(tmp_path / "coin" / "0.png")
    supply = Supply(Art(drawn.fonts, drawn.words), tmp_path)
    rng = np.random.default_rng(0)
    found = [supply.get(rng, "coin", 40)[1].grey for _ in range(20)]
    pasted = sum(np.array_equal(grey, striped[..., 0]) for grey in found)
    assert 5 < pasted < 19


def test_cut_outs_of_something_else_are_refused(drawn: Sources, tmp_path: Path) -> None:
    (tmp_path / "unicorn").mkdir()
    with pytest.raises(ValueError, match="unicorn"):
        SceneFactory(drawn.fonts, drawn.words, tmp_path)
