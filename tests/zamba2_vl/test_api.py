import json
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from PIL import Image

from zamba2_vl import checkpoint
from zamba2_vl.api import Zamba2VL
from zamba2_vl.chat import render
from zamba2_vl.engine.request import Generation
from zamba2_vl.errors import CheckpointError, DeviceError, InputError, NotACheckpointError
from zamba2_vl.model import VisionLanguageModel

PICTURE = np.random.default_rng(5).integers(0, 256, (56, 84), dtype=np.uint8)


@pytest.fixture
def loaded(saved: Path) -> Zamba2VL:
    return Zamba2VL.from_pretrained(saved)


def test_a_question_about_a_picture(loaded: Zamba2VL) -> None:
    answer = loaded.generate("What?", [PICTURE], max_new_tokens=6)
    assert len(answer.token_ids) == 6
    assert answer.text == loaded.tokenizer.decode(answer.token_ids)
    assert answer.prompt_tokens == len(loaded.tokenizer.encode(render("What?", [6])))
    other = loaded.generate("What?", [PICTURE[::-1].copy()], max_new_tokens=6)
    assert other.logprobs != answer.logprobs


def test_pictures_come_as_arrays_images_and_files(loaded: Zamba2VL, tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "page.png")
    forms = (PICTURE, Image.fromarray(PICTURE), tmp_path / "page.png", str(tmp_path / "page.png"))
    answers = [loaded.generate("What?", [form], max_new_tokens=3) for form in forms]
    assert len({tuple(answer.logprobs) for answer in answers}) == 1


def test_other_sizes_are_brought_within_the_folders_limits(loaded: Zamba2VL) -> None:
    request = loaded.request("What?", [np.zeros((300, 500), np.uint8)])
    assert [grid.tokens for grid in request.images] == [8]


def test_a_stream_and_a_batch_say_the_same(loaded: Zamba2VL) -> None:
    alone = loaded.generate("What?", [PICTURE], max_new_tokens=12)
    stream = loaded.stream("What?", [PICTURE], max_new_tokens=12)
    text = ""
    result: Generation | None = None
    while result is None:
        try:
            text += next(stream).text
        except StopIteration as end:
            result = end.value
    assert text == alone.text
    assert result.token_ids == alone.token_ids
    request = loaded.request("What?", [PICTURE], max_new_tokens=12)
    both = loaded.generate_batch([request, "Hello?"])
    assert both[0].token_ids == alone.token_ids
    assert both[1].token_ids == loaded.generate("Hello?").token_ids


def test_a_request_brings_its_own_settings(loaded: Zamba2VL) -> None:
    request = loaded.request("What?", max_new_tokens=2)
    assert len(loaded.generate(request).token_ids) == 2
    with pytest.raises(InputError, match="already"):
        loaded.generate(request, max_new_tokens=3)


def test_half_precision_is_near(loaded: Zamba2VL, saved: Path) -> None:
    half = Zamba2VL.from_pretrained(saved, dtype=torch.bfloat16)
    ours = half.generate("What?", [PICTURE], max_new_tokens=1)
    theirs = loaded.generate("What?", [PICTURE], max_new_tokens=1)
    np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=0.3)


def test_a_text_only_checkpoint(folder: Path, model: VisionLanguageModel) -> None:
    checkpoint.save(model.language_model, folder, torch.float32)
    loaded = Zamba2VL.from_pretrained(folder)
    assert len(loaded.generate("Hi", max_new_tokens=3).token_ids) == 3
    with pytest.raises(InputError, match="text only"):
        loaded.generate("Hi", [PICTURE])


def test_end_tokens_come_from_the_folder(folder: Path) -> None:
    assert Zamba2VL.from_pretrained(folder).end_tokens == {2}
    generation = folder / "generation_config.json"
    generation.write_text(json.dumps({"eos_token_id": [7, 8]}))
    assert Zamba2VL.from_pretrained(folder).end_tokens == {7, 8}
    generation.write_text(json.dumps({"eos_token_id": 9}))
    assert Zamba2VL.from_pretrained(folder).end_tokens == {9}
    generation.write_text("[]")
    with pytest.raises(CheckpointError, match="generation_config"):
        Zamba2VL.from_pretrained(folder)


def test_an_image_token_that_the_tokenizer_lacks(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["image_token_index"] = config["text_config"]["vocab_size"] - 1
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="image token"):
        Zamba2VL.from_pretrained(folder)


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "/no/where", "a/b/c", "tests/nowhere"])
def test_names_of_folders_that_do_not_exist_stay_local(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    with pytest.raises(NotACheckpointError, match="no folder") as caught:
        Zamba2VL.from_pretrained(name)
    assert "owner/model" in caught.value.hint


def test_a_path_is_never_a_hub_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)
    with pytest.raises(NotACheckpointError, match="no folder"):
        Zamba2VL.from_pretrained(Path("owner/model"))


def test_a_file_is_no_folder(saved: Path) -> None:
    with pytest.raises(NotACheckpointError, match="is a file"):
        Zamba2VL.from_pretrained(saved / "config.json")


def test_a_hub_id_is_fetched_because_it_was_named(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []

    def download(repo_id: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repo_id, revision))
        assert "*.safetensors" in allow_patterns
        return str(saved)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert Zamba2VL.from_pretrained("owner/model", revision="v1").end_tokens == {2}
    assert asked == [("owner/model", "v1")]


def test_a_hub_that_is_switched_off_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="owner/model") as caught:
        Zamba2VL.from_pretrained("owner/model")
    assert "HF_HUB_OFFLINE" in caught.value.hint


@pytest.mark.parametrize("name", ["cuda:77", "gpu"])
def test_devices_that_are_not_there(name: str, saved: Path) -> None:
    with pytest.raises(DeviceError, match=name):
        Zamba2VL.from_pretrained(saved, device=name)


def test_the_automatic_device_is_one_that_is_there(saved: Path) -> None:
    place = Zamba2VL.from_pretrained(saved, device="auto").model.language_model
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert place.model.embed_tokens.weight.device.type == expected


def test_loading_imports_neither_transformers_nor_the_hub(saved: Path) -> None:
    program = (
        "import sys\n"
        "from zamba2_vl.api import Zamba2VL\n"
        f"Zamba2VL.from_pretrained({str(saved)!r}).generate('Hi', max_new_tokens=1)\n"
        "print(sorted({'transformers', 'huggingface_hub', 'peft'} & set(sys.modules)))"
    )
    path = str(Path(checkpoint.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cuda_says_what_the_cpu_says(dtype: torch.dtype) -> None:
    home = Path(__file__).parents[2]
    weights, page = home / "model/weights", home / "samples/receipt.jpg"
    cpu, cuda = Zamba2VL.from_pretrained(weights), Zamba2VL.from_pretrained(weights, "cuda", dtype)
    expected = cpu.generate("<|read|>", [page], max_new_tokens=40)
    answer = cuda.generate("<|read|>", [page], max_new_tokens=40)
    # The first line is read with certainty, whatever the rounding; float32 leaves no doubt later.
    assert answer.text.splitlines()[0] == expected.text.splitlines()[0]
    if dtype == torch.float32:
        assert answer.token_ids == expected.token_ids
        np.testing.assert_allclose(answer.logprobs, expected.logprobs, atol=1e-2)


@pytest.mark.gpu
def test_a_batch_on_cuda_is_its_requests_alone() -> None:
    home = Path(__file__).parents[2]
    reader = Zamba2VL.from_pretrained(home / "model/weights", "cuda", torch.float32, slots=2)
    page = home / "samples/receipt.jpg"
    requests = [
        reader.request(
            "<|read|>", [page], max_new_tokens=limit, temperature=heat, seed=limit, weigh=weigh
        )
        for limit, heat, weigh in ((24, 0.0, None), (7, 0.9, None), (15, 0.0, torch.neg))
    ]
    alone = [reader.generate(request) for request in requests]
    together = reader.generate_batch(requests)
    assert [one.token_ids for one in together] == [one.token_ids for one in alone]
