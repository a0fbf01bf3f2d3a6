import hashlib
import io
import os
import sys
from pathlib import Path

import pytest

from docextract.batch.inputs import File, Inputs, is_hash, key_of, read_list, stamp_of
from docextract.errors import MissingFileError, NothingToDoError, UsageError


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.pdf", "a.PNG", "deep/er/c.jpeg", "note.txt", ".hidden.pdf", ".git/d.pdf"):
        path = tmp_path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "inbox"


def names(*words: str, **options: object) -> list[str]:
    return [Path(file.name).as_posix() for file in Inputs(words, **options).find().files]  # type: ignore[arg-type]


def test_a_folder_is_searched_to_its_depths_for_documents(inbox: Path) -> None:
    found = Inputs(["inbox"]).find()
    assert [Path(file.name) for file in found.files] == [
        Path("inbox", name) for name in ("a.PNG", "b.pdf", "deep/er/c.jpeg")
    ]
    assert found.files[0].path == str(inbox / "a.PNG")
    assert found.passed_over == {".txt": 1, ".pdf": 1}


def test_globs_and_names_are_taken_as_they_are(inbox: Path) -> None:
    assert names("inbox/*.txt", "inbox/**/c*") == ["inbox/note.txt", "inbox/deep/er/c.jpeg"]
    assert names("inbox/*.xyz") == []


def test_a_name_that_looks_like_a_glob_is_a_name_where_it_exists(inbox: Path) -> None:
    (inbox / "[1].pdf").touch()
    assert names("inbox/[1].pdf") == ["inbox/[1].pdf"]


def test_each_file_is_found_once(inbox: Path) -> None:
    assert len(names("inbox", "inbox/", "inbox/b.pdf", "inbox/../inbox/b.pdf")) == 3


def test_links_are_followed_but_not_in_circles(inbox: Path) -> None:
    (inbox / "deep" / "up").symlink_to(inbox, target_is_directory=True)
    (inbox / "linked.pdf").symlink_to(inbox / "b.pdf")
    (inbox / "dangling.pdf").symlink_to(inbox / "gone.pdf")
    (inbox / "self.pdf").symlink_to(inbox / "self.pdf")
    found = names("inbox")
    assert len(found) == len(set(found)) == 6
    for name in ("dangling.pdf", "self.pdf"):
        assert stamp_of(File(str(inbox / name), name)).size == -1


def test_the_results_are_never_inputs(inbox: Path) -> None:
    assert names("inbox", excluded=[Path("inbox/b.pdf")]) == ["inbox/a.PNG", "inbox/deep/er/c.jpeg"]


def test_what_does_not_exist_is_told_at_once(inbox: Path) -> None:
    with pytest.raises(MissingFileError, match="outbox"):
        Inputs(["outbox"])
    with pytest.raises(UsageError):
        Inputs([])


@pytest.mark.parametrize("words", [["inbox"], ["inbox/b.pdf"], ["inbox/*.pdf"]])
def test_a_folder_that_vanishes_is_noticed(inbox: Path, words: list[str]) -> None:
    inputs = Inputs(words)
    inputs.check()
    inbox.rename(inbox.with_name("elsewhere"))
    with pytest.raises(MissingFileError, match="vanished"):
        inputs.check()
    inbox.mkdir()
    with pytest.raises(MissingFileError, match="vanished"):
        inputs.check()


def test_a_listed_file_may_be_missing_but_its_folder_must_not_vanish(inbox: Path) -> None:
    inputs = Inputs([], listed=["inbox/gone.pdf"])
    assert [file.name for file in inputs.find().files] == ["inbox/gone.pdf"]
    inputs.check()
    inbox.rename(inbox.with_name("elsewhere"))
    with pytest.raises(MissingFileError):
        inputs.check()


@pytest.mark.parametrize("content", [b"a.pdf\nb c.pdf\n\n", b"a.pdf\0b c.pdf\0"])
def test_lists_have_lines_or_zero_bytes(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_bytes(content)
    assert read_list(str(tmp_path / "list")) == ["a.pdf", "b c.pdf"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_list("-") == ["a.pdf", "b c.pdf"]


def test_lists_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_list(str(tmp_path / "gone"))
    (tmp_path / "empty").touch()
    with pytest.raises(NothingToDoError):
        read_list(str(tmp_path / "empty"))


def key(path: Path, most: int = 100) -> str:
    file = File(str(path), path.name)
    return key_of(file, stamp_of(file), most)


def test_a_document_is_known_by_its_content(inbox: Path) -> None:
    assert key(inbox / "b.pdf") == hashlib.sha256(b"b.pdf").hexdigest()
    assert is_hash(key(inbox / "b.pdf"))


def test_what_is_not_read_is_known_by_its_place(inbox: Path) -> None:
    odd = [inbox / "gone.pdf", inbox, inbox / "nul\0.pdf"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(inbox / "pipe.pdf")
        odd.append(inbox / "pipe.pdf")
    keys = {key(path) for path in odd} | {key(inbox / "b.pdf", most=4)}
    assert len(keys) == len(odd) + 1
    assert not any(map(is_hash, keys))
