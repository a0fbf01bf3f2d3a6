import numpy as np
import pytest

from training.feed import Sources
from training.scenes.factory import SETTINGS, SceneFactory
from training.scenes.objects import OBJECTS
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
