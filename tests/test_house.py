"""The rules of the house that no linter knows."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import zamba2_vl.ops
from docextract import errors
from docextract.errors import DocextractError, ExitCode

ROOT = Path(__file__).parents[1]
ROOMS = {"docextract": ROOT / "docextract"} | {
    name: ROOT / "model" / name for name in ("zamba2_vl", "training")
}
TEXTS = (".py", ".md", ".toml", ".jinja", ".json", ".sh", "")


def modules() -> Iterator[tuple[str, Path, Path]]:
    for name, folder in ROOMS.items():
        for path in sorted(folder.rglob("*.py")):
            yield name, path, path.relative_to(folder)


def texts() -> Iterator[tuple[Path, str]]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        private = any(part.startswith(".") and part != ".ci" for part in parts)
        if private or "__pycache__" in parts or parts[0] in ("build", "dist", "venv"):
            continue
        if path.is_file() and path.suffix in TEXTS and path.name != "LICENSE":
            yield path, path.read_text("utf-8")


def possible_tests(name: str, module: Path) -> list[Path]:
    """A module has a test file of its name; a part of a subpackage may share one with others."""
    top = ROOT / "tests" / name
    if module.parent == Path():
        return [top / f"test_{module.name}"]
    folders = [top / folder for folder in [module.parent, *module.parent.parents][:-1]]
    shared = [path for folder in folders for path in folder.glob("test_*.py")]
    return [*shared, *(folder.with_name(f"test_{folder.name}.py") for folder in folders)]


def does_something(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return any(isinstance(node, ast.FunctionDef) and node.name[:2] != "__" for node in nodes)


def test_every_module_has_its_tests() -> None:
    untested = [
        f"{name}/{module}"
        for name, path, module in modules()
        if not module.name.startswith("__")
        and does_something(path)
        and not any(place.exists() for place in possible_tests(name, module))
    ]
    assert untested == []


def test_every_test_file_mirrors_a_module_or_lies_in_a_mirrored_folder() -> None:
    strays = []
    for name, folder in ROOMS.items():
        for path in sorted((ROOT / "tests" / name).rglob("test_*.py")):
            place = path.parent.relative_to(ROOT / "tests" / name)
            subject = folder / place / path.name.removeprefix("test_")
            mirrored = subject.exists() or subject.with_suffix("").is_dir()
            mirrored |= subject == folder / "public.py"  # what __init__.py offers
            shared = place != Path() and (folder / place).is_dir()
            if not (mirrored or shared):
                strays.append(str(path.relative_to(ROOT)))
    assert strays == []


def test_public_names_are_sorted() -> None:
    for _, path, _ in modules():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names = ast.literal_eval(node.value)
                assert list(names) == sorted(names, key=_constants_classes_functions), path


def _constants_classes_functions(name: str) -> tuple[bool, bool, str]:
    return not name.isupper(), not name[0].isupper(), name


def test_public_things_are_explained() -> None:
    silent = []
    for name, path, _ in modules():
        if name == "training" or path.name in ("reference.py", "kernel.py"):
            continue  # what an operation takes and gives is said once, in its package
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            overload = "overload" in map(ast.unparse, node.decorator_list)
            if not overload and not ast.get_docstring(node):
                silent.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert silent == []


def operations() -> list[str]:
    return [found.name for found in pkgutil.iter_modules(zamba2_vl.ops.__path__) if found.ispkg]


def functions(module: ModuleType) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(function)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize("operation", operations())
def test_an_operation_and_its_twins_have_one_signature(operation: str) -> None:
    package = importlib.import_module(f"zamba2_vl.ops.{operation}")
    reference = functions(importlib.import_module(f"{package.__name__}.reference"))
    offered = functions(package)
    twins = reference.keys() & offered.keys()
    assert twins
    for name in twins:
        # Only what is offered to callers has defaults.
        assert _types(reference[name]) == _types(offered[name])
    kernel = Path(package.__path__[0]) / "kernel.py"
    if kernel.exists():
        # Read, not imported: Triton is not everywhere.
        computed = {name: taken for name, taken in _arguments(kernel).items() if name in twins}
        assert computed
        for name, taken in computed.items():
            # A kernel may do without the last arguments.
            assert taken == [one for one, _ in _types(reference[name])][: len(taken)]


def _arguments(path: Path) -> dict[str, list[str]]:
    """Names of the arguments of each function of a source file."""
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def _types(signature: inspect.Signature) -> list[tuple[str, object]]:
    return [(one.name, one.annotation) for one in signature.parameters.values()]


def all_errors() -> list[type[DocextractError]]:
    return [
        thing
        for _, thing in inspect.getmembers(errors, inspect.isclass)
        if issubclass(thing, DocextractError)
    ]


def test_every_error_has_a_name_of_its_own_and_a_code() -> None:
    names = [error.name for error in all_errors()]
    assert len(set(names)) == len(names)
    assert all(error.exit_code in ExitCode for error in all_errors())
    of_a_run = {
        ExitCode.OK,
        ExitCode.SOME_FAILED,
        ExitCode.ALL_FAILED,
        ExitCode.REVIEW,
        ExitCode.INTERRUPTED,
    }
    assert {error.exit_code for error in all_errors()} == set(ExitCode) - of_a_run


def test_the_readme_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [int(code) for code in listed] == [code.value for code in ExitCode]


def test_the_readme_names_every_error() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [error for error in all_errors() if f"`{error.__name__}`" not in text] == []


def quick_start() -> list[str]:
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme.split("## Quick start", 1)[1].split("```sh\n", 1)[1].split("```", 1)[0]
    return block.strip().splitlines()


def test_the_quick_start_is_two_lines_and_ci_runs_the_second() -> None:
    first, second = quick_start()
    assert "samples/receipt.jpg" in first
    assert second in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


@pytest.mark.parametrize("start", ["import docextract", "import docextract.cli"])
def test_starting_is_light(start: str) -> None:
    loaded = python("-c", f"{start}; import sys; print(*sys.modules)").split()
    heavy = {"torch", "transformers", "zamba2_vl", "pymupdf", "PIL", "numpy", "pydantic", "rich"}
    assert heavy & set(loaded) == set()


def test_help_is_quick() -> None:
    def once() -> float:
        start = time.perf_counter()
        assert "Usage: docextract" in python("-m", "docextract", "--help")
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) < 0.4


def test_no_file_knows_a_machine() -> None:
    homes = r"/(?:home|Users|root|work|mnt|data)/\w|[A-Z]:\\\\?Users|\.\./shared"
    for path, text in texts():
        if path != Path(__file__):
            assert not re.search(homes, text), path


def test_no_banners_and_nothing_left_to_do() -> None:
    signs = re.compile(r"^\s*#+ ?[-=#*~]{4,}|\b(?:TODO|FIXME|XXX)\b", re.MULTILINE)
    for path, text in texts():
        if path.suffix == ".py" and path != Path(__file__):
            assert not signs.search(text), path


def test_every_sample_has_its_schema_and_its_expected_record() -> None:
    samples = ROOT / "samples"
    documents = [path for path in samples.iterdir() if path.suffix in (".pdf", ".jpg", ".png")]
    assert {path.stem for path in documents} == {path.stem for path in samples.glob("*.json")}
    assert documents
    for path in documents:
        assert (ROOT / "schemas" / f"{path.stem}.py").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bit")
def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
