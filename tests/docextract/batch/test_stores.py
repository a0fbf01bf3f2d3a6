import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from docextract.batch import stores
from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File, Inputs, key_of, read_list, stamp_of
from docextract.batch.job import Outcome, Task
from docextract.batch.ledger import Ledger
from docextract.batch.opener import Opener
from docextract.errors import DocextractError, InputError, MissingFileError, UsageError
from docextract.settings import Settings

BUCKET = "memory://bucket/inbox"


@pytest.fixture
def bucket() -> Iterator[fsspec.AbstractFileSystem]:
    """A store in this process, with documents and another file."""
    store = fsspec.filesystem("memory")
    for name in ("b.pdf", "a.png", "deep/c.TIF", "note.txt", "deep/.hidden.pdf"):
        store.pipe(f"/bucket/inbox/{name}", name.encode())
    yield store
    store.store.clear()


def names(inputs: Inputs) -> list[str]:
    return [file.name.partition("inbox/")[2] for file in inputs.find().files]


def test_a_prefix_is_searched_like_a_folder(bucket: fsspec.AbstractFileSystem) -> None:
    inputs = Inputs([BUCKET])
    found = inputs.find()
    assert names(inputs) == ["a.png", "b.pdf", "deep/c.TIF"]
    assert all(file.path == file.name and stores.is_there(file.path) for file in found.files)
    assert found.passed_over == {".txt": 1, ".pdf": 1}
    assert names(Inputs([f"{BUCKET}/*.p*"])) == ["a.png", "b.pdf"]
    assert names(Inputs([f"{BUCKET}/note.txt"])) == ["note.txt"]
    bucket.pipe("/bucket/inbox/d.gif", b"new")
    assert "d.gif" in names(inputs)
    inputs.check()
    bucket.rm("/bucket/inbox", recursive=True)
    with pytest.raises(MissingFileError, match="vanished"):
        inputs.check()


def test_a_list_may_name_urls(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"{BUCKET}/b.pdf\n")
    inputs = Inputs([], read_list(str(listed)))
    assert names(inputs) == ["b.pdf"]
    inputs.check()


def test_contents_have_keys_and_changes_show(bucket: fsspec.AbstractFileSystem) -> None:
    [file, *_] = Inputs([BUCKET]).find().files
    before = stamp_of(file)
    assert before.size == len("a.png")
    assert before == stamp_of(file)
    key = key_of(file, before, 100)
    bucket.pipe("/bucket/inbox/a.png", b"other")
    assert stamp_of(file) != before
    assert key_of(file, stamp_of(file), 100) != key
    gone = File(f"{BUCKET}/gone.pdf", "gone.pdf")
    assert stamp_of(gone).size == -1
    assert key_of(gone, stamp_of(gone), 100).startswith("file:")


def test_an_object_that_was_moved_takes_its_line_along(
    bucket: fsspec.AbstractFileSystem, job: Extracting, tmp_path: Path
) -> None:
    for name, lines in (("b.pdf", 1), ("moved.pdf", 1), ("copy.pdf", 2)):
        if name == "moved.pdf":
            bucket.mv("/bucket/inbox/b.pdf", "/bucket/inbox/moved.pdf")
        if name == "copy.pdf":
            bucket.copy("/bucket/inbox/moved.pdf", "/bucket/inbox/copy.pdf")
        [file] = Inputs([f"{BUCKET}/{name}"]).find().files
        with Ledger(tmp_path / "r.jsonl", job) as ledger:
            ledger.expect([file])
            stamp = stamp_of(file)
            ledger.admit(file, stamp, key_of(file, stamp, 100))
            if task := ledger.claim():
                ledger.finish(task.key, Outcome.failed(DocextractError("read")))
            assert len(list(ledger.entries())) == lines


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("memory://bucket/gone", MissingFileError, "no such file"),
        ("nowhere://bucket", UsageError, "s3fs"),
        ("ftp://me:sesame@host/inbox", UsageError, "~/.netrc"),
        ("http://[/inbox", UsageError, "no URL"),
    ],
)
def test_what_cannot_be_reached_is_said(url: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        Inputs([url])
    words = str(caught.value) + caught.value.hint  # type: ignore[attr-defined]
    assert said in words
    assert "sesame" not in words


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="paths with drives")
def test_a_document_with_a_url_is_opened_apart(draw: Callable[[str], Path], inbox: Path) -> None:
    draw("a.png")
    [file] = Inputs([f"file://{inbox}"]).find().files
    task = Task(key_of(file, stamp_of(file), 2**20), file)
    opener = Opener(2**31)
    try:
        with opener.open(task, Settings()) as document:
            assert document.page_count == 1
        for place, said in ((f"{file.path}.gone", "no such file"), (f"file://{inbox}", "folder")):
            with pytest.raises(InputError, match=said):
                opener.open(Task("file:x", File(place, place)), Settings())
    finally:
        opener.close()
