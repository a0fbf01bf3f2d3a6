from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from docextract.cli import batches, evaluation, reading
from docextract.cli.configuration import KNOBS, user_file
from docextract.errors import ExitCode

Run = Callable[..., tuple[int, str, str]]
Shown = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's file, seen from a folder below it."""
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path / "docextract.toml"


@pytest.fixture
def users() -> Path:
    user_file().parent.mkdir(parents=True)
    return user_file()


@pytest.fixture
def shown(run: Run) -> Shown:
    """Values and origins that --show-config tells, by option."""

    def shown(*words: object) -> dict[str, tuple[str, str]]:
        code, out, err = run(*words, "--show-config")
        assert (code, err) == (0, "")
        rows = [line.split() for line in out.splitlines() if line.startswith("--")]
        return {name: (value, " ".join(origin)) for name, value, *origin in rows}

    return shown


def test_a_flag_beats_the_environment_beats_the_project_beats_the_user(
    shown: Shown, project: Path, users: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown()["--max-pages"] == ("100", "default")
    users.write_text("max-pages = 2\n")
    assert shown()["--max-pages"] == ("2", str(users))
    project.write_text("max_pages = 3\n")
    assert shown()["--max-pages"] == ("3", str(project))
    monkeypatch.setenv("DOCEXTRACT_MAX_PAGES", "4")
    assert shown()["--max-pages"] == ("4", "DOCEXTRACT_MAX_PAGES")
    assert shown("--max-pages", "5")["--max-pages"] == ("5", "flag")


def test_a_flag_that_is_set_can_be_unset(shown: Shown, project: Path) -> None:
    project.write_text("strict = true\n")
    assert shown()["--strict"] == ("true", str(project))
    assert shown("--no-strict")["--strict"] == ("false", "flag")


def test_a_command_has_a_table_of_its_own(shown: Shown, project: Path) -> None:
    project.write_text('budget = "max"\nmax-asks = 9\n[batch]\nmax-asks = 0\njobs = 2\n')
    assert shown()["--max-asks"][0] == "9"
    batch = shown("batch")
    assert (batch["--max-asks"][0], batch["--jobs"][0], batch["--budget"][0]) == ("0", "2", "max")
    assert shown("evaluate")["--budget"][0] == "max"


def test_a_schema_for_all_is_one_to_read_by(
    shown: Shown, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCEXTRACT_SCHEMA", "receipt")
    assert shown()["--schema"][0] == shown("batch")["--schema"][0] == "receipt"
    assert shown("evaluate")["--schema"] == ("-", "default")
    project.write_text("[evaluate]\nschema = 'invoice'\n")
    assert shown("evaluate")["--schema"] == ("invoice", str(project))


def test_pyproject_may_hold_it(shown: Shown, project: Path) -> None:
    pyproject = project.with_name("pyproject.toml")
    pyproject.write_text("[tool.other]\nx = 1\n[tool.docextract]\nmax-asks = 7\n")
    assert shown()["--max-asks"] == ("7", str(pyproject))


def test_what_is_set_is_done(run: Run, project: Path) -> None:
    project.write_text("max-bytes = 1\n")
    (project.parent / "a.pdf").write_bytes(b"%PDF-1.7")
    code, _, err = run(project.parent / "a.pdf", "--schema", "receipt")
    assert code == ExitCode.INPUT
    assert "--max-bytes" in err


def test_paths_are_meant_from_their_file(shown: Shown, project: Path) -> None:
    (project.parent / "ticket.json").write_text("{}")
    project.write_text('schema = "ticket.json"\n')
    assert shown()["--schema"][0] == str(project.parent / "ticket.json")


def test_a_password_is_not_shown(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCEXTRACT_PASSWORD", "sesame")
    assert shown()["--password"] == ("***", "DOCEXTRACT_PASSWORD")


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        ("shema = 'x'", "no key shema", "did you mean schema?"),
        ("[bach]\njobs = 1", "no table bach", "did you mean batch?"),
        ("[batch]\njbs = 1", "no key jbs", "did you mean jobs?"),
        ("out = 'x'", "no key out", "there are budget"),
        ("max-pages = [1]", "max-pages is neither", ""),
        ("max-pages = 'ten'", "valid integer", "docextract --help"),
        ("min-confidence = 3", "less than or equal to 1", "docextract --help"),
        ("schema = 'evil.py:Record'", "may not set schema", "--schema evil.py:Record"),
        ("model = 'evil:reader'", "may not set model", "--model evil:reader"),
        ("model = 'some/where'", "may not set model", "--model some/where"),
        ("no toml", "cannot be read", "mend or remove it"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_file(
    run: Run, project: Path, content: str, said: str, hint: str
) -> None:
    project.write_text(content)
    code, out, err = run("a.pdf")
    assert (code, out) == (ExitCode.USAGE, "")
    assert said in err and hint in err and str(project) in err
    assert len(err.splitlines()) <= 2


def test_a_user_may_name_code(shown: Shown, users: Path) -> None:
    users.write_text("model = 'my:reader'\n")
    assert shown()["--model"] == ("my:reader", str(users))


def test_help_needs_no_configuration(run: Run, project: Path) -> None:
    project.write_text("no toml")
    assert run("--help")[0] == 0


def test_every_knob_is_an_option_of_a_command() -> None:
    options = set()
    for function in (reading.read, batches.batch, evaluation.evaluate):
        app = typer.Typer()
        app.command()(function)
        for parameter in typer.main.get_command(app).params:
            options.update(option.lstrip("-") for option in parameter.opts)
    assert set(KNOBS) <= options
