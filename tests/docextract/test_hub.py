from pathlib import Path

import pytest
from huggingface_hub import constants

from docextract import hub
from docextract.errors import ModelError

HUB_ID = "owner/model"


def test_what_is_fetched_is_kept_and_needs_no_hub_again(
    hub_with_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub.kept(HUB_ID) is None
    folder = hub.fetch(HUB_ID)
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "README.md"}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub.fetch(HUB_ID) == hub.kept(HUB_ID) == folder


def test_who_asks_for_the_newest_is_told_that_the_hub_is_away(
    hub_with_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.fetch(HUB_ID)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set"):
        hub.fetch(HUB_ID, newest=True)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("owner/none", "the hub has no owner/none", "check the name"),
        ("owner/shut", "only to those who accept its terms", "hf auth login"),
    ],
)
def test_what_the_hub_does_not_give_is_one_line(
    hub_with_files: Path, name: str, message: str, hint: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        hub.fetch(name)
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_hub_that_does_not_answer_is_one_line(no_hub: Path) -> None:
    with pytest.raises(ModelError, match="owner/model cannot be fetched: ") as caught:
        hub.fetch(HUB_ID)
    assert "\n" not in caught.value.message
    assert str(no_hub) in caught.value.hint


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_altered_files_are_named(hub_with_files: Path, name: str) -> None:
    folder = hub.fetch(HUB_ID)
    assert list(hub.altered(folder)) == []
    with (folder / name).open("ab") as file:
        file.write(b" ")
    assert list(hub.altered(folder)) == [name]


def test_what_is_removed_is_gone(hub_with_files: Path) -> None:
    assert hub.kept_bytes(HUB_ID) is None
    folder = hub.fetch(HUB_ID)
    assert hub.kept_bytes(HUB_ID)
    hub.remove(HUB_ID)
    assert not folder.exists()
    assert hub.kept(HUB_ID) is None
    with pytest.raises(ModelError, match="not kept here"):
        hub.remove(HUB_ID)
