"""The same folder through transformers' Auto classes says what our engine says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

import zamba2_vl.hf  # noqa: F401 (registers the classes)
from zamba2_vl import checkpoint
from zamba2_vl.api import Zamba2VL
from zamba2_vl.chat import render
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.errors import InputError, WeightsMismatchError

RNG = np.random.default_rng(11)
WIDE = Image.fromarray(RNG.integers(0, 256, (56, 84, 3), dtype=np.uint8))
TALL = Image.fromarray(RNG.integers(0, 256, (84, 28, 3), dtype=np.uint8))
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% endif %}"
    "{% endfor %}<s>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


@pytest.fixture
def folder(folder: Path) -> Path:
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture
def wrapped(folder: Path) -> Any:
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)


def conversation(question: str, *pictures: Image.Image) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "image", "image": picture} for picture in pictures]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": question}]}]


def encoded(processor: Any, *conversations: list[dict[str, Any]], **settings: Any) -> Any:
    return processor.apply_chat_template(
        list(conversations),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        **settings,
    )


@pytest.mark.parametrize("pictures", [(), (WIDE,), (TALL, WIDE)], ids=len)
def test_generate_says_what_the_engine_says(
    pictures: tuple[Image.Image, ...], folder: Path, wrapped: Any
) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    inputs = encoded(processor, conversation("What?", *pictures))
    found = wrapped.generate(**inputs, max_new_tokens=14, do_sample=False, eos_token_id=None)
    loaded = Zamba2VL.from_pretrained(folder)
    loaded.end_tokens = frozenset()
    request = loaded.request("What?", pictures, max_new_tokens=14)
    assert inputs["input_ids"][0].tolist() == list(request.prompt)
    assert found[0, len(request.prompt) :].tolist() == loaded.generate(request).token_ids


def test_a_padded_batch_is_its_rows(folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    rows = [conversation("What is written here?", WIDE), conversation("Hi", TALL, WIDE)]
    settings = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": None}
    processor.tokenizer.pad_token = "<unk>"
    processor.tokenizer.padding_side = "left"
    inputs = encoded(processor, *rows, processor_kwargs={"padding": True})
    assert not inputs["attention_mask"].all()
    together = wrapped.generate(**inputs, **settings)[:, inputs["input_ids"].shape[1] :]
    for row, found in zip(rows, together, strict=True):
        alone = encoded(processor, row)
        expected = wrapped.generate(**alone, **settings)[0, alone["input_ids"].shape[1] :]
        assert found.tolist() == expected.tolist()


def test_beams_find_an_answer_as_likely_as_the_greedy_one(folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    inputs = encoded(processor, conversation("What?", WIDE))
    settings = {"max_new_tokens": 5, "do_sample": False, "eos_token_id": None}

    def likelihood(answer: torch.Tensor) -> float:
        with torch.no_grad():
            logits = wrapped(**{**inputs, "input_ids": answer, "attention_mask": None}).logits
        chosen = logits[0, -6:-1].log_softmax(-1).gather(-1, answer[0, -5:, None])
        return float(chosen.sum())

    beams = wrapped.generate(
        **inputs, **settings, num_beams=4, output_scores=True, return_dict_in_generate=True
    )
    found = likelihood(beams.sequences)
    assert found >= likelihood(wrapped.generate(**inputs, **settings))
    assert found == pytest.approx(float(beams.sequences_scores[0]) * 5, abs=1e-3)


def test_several_answers_a_row_see_the_pictures_of_their_row(folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    processor.tokenizer.pad_token = "<unk>"
    processor.tokenizer.padding_side = "left"
    rows = [conversation("One?", WIDE), conversation("Two, then?", TALL, WIDE)]
    inputs = encoded(processor, *rows, processor_kwargs={"padding": True})
    settings = {"max_new_tokens": 4, "do_sample": False, "eos_token_id": None}
    once = wrapped.generate(**inputs, **settings)
    ids, expanded = wrapped._expand_inputs_for_generation(3, **inputs)
    thrice = wrapped.generate(input_ids=ids, **expanded, **settings)
    assert torch.equal(thrice, once.repeat_interleave(3, dim=0))


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_no_logits(side: str, folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    processor.tokenizer.pad_token = "<unk>"
    processor.tokenizer.padding_side = side
    inputs = processor(text=["short", "and rather longer"], padding=True, return_tensors="pt")
    with torch.no_grad():
        padded = wrapped(**inputs).logits[0][inputs["attention_mask"][0].bool()]
        alone = wrapped(**processor(text="short", return_tensors="pt")).logits[0]
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=1e-4)


def test_logits_are_those_of_the_model(folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    inputs = encoded(processor, conversation("What?", WIDE))
    whole = checkpoint.load(folder)
    layouts = [zamba2_vl.hf.WindowLayout.for_grid(4, 6, whole.vision_tower.config)]
    with torch.no_grad():
        ours = whole(inputs["input_ids"], [layouts[0].pack(inputs["pixel_values"])[None]], layouts)
        theirs = wrapped(**inputs).logits
        last = wrapped(**inputs, logits_to_keep=1).logits
    torch.testing.assert_close(theirs, ours)
    torch.testing.assert_close(last, ours[:, -1:])


def test_the_processor_follows_the_folder(folder: Path) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    question = conversation("What?", WIDE)
    text = processor.apply_chat_template(question, add_generation_prompt=True)
    assert text == render("What?", [1])
    large = Image.new("L", (500, 300))
    inputs = processor(images=large, text=text, return_tensors="pt")
    ours = Zamba2VL.from_pretrained(folder).request("What?", [large])
    assert inputs["input_ids"][0].tolist() == list(ours.prompt)
    torch.testing.assert_close(inputs["pixel_values"], ours.images[0].patches)
    assert inputs["image_grid_thw"].tolist() == [[1, 4, 8]]
    assert processor.decode(inputs["input_ids"][0]).startswith("<|vision_start|><|image_pad|>")
    smaller = AutoProcessor.from_pretrained(folder, max_pixels=784)
    assert smaller(images=large, text=text)["image_grid_thw"].tolist() == [[1, 2, 2]]


def test_the_published_frame_count_is_overruled_by_the_model(folder: Path) -> None:
    settings = {"temporal_patch_size": 2, "merge_size": 2, "image_processor_type": "Qwen2VL"}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    processor = AutoProcessor.from_pretrained(folder)
    inputs = processor(images=[WIDE], text="<|image_pad|>", return_tensors="pt")
    assert inputs["pixel_values"].shape == (24, 588)


def test_inputs_that_do_not_belong_together(folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    with pytest.raises(InputError, match="name 0 pictures, 1 were given"):
        processor(images=[WIDE], text="no place for it")
    with pytest.raises(InputError, match="videos"):
        processor(text="?", videos=["film.mp4"])
    inputs = processor(images=[WIDE], text="<|image_pad|>", return_tensors="pt")
    with pytest.raises(InputError, match="5 image tokens, the pictures give 6"):
        wrapped(**{**inputs, "input_ids": inputs["input_ids"][:, 1:]})
    with pytest.raises(InputError, match="input_ids"):
        wrapped()


def test_what_transformers_saves_we_load(folder: Path, wrapped: Any, tmp_path: Path) -> None:
    wrapped.save_pretrained(tmp_path)
    theirs, ours = checkpoint.load(tmp_path), checkpoint.load(folder)
    assert isinstance(theirs.config, Zamba2VLConfig)
    assert theirs.config == ours.config
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter, theirs.get_parameter(name)), name


def test_the_processor_survives_saving(folder: Path, tmp_path: Path) -> None:
    AutoProcessor.from_pretrained(folder).save_pretrained(tmp_path)
    AutoConfig.from_pretrained(folder).save_pretrained(tmp_path)
    text = render("What?", [1])
    before, after = (
        AutoProcessor.from_pretrained(place)(images=[TALL], text=text, return_tensors="pt")
        for place in (folder, tmp_path)
    )
    assert torch.equal(before["input_ids"], after["input_ids"])
    assert torch.equal(before["pixel_values"], after["pixel_values"])


def test_shared_blocks_stay_tied(wrapped: Any, config: Zamba2VLConfig) -> None:
    layers = wrapped.language_model.model.layers
    first, _, again = config.text.hybrid_layer_ids
    assert layers[first].shared_transformer is layers[again].shared_transformer


def test_weights_that_do_not_fit_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["language_model.model.final_layernorm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsMismatchError, match="final_layernorm"):
        AutoModelForImageTextToText.from_pretrained(folder)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_a_lora_step_moves_the_adapters_alone(folder: Path, wrapped: Any) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    torch.manual_seed(0)
    targets = ["q_proj", "v_proj", "in_proj", "qkv"]
    tuned = peft.get_peft_model(wrapped, peft.LoraConfig(r=2, target_modules=targets))
    tuned.train()
    before = {name: parameter.clone() for name, parameter in tuned.named_parameters()}
    inputs = encoded(processor, conversation("What?", WIDE))
    adapters = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(adapters, lr=1e-3)
    losses = []
    for _ in range(2):
        loss = tuned(**inputs, labels=inputs["input_ids"]).loss
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    moved = {name for name, p in tuned.named_parameters() if not torch.equal(p, before[name])}
    assert moved and all("lora_" in name for name in moved)
    for part in ("vision_tower", "shared_transformer", "mamba"):
        assert any(part in name for name in moved)
    assert losses[1] < losses[0]


def test_the_bundled_weights_say_the_same_through_transformers() -> None:
    home = Path(__file__).parents[2]
    picture = Image.open(home / "samples/receipt.jpg").convert("RGB")
    weights = home / "model/weights"
    processor = AutoProcessor.from_pretrained(weights)
    model = AutoModelForImageTextToText.from_pretrained(weights, dtype=torch.float32)
    inputs = encoded(processor, conversation("<|read|>", picture))
    written = model.generate(**inputs, max_new_tokens=24, do_sample=False)
    ids = written[0, inputs["input_ids"].shape[1] :].tolist()
    ours = Zamba2VL.from_pretrained(weights).generate("<|read|>", [picture], max_new_tokens=24)
    assert ids == list(ours.token_ids)
    assert ours.text.startswith("SEAGULL BOOKS & COFFEE")
