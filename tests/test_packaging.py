"""Wheel, sdist and editable install, each in an environment of its own, run from elsewhere."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
FOUND = """
import json, sys
from pathlib import Path
import docextract, zamba2_vl
from docextract.resources import bundled
kinds = {kind: str(bundled(kind)) for kind in ("schemas", "prompts", "model/weights")}
print(json.dumps({"app": docextract.__file__, "model": zamba2_vl.__file__, **kinds}))
"""


def call(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, encoding="utf-8", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both archives, by kind."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable"])
def environment(
    request: pytest.FixtureRequest,
    built: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    """A fresh environment with the project in it; what it depends on is borrowed from ours."""
    kind: str = request.param
    home = tmp_path_factory.mktemp(kind)
    call(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    python = home / SCRIPTS / "python"
    place = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    (Path(place.strip()) / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    what = ["--editable", ROOT] if kind == "editable" else [built[kind]]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    call(sys.executable, "-m", "pip", "--python", python, "install", *offline, *what, cwd=home)
    return kind, home


def test_everything_is_found(environment: tuple[str, Path], tmp_path: Path) -> None:
    kind, home = environment
    found = json.loads(call(home / SCRIPTS / "python", "-c", FOUND, cwd=tmp_path))
    expected = ROOT if kind == "editable" else home
    for name, path in found.items():
        assert Path(path).resolve().is_relative_to(expected.resolve()), name


def test_the_command_works_from_elsewhere(environment: tuple[str, Path], tmp_path: Path) -> None:
    _, home = environment
    command = home / SCRIPTS / "docextract"
    assert "receipt" in call(command, "schemas", cwd=tmp_path)
    sample = ROOT / "samples" / "receipt.jpg"
    record = json.loads(call(command, sample, "--schema", "receipt", cwd=tmp_path))
    expected = json.loads(sample.with_suffix(".json").read_text("utf-8"))
    assert list(record) == list(expected)


def test_the_wheel_carries_the_packages_and_their_data_alone(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"docextract", "zamba2_vl"}
    for part in (
        "schemas/receipt.py",
        "prompts/",
        "model/weights/model.safetensors",
        "samples/receipt.j",
    ):
        assert any(name.startswith(f"docextract/_bundled/{part}") for name in names), part
    assert "docextract/report/page/page.html" in names
    assert not any("__pycache__" in name for name in names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_sdist_carries_what_the_tests_need(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    for name in (
        "README.md",
        "LICENSE",
        "pyproject.toml",
        ".ci/browser",
        ".ci/run",
        "samples/receipt.jpg",
        "tests/test_house.py",
        "model/zamba2_vl/__init__.py",
        "model/training/__init__.py",
    ):
        assert name in names, name
    assert not any("__pycache__" in name for name in names)
