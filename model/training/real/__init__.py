"""Real pages with labels: prepared once, then shown with other values, crops, tilts and light."""

from training.real.prepare import prepare
from training.real.rewrite import Rewriter
from training.real.store import RealPage, load
from training.real.tray import Tray

__all__ = ["RealPage", "Rewriter", "Tray", "load", "prepare"]
