from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nobodys_configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Whoever runs the tests may have set something; the folder that stands in for their own."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder
