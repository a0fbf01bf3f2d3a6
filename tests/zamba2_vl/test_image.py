import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zamba2_vl.config import VisionConfig
from zamba2_vl.errors import CheckpointError, InputError
from zamba2_vl.image import CLIP_MEAN, CLIP_STD, ImageProcessor

TOWER = VisionConfig(
    depth=1,
    hidden_size=8,
    intermediate_size=8,
    num_heads=2,
    out_hidden_size=8,
    fullatt_block_indexes=(),
)


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(height * width)
    shape = (height, width, channels) if channels > 1 else (height, width)
    return rng.integers(0, 256, shape, dtype=np.uint8)


def test_whole_merge_units_are_left_alone_whatever_the_size() -> None:
    processor = ImageProcessor(min_pixels=784, max_pixels=784)
    assert processor.fit(28 * 3, 28 * 50) == (84, 1400)
    assert processor.tokens(84, 1400) == 150


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((330, 230), (252, 168)),
        ((90, 120), (84, 112)),
        ((30, 30), (112, 112)),
        ((42, 70), (84, 140)),
    ],
)
def test_other_sizes_follow_the_published_rounding(
    size: tuple[int, int], fitted: tuple[int, int]
) -> None:
    processor = ImageProcessor(min_pixels=10 * 784, max_pixels=60 * 784)
    assert processor.fit(*size) == fitted


def test_patches_hold_the_normalised_pixels_unit_by_unit() -> None:
    pixels = picture(56, 84)
    grid = ImageProcessor()(pixels)
    assert (grid.height, grid.width) == (4, 6)
    assert grid.patches.shape == (24, 588)
    # Unit 4 is the second of the second row; its third patch lies below its first.
    unit, patch = 4, 2
    rows, columns = slice(28 + 14, 28 + 28), slice(28, 28 + 14)
    expected = (pixels[rows, columns] / 255 - CLIP_MEAN) / CLIP_STD
    found = grid.patches[4 * unit + patch].view(3, 14, 14).permute(1, 2, 0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_one_frame_is_repeated_along_time() -> None:
    pixels = picture(28, 56)
    once = ImageProcessor()(pixels).patches.view(8, 3, 1, 196)
    twice = ImageProcessor(temporal_patch_size=2)(pixels).patches.view(8, 3, 2, 196)
    assert torch.equal(twice, once.expand(-1, -1, 2, -1))


def test_grey_is_colour_with_equal_channels() -> None:
    grey = picture(28, 56, 1)
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    processor = ImageProcessor()
    assert torch.equal(processor(grey).patches, processor(colour).patches)
    assert torch.equal(processor(Image.fromarray(grey)).patches, processor(colour).patches)
    small = grey[:20, :50]
    assert torch.equal(
        processor(small).patches, processor(np.repeat(small[:, :, None], 3, axis=2)).patches
    )


def test_transparent_parts_are_white() -> None:
    clear = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    white = Image.new("RGB", (28, 28), "white")
    processor = ImageProcessor()
    assert torch.equal(processor(clear).patches, processor(white).patches)


def test_files_are_turned_as_their_exif_says(tmp_path: Path) -> None:
    drawn = Image.fromarray(picture(28, 56))
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn.save(tmp_path / "turned.png", exif=exif)
    grid = ImageProcessor()(tmp_path / "turned.png")
    assert (grid.height, grid.width) == (4, 2)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((28, 28, 4), np.uint8),
        np.zeros((28, 28), np.float32),
        np.zeros(28, np.uint8),
        np.zeros((0, 28), np.uint8),
    ],
)
def test_other_arrays_are_no_pictures(array: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8"):
        ImageProcessor()(array)


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("words")
    for name in ("words.txt", "missing.png"):
        with pytest.raises(InputError, match=name):
            ImageProcessor()(tmp_path / name)


def test_a_thread_is_no_picture() -> None:
    with pytest.raises(InputError, match="200 times"):
        ImageProcessor()(picture(1, 203))


def test_the_folder_names_limits_and_colours(tmp_path: Path) -> None:
    settings = {
        "min_pixels": 784,
        "max_pixels": 7840,
        "image_mean": [0, 0, 0],
        "temporal_patch_size": 2,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    processor = ImageProcessor.from_folder(tmp_path, TOWER)
    assert (processor.min_pixels, processor.max_pixels) == (784, 7840)
    assert processor.mean == (0, 0, 0)
    assert processor.std == CLIP_STD
    assert processor.temporal_patch_size == 1


def test_newer_folders_name_edges(tmp_path: Path) -> None:
    settings = {"size": {"shortest_edge": 784, "longest_edge": 7840}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    processor = ImageProcessor.from_folder(tmp_path, TOWER)
    assert (processor.min_pixels, processor.max_pixels) == (784, 7840)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(CheckpointError, match="not JSON"):
        ImageProcessor.from_folder(tmp_path, TOWER)
