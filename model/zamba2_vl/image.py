"""Pictures to the normalised patches that the vision tower reads.

The arithmetic of Qwen2.5-VL's preprocessing: sides rounded to whole merge units, pixels scaled to
0..1 and normalised with CLIP's mean and deviation, cut into patches that lie unit by unit.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

from zamba2_vl.config import VisionConfig
from zamba2_vl.errors import CheckpointError, InputError

Picture = Image.Image | npt.NDArray[np.uint8] | str | Path

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)
LONGEST_RATIO: Final = 200


@dataclass(frozen=True)
class PatchGrid:
    """A picture as patches.

    `patches`: (height * width, channels * temporal * patch * patch) float32, merge unit by merge
    unit in raster order, the four patches of a unit in a row (`WindowLayout.pack` brings them into
    the tower's order). `height`, `width`: patches per side; `tokens`: visual
    tokens that they become.
    """

    patches: torch.Tensor
    height: int
    width: int
    tokens: int


@dataclass(frozen=True)
class ImageProcessor:
    """How a checkpoint wants its pictures. Sides are in pixels; one visual token is a merge unit.

    `min_pixels` and `max_pixels` bound the area of a picture that has to be resized; one whose
    sides are whole merge units is taken as it is, whatever its size.
    """

    patch_size: int = 14
    temporal_patch_size: int = 1
    merge_size: int = 2
    min_pixels: int = 10 * 28 * 28
    max_pixels: int = 3400 * 28 * 28
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD
    rescale: float = 1 / 255

    @classmethod
    def from_folder(cls, folder: str | Path, vision: VisionConfig) -> Self:
        """Read preprocessor_config.json where there is one; patch sizes come from the model.

        The published preprocessor files name a `temporal_patch_size` of 2 that their own usage
        overrides, so the shape of the patch embedding decides.
        """
        path = Path(folder) / "preprocessor_config.json"
        given: dict[str, Any] = {}
        if path.is_file():
            try:
                given = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CheckpointError(f"{path} is not JSON: {error}") from error
        sizes = {
            "patch_size": vision.patch_size,
            "temporal_patch_size": vision.temporal_patch_size,
            "merge_size": vision.spatial_merge_size,
        }
        return cls.from_dict({**given, **sizes})

    @classmethod
    def from_dict(cls, source: Mapping[str, Any]) -> Self:
        """Read settings under their published names, those of newer files (`size`) too."""
        size = source.get("size") or {}
        return cls(
            patch_size=source.get("patch_size", cls.patch_size),
            temporal_patch_size=source.get("temporal_patch_size", cls.temporal_patch_size),
            merge_size=source.get("merge_size", cls.merge_size),
            min_pixels=source.get("min_pixels") or size.get("shortest_edge") or cls.min_pixels,
            max_pixels=source.get("max_pixels") or size.get("longest_edge") or cls.max_pixels,
            mean=tuple(source.get("image_mean") or cls.mean),
            std=tuple(source.get("image_std") or cls.std),
            rescale=source.get("rescale_factor") or cls.rescale,
        )

    @property
    def unit(self) -> int:
        """Pixels per side of a merge unit."""
        return self.patch_size * self.merge_size

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The size, (width, height) in pixels, at which a picture of this size is read."""
        unit = self.unit
        if width % unit == 0 and height % unit == 0:
            return width, height
        if max(width, height) > LONGEST_RATIO * min(width, height):
            raise InputError(
                f"a picture of {width}x{height} pixels is more than {LONGEST_RATIO} times as long "
                "as it is wide"
            )
        fitted = [max(unit, round(side / unit) * unit) for side in (width, height)]
        if math.prod(fitted) > self.max_pixels:
            shrink = math.sqrt(width * height / self.max_pixels)
            fitted = [
                max(unit, math.floor(side / shrink / unit) * unit) for side in (width, height)
            ]
        elif math.prod(fitted) < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width * height))
            fitted = [math.ceil(side * grow / unit) * unit for side in (width, height)]
        return fitted[0], fitted[1]

    def tokens(self, width: int, height: int) -> int:
        """Visual tokens that a picture of this size takes."""
        fitted_width, fitted_height = self.fit(width, height)
        return fitted_width * fitted_height // self.unit**2

    def __call__(self, picture: Picture) -> PatchGrid:
        """Cut a picture into normalised patches.

        `picture`: a Pillow image, an (H, W) or (H, W, 3) uint8 array, or the path of a picture
        file. Raises InputError where it is none of these.
        """
        pixels = self._pixels(picture)
        height, width = pixels.shape[0] // self.patch_size, pixels.shape[1] // self.patch_size
        tokens = height * width // self.merge_size**2
        return PatchGrid(torch.from_numpy(self._patches(pixels)), height, width, tokens)

    def _pixels(self, picture: Picture) -> npt.NDArray[np.uint8]:
        """(H, W, 1) or (H, W, 3) bytes, sides in whole merge units."""
        if isinstance(picture, np.ndarray):
            array = _checked(picture)
        else:
            array = _bytes_of(_opened(picture) if isinstance(picture, str | Path) else picture)
        height, width = array.shape[:2]
        fitted = self.fit(width, height)
        if fitted != (width, height):
            drawn = Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array)
            array = _bytes_of(drawn.resize(fitted, Image.Resampling.BICUBIC))
        return array

    def _patches(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Cut while the values are bytes, then look each of the 256 up: no float arithmetic."""
        patch, merge, temporal = self.patch_size, self.merge_size, self.temporal_patch_size
        rows, columns = pixels.shape[0] // self.unit, pixels.shape[1] // self.unit
        cut = pixels.reshape(rows, merge, patch, columns, merge, patch, -1)
        cut = cut.transpose(6, 0, 3, 1, 4, 2, 5).reshape(pixels.shape[2], -1, patch * patch)
        patches = np.empty((cut.shape[1], 3, temporal, patch * patch), np.float32)
        levels = np.arange(256, dtype=np.float64) * self.rescale
        for channel in range(3):
            table = ((levels - self.mean[channel]) / self.std[channel]).astype(np.float32)
            patches[:, channel] = table[cut[min(channel, len(cut) - 1)]][:, None]
        return patches.reshape(len(patches), -1)


def _checked(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3) or not array.size:
        raise InputError(
            "a picture array must be uint8 of shape (H, W) or (H, W, 3), not "
            f"{array.dtype} of shape {array.shape}"
        )
    return array


def _opened(path: str | Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return ImageOps.exif_transpose(picture)
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a readable picture: {error}") from error


def _bytes_of(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """(H, W, 1) bytes of a grey picture, (H, W, 3) of any other; transparent parts are white."""
    if picture.mode not in ("L", "RGB"):
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(white, picture)
        picture = picture.convert("RGB")
    array = np.asarray(picture)
    return array[:, :, None] if array.ndim == 2 else array
