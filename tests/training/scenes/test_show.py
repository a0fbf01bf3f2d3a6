from pathlib import Path

import cv2
import numpy as np

from training.feed import Sources
from training.scenes.show import main, marked
from training.scenes.stage import Scene


def test_every_thing_gets_a_coloured_ring() -> None:
    places = np.array([[100, 80], [200, 160]], np.float32)
    scene = Scene(np.full((224, 280), 90, np.uint8), {"nut": places}, {"nut": places[:, 0]})
    picture = marked(scene).astype(int)
    coloured = np.ptp(picture, axis=2) > 60
    for x, y in places.astype(int):
        assert coloured[y - 8 : y + 9, x - 8 : x + 9].any()
    assert not coloured[185:].any()


def test_sheets_hold_as_many_scenes_as_asked_for(drawn: Sources, tmp_path: Path) -> None:
    folders = ["--fonts", str(drawn.fonts), "--words", str(drawn.words)]
    main([str(tmp_path), *folders, "--count", "4", "--budget", "100", "--kind", "bins"])
    (path,) = tmp_path.iterdir()
    assert cv2.imread(str(path)).shape == (2 * 560, 3 * 560, 3)
