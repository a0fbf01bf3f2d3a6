import json
from pathlib import Path

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from zamba2_vl.errors import CheckpointError
from zamba2_vl.tokenizer import TextStream, Tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A byte-level tokenizer whose only tokens are three specials and the 256 bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(["<unk>", "<s>", "</s>", *letters])}
    inner = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(["<unk>", "<s>", "</s>"])
    inner.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>"}))
    return tmp_path


def test_text_survives_the_way_there_and_back(folder: Path) -> None:
    tokenizer = Tokenizer.from_folder(folder)
    text = "<s>user\nTotal: 12,50 € – naïve 漢字</s>"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_special_tokens_in_the_text_become_single_ids(folder: Path) -> None:
    tokenizer = Tokenizer.from_folder(folder)
    assert tokenizer.encode("<s></s>") == [1, 2]
    assert tokenizer.id_of("</s>") == 2
    assert tokenizer.token_of(2) == "</s>"
    assert tokenizer.vocab_size == 259
    assert tokenizer.path == folder / "tokenizer.json"


def test_the_end_of_text_token_comes_from_the_files_beside(folder: Path) -> None:
    assert Tokenizer.from_folder(folder).eos_token == "</s>"
    (folder / "special_tokens_map.json").write_text('{"eos_token": {"content": "<s>"}}')
    assert Tokenizer.from_folder(folder).eos_token == "<s>"


def test_unknown_tokens_are_refused(folder: Path) -> None:
    tokenizer = Tokenizer.from_folder(folder)
    with pytest.raises(KeyError):
        tokenizer.id_of("<|nothing|>")
    with pytest.raises(KeyError):
        tokenizer.token_of(100_000)


def test_a_folder_without_a_tokenizer_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no tokenizer\.json"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match="not a tokenizer"):
        Tokenizer.from_folder(tmp_path)


def test_a_stream_never_cuts_a_letter(folder: Path) -> None:
    tokenizer = Tokenizer.from_folder(folder)
    stream = TextStream(tokenizer)
    text = "a€漢🙂 z"
    pieces = [stream.push(token) for token in tokenizer.encode(text)]
    assert [piece for piece in pieces if piece] == list(text)
    assert stream.flush() == ""


def test_a_stream_gives_up_on_bytes_that_are_no_letter(folder: Path) -> None:
    tokenizer = Tokenizer.from_folder(folder)
    stream = TextStream(tokenizer)
    first, second, _ = tokenizer.encode("€")
    assert stream.push(first) == stream.push(second) == ""
    assert stream.flush() == "\ufffd"
    assert stream.flush() == ""


def test_a_stream_keeps_the_blanks_that_a_tokenizer_strips_in_front(tmp_path: Path) -> None:
    vocabulary = [("<unk>", 0.0), ("▁one", -1.0), ("▁two", -1.0), ("▁", -2.0)]
    inner = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=0))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    inner.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.from_folder(tmp_path)
    stream = TextStream(tokenizer)
    assert "".join(stream.push(token) for token in (1, 2, 1)) == tokenizer.decode([1, 2, 1])
