"""How pictures are stored."""

from pathlib import Path

from PIL import Image

from training.real.store import Grey

_QUALITY = 40  # about 33 kB a receipt; below 20 the grain of the paper is lost


def write_grey(stem: Path, grey: Grey) -> Path:
    """Write a small WebP beside others; returns its path."""
    path = stem.with_suffix(".webp")
    Image.fromarray(grey).save(path, quality=_QUALITY, method=6)
    return path
