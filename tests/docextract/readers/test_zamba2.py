import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers

from docextract.confidence import (
    CALIBRATION,
    Calibrated,
    CalibratedCounts,
    Calibration,
    fingerprint,
)
from docextract.counting.answers import grammar, marked
from docextract.errors import DeviceError, ModelError
from docextract.objects import OBJECTS, Pointer
from docextract.pointing import LOCATIONS
from docextract.prompt import COUNT, EXTRACT, compact_count, render_question
from docextract.readers import Reader, open_reader
from docextract.schema import load_schema
from zamba2_vl import checkpoint
from zamba2_vl.config import TextConfig, VisionConfig, Zamba2VLConfig
from zamba2_vl.model import VisionLanguageModel

PAGE = np.random.default_rng(5).integers(0, 256, (56, 84, 3), dtype=np.uint8)
SPECIAL = ["<unk>", "<s>", "</s>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
SCHEMA = load_schema("paid bool, name, new bool")


def save_checkpoint(folder: Path, special: list[str]) -> Path:
    """A tiny random Zamba2-VL whose tokens are single bytes."""
    folder.mkdir()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *letters])}
    words = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words.decoder = decoders.ByteLevel()
    words.add_special_tokens(special)
    words.save(str(folder / "tokenizer.json"))
    (folder / "special_tokens_map.json").write_text('{"bos_token": "<s>", "eos_token": "</s>"}')
    config = Zamba2VLConfig(
        text=TextConfig(
            vocab_size=len(vocabulary) + 10,
            hidden_size=32,
            num_hidden_layers=3,
            hybrid_layer_ids=(1,),
            intermediate_size=48,
            num_attention_heads=4,
            num_key_value_heads=4,
            num_mem_blocks=1,
            adapter_rank=4,
            mamba_d_state=8,
            mamba_ngroups=1,
            n_mamba_heads=4,
            chunk_size=8,
            eos_token_id=2,
        ),
        vision=VisionConfig(
            depth=1,
            hidden_size=16,
            intermediate_size=24,
            num_heads=2,
            out_hidden_size=32,
            fullatt_block_indexes=(0,),
        ),
        image_token_index=5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        checkpoint.save(VisionLanguageModel(config), folder, torch.float32)
    return folder


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "taught"
    return save_checkpoint(folder, [*SPECIAL, "<|extract|>"])


@pytest.fixture(scope="module")
def reader(taught: Path) -> Reader:
    return open_reader(str(taught), "cpu")


def test_a_reader_that_was_taught_to_count_points_and_nothing_else(tmp_path: Path) -> None:
    places = [f"<loc_{place}>" for place in range(LOCATIONS)]
    folder = save_checkpoint(tmp_path / "pointer", [*SPECIAL, EXTRACT, COUNT, *places])
    (folder / OBJECTS).write_text('{"die": ["dice"]}')
    reader = open_reader(str(folder), "cpu")
    assert isinstance(reader, Pointer) and reader.objects == {"die": ("dice",)}
    assert isinstance(reader, CalibratedCounts) and reader.count_calibration is None
    reading = reader.read([PAGE], compact_count("die"), grammar(), 7)
    found = marked(reading, PAGE.shape[1], PAGE.shape[0])
    assert "the answer holds something else than marks" not in found.doubts
    if reading.finish == "length":
        assert found.stop is None and len(reading.token_ids) == 7
        assert "a mark was broken off" in found.doubts
    assert len(found.points) == len(found.logprobs)
    assert all(logprob < 0 for logprob in found.logprobs)


def test_the_task_token_decides_the_dialect(reader: Reader, tmp_path: Path) -> None:
    assert (reader.dialect, reader.default_budget) == ("compact", 1568)
    published = open_reader(str(save_checkpoint(tmp_path / "published", SPECIAL)), "cpu")
    assert (published.dialect, published.pages_at_once) == ("instruct", 1)
    assert isinstance(published, Reader)


def test_any_weights_answer_in_the_grammar(reader: Reader) -> None:
    heard: list[str] = []
    reading = reader.read(
        [PAGE], render_question(SCHEMA, reader.dialect), SCHEMA.grammar, 2000, heard.append
    )
    answer = json.loads(reading.text)
    assert list(answer) == ["paid", "name", "new"]
    assert answer["paid"] in (True, False, None)
    assert "".join(heard) == reading.text
    assert heard[0].startswith('{"paid":') and heard[0] != '{"paid":'  # the model has begun
    assert reading.finish == "stop"
    assert len(reading.token_ids) == len(reading.logprobs) == len(reading.text.encode())
    assert list(reading.ends) == sorted(reading.ends)
    assert (len(reading.ends), reading.ends[-1]) == (len(reading.token_ids), len(reading.text))
    assert reading.prompt_tokens > 6


def test_a_calibration_comes_with_its_weights(reader: Reader, taught: Path, tmp_path: Path) -> None:
    assert isinstance(reader, Calibrated) and reader.calibration is None
    folder = shutil.copytree(taught, tmp_path / "calibrated")
    content = {"weights": fingerprint(folder), "intercept": 1.0, "slopes": {}}
    (folder / CALIBRATION).write_text(json.dumps(content))
    calibrated = open_reader(str(folder), "cpu")
    assert isinstance(calibrated, Calibrated) and calibrated.calibration == Calibration(1.0, {})


def test_the_token_limit_is_told(reader: Reader) -> None:
    reading = reader.read([PAGE], "?", SCHEMA.grammar, 9)
    assert (reading.finish, len(reading.token_ids)) == ("length", 9)


def test_a_listener_can_end_the_reading(reader: Reader) -> None:
    def stop(text: str) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        reader.read([PAGE], "?", None, 9, stop)


def test_a_broken_grammar_is_a_model_error(reader: Reader) -> None:
    with pytest.raises(ModelError, match="the grammar failed"):
        reader.read([PAGE], "?", "no grammar", 9)


def test_their_errors_become_ours(taught: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json"):
        open_reader(str(tmp_path), "cpu")
    cut = shutil.copytree(taught, tmp_path / "cut")
    weights = cut / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        open_reader(str(cut), "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_device_is_a_device_error(taught: Path) -> None:
    with pytest.raises(DeviceError, match="cuda"):
        open_reader(str(taught), "cuda")
