import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_INSTALL = Path(__file__).parents[3] / ".ci" / "browser"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium: the system's, else the one that .ci/browser installs."""
    if not any(map(shutil.which, _NAMES)):
        subprocess.run([_INSTALL], check=True)
    with sync_playwright() as playwright:
        installed = next(filter(None, map(shutil.which, _NAMES)), None)
        yield playwright.chromium.launch(executable_path=installed)
