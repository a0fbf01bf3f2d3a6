"""Photos of things that are counted: prepared once, then shown with others in other light."""

from training.counted.album import Album
from training.counted.prepare import prepare
from training.counted.store import CountedPhoto, load

__all__ = ["Album", "CountedPhoto", "load", "prepare"]
