"""A tiny random LLaVA stands for the models that people bring."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from docextract import extract
from docextract.errors import DeviceError, ModelError
from docextract.prompt import render_question
from docextract.readers import Reader, identify, open_reader
from docextract.schema import load_schema

PAGE = np.random.default_rng(5).integers(0, 256, (56, 84, 3), dtype=np.uint8)
SCHEMA = load_schema("paid bool, name, new bool")
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}</s>{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def save_model(folder: Path, template: str | None) -> Path:
    special = ["<unk>", "<s>", "</s>", "<image>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *letters])}
    words = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words.decoder = decoders.ByteLevel()
    words.add_special_tokens(special)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    pictures = CLIPImageProcessorPil(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}
    )
    processor = LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="full",
        chat_template=template,
        num_additional_image_tokens=1,
    )
    processor.save_pretrained(folder)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=28,
            patch_size=14,
        ),
        text_config=LlamaConfig(
            vocab_size=len(vocabulary) + 12,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            eos_token_id=2,
        ),
        image_token_index=3,
        vision_feature_select_strategy="full",
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        LlavaForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "llava", TEMPLATE)


@pytest.fixture(scope="module")
def reader(folder: Path) -> Reader:
    return open_reader(f"transformers:{folder}", "cpu")


def question(reader: Reader) -> str:
    return render_question(SCHEMA, reader.dialect)


def test_any_weights_answer_in_the_grammar(reader: Reader) -> None:
    heard: list[str] = []
    reading = reader.read([PAGE], question(reader), SCHEMA.grammar, 2000, heard.append)
    answer = json.loads(reading.text)
    assert list(answer) == ["paid", "name", "new"]
    assert answer["paid"] in (True, False, None)
    assert "".join(heard) == reading.text
    assert reading.finish == "stop"
    assert len(reading.token_ids) == len(reading.logprobs) == len(reading.ends)
    assert reading.answer_tokens == len(reading.token_ids) >= len(reading.text)
    assert reading.ends[-1] == len(reading.text)
    forced = [reading.logprobs[at] for at in range(len('{"paid":'))]
    assert forced == [0.0] * len(forced) and min(reading.logprobs) < -0.1
    assert reading.prompt_tokens > len(question(reader))  # the picture, and the words as bytes


def test_the_picture_is_seen(reader: Reader) -> None:
    def surenesses(picture: Any) -> Any:
        return reader.read([picture], question(reader), SCHEMA.grammar, 40).logprobs

    assert surenesses(PAGE) != surenesses(255 - PAGE)


def test_without_a_grammar_the_model_ends_where_it_likes_or_has_to(reader: Reader) -> None:
    reading = reader.read([PAGE], "?", None, 9)
    assert reading.finish == "length" and len(reading.token_ids) == 9
    assert reader.read([PAGE], "?", SCHEMA.grammar, 9).finish == "length"


def test_a_document_becomes_a_record(reader: Reader, folder: Path) -> None:
    sample = Path(__file__).parents[3] / "samples" / "receipt.jpg"
    result = extract(sample, "paid bool, new bool", reader)
    assert result.data["paid"] in (True, False, None)
    assert (result.model, result.tokens.answer > 0) == (f"transformers:{folder}", True)


def test_what_the_listener_raises_is_raised_as_it_is(reader: Reader) -> None:
    def stop(text: str) -> None:
        raise TimeoutError(text)

    with pytest.raises(TimeoutError, match="{"):
        reader.read([PAGE], "?", SCHEMA.grammar, 9, stop)


def test_a_broken_grammar_is_a_model_error(reader: Reader) -> None:
    with pytest.raises(ModelError, match="the grammar failed"):
        reader.read([PAGE], "?", "no grammar", 9)


def test_what_is_no_such_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not load"):
        open_reader(f"transformers:{tmp_path}", "cpu")
    untaught = save_model(tmp_path / "untaught", None)
    with pytest.raises(ModelError, match="no chat template"):
        open_reader(f"transformers:{untaught}", "cpu")


def test_the_weights_make_its_identity(folder: Path, tmp_path: Path) -> None:
    spec = f"transformers:{folder}"
    assert identify(spec) == identify(spec)
    other = save_model(tmp_path / "other", TEMPLATE + " ")
    assert identify(spec) != identify(f"transformers:{other}")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_device_is_a_device_error(folder: Path) -> None:
    with pytest.raises(DeviceError, match="CUDA"):
        open_reader(f"transformers:{folder}", "cuda")
