import subprocess
import sys
from pathlib import Path

import pytest

import zamba2_vl


def test_the_public_names_are_all_there() -> None:
    for name in zamba2_vl.__all__:
        assert getattr(zamba2_vl, name).__name__ == name


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        zamba2_vl.nothing  # noqa: B018


def test_the_configuration_comes_without_torch() -> None:
    script = "import sys, zamba2_vl.config; assert not {'torch', 'jinja2'} & set(sys.modules)"
    path = str(Path(zamba2_vl.__file__).parents[1])
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": path})
