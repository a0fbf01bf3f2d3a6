import contextlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from zamba2_vl import checkpoint
from zamba2_vl.checkpoint import build, load, save
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.errors import (
    ArchitectureError,
    MemoryShortageError,
    ModelError,
    NotACheckpointError,
    TruncatedError,
    WeightsMismatchError,
)
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import Decoder


@pytest.fixture
def folder(model: VisionLanguageModel, tmp_path: Path) -> Path:
    save(model, tmp_path, torch.float32)
    return tmp_path


def test_a_checkpoint_is_examined_without_its_values(
    folder: Path, model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint.StoredTensor, "read", None)
    assert checkpoint.examine(folder) == sum(p.numel() for p in model.parameters())
    rewrite(folder, lambda weights: weights.popitem())
    with pytest.raises(WeightsMismatchError, match="missing"):
        checkpoint.examine(folder)


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.named_parameters(), other.named_parameters(), strict=True)
    return all(n == m and torch.equal(a, b) for (n, a), (m, b) in pairs)


def test_round_trip(model: VisionLanguageModel, folder: Path) -> None:
    loaded = load(folder)
    assert same(loaded, model)
    assert not loaded.training


def test_whoever_may_read_the_configuration_may_read_the_weights(folder: Path) -> None:
    modes = {(folder / name).stat().st_mode for name in ("config.json", "model.safetensors")}
    assert len(modes) == 1


def test_tied_weights_are_stored_once_and_shared(folder: Path) -> None:
    names = load_file(folder / "model.safetensors").keys()
    stored = {n.split("layers.")[1][0] for n in names if "shared_transformer.self_attn.q_" in n}
    assert stored == {"1", "2"}
    layers = load(folder).get_submodule("language_model.model.layers")
    assert layers.get_submodule("4.shared_transformer") is layers.get_submodule(
        "1.shared_transformer"
    )


def test_conversion(model: VisionLanguageModel, tmp_path: Path) -> None:
    save(model, tmp_path)
    halves = load_file(tmp_path / "model.safetensors")
    assert {t.dtype for t in halves.values()} == {torch.bfloat16}
    assert same(load(tmp_path), model.to(torch.bfloat16).to(torch.float32))
    assert next(load(tmp_path, dtype=torch.bfloat16).parameters()).dtype == torch.bfloat16


def test_shards(model: VisionLanguageModel, folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    where = {n: f"part-{i % 3}.safetensors" for i, n in enumerate(names)}
    for part in set(where.values()):
        save_file({n: weights[n] for n in names if where[n] == part}, folder / part)
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": where}))
    assert same(load(folder), model)
    (folder / "part-1.safetensors").unlink()
    with pytest.raises(NotACheckpointError, match=r"part-1\.safetensors"):
        load(folder)
    index.write_text("{}")
    with pytest.raises(NotACheckpointError, match="index"):
        load(folder)


def test_text_only(config: Zamba2VLConfig, tmp_path: Path) -> None:
    alone = build(replace(config, vision=None, image_token_index=None))
    save(alone, tmp_path, torch.float32)
    loaded = load(tmp_path)
    assert isinstance(loaded, Decoder)
    assert same(loaded, alone)


def test_no_checkpoint(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotACheckpointError, match=r"model\.safetensors"):
        load(folder)
    with pytest.raises(NotACheckpointError, match=r"config\.json"):
        load(folder / "nowhere")


def test_another_architecture(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    with pytest.raises(ArchitectureError, match="qwen2"):
        load(folder)


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_truncated(folder: Path, kept: int) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(TruncatedError):
        load(folder)


def test_damaged_header(folder: Path) -> None:
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:8] + b"?" + whole[9:])
    with pytest.raises(TruncatedError):
        load(folder)
    header = json.dumps({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(TruncatedError):
        load(folder)


def test_missing_and_left_over_weights_are_named(folder: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights["vision_tower.surplus"] = weights.pop("vision_tower.merger.ln_q.weight")

    rewrite(folder, change)
    with pytest.raises(WeightsMismatchError) as caught:
        load(folder)
    assert "missing: vision_tower.merger.ln_q.weight" in str(caught.value)
    assert "left over: vision_tower.surplus" in str(caught.value)


def test_wrong_shape_is_named(folder: Path) -> None:
    name = "vision_tower.merger.ln_q.weight"
    rewrite(folder, lambda weights: weights.update({name: torch.ones(3)}))
    with pytest.raises(WeightsMismatchError, match=r"ln_q\.weight \[3\] instead of \[16\]"):
        load(folder)


def test_integers_are_no_weights(folder: Path) -> None:
    name = "vision_tower.merger.ln_q.weight"
    rewrite(folder, lambda w: w.update({name: torch.ones(16, dtype=torch.int64)}))
    with pytest.raises(WeightsMismatchError, match="ln_q"):
        load(folder)


@pytest.mark.parametrize(
    ("alias", "owner"),
    [
        ("language_model.lm_head.weight", "language_model.model.embed_tokens.weight"),
        (
            "language_model.model.layers.4.shared_transformer.self_attn.q_proj.weight",
            "language_model.model.layers.1.shared_transformer.self_attn.q_proj.weight",
        ),
    ],
)
def test_repeated_tied_weights_must_agree(
    model: VisionLanguageModel, folder: Path, alias: str, owner: str
) -> None:
    rewrite(folder, lambda weights: weights.update({alias: weights[owner].clone()}))
    assert same(load(folder), model)
    rewrite(folder, lambda weights: weights.update({alias: weights[owner] + 1}))
    with pytest.raises(WeightsMismatchError, match="tied"):
        load(folder)


def test_too_little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_free_bytes", lambda device: 1000)
    with pytest.raises(MemoryShortageError, match="cpu"):
        load(folder)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_peak_memory_is_about_one_copy(config: Zamba2VLConfig, tmp_path: Path) -> None:
    text = replace(config.text, vocab_size=1_000_000, hidden_size=64)
    save(build(Zamba2VLConfig(text)), tmp_path, torch.float32)
    size = (tmp_path / "model.safetensors").stat().st_size
    code = (
        "import resource, sys; from zamba2_vl.checkpoint import load\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak(); model = load(sys.argv[1]); print(peak() - before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    model = Path(checkpoint.__file__).parents[1]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(model)}
    )
    assert int(done.stdout) < 1.3 * size


@pytest.fixture(scope="module")
def saved(model: VisionLanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save(model, folder, torch.float32)
    return folder


@settings(max_examples=60)
@given(
    name=st.sampled_from(["config.json", "model.safetensors"]),
    where=st.floats(0, 1, exclude_max=True),
    length=st.integers(0, 40),
    piece=st.binary(max_size=9) | st.sampled_from([b"null", b"-1", b"1e9", b"[]", b"{}", b'"a"']),
)
def test_a_checkpoint_with_other_bytes_in_it_is_a_model_or_a_model_error(
    saved: Path,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    where: float,
    length: int,
    piece: bytes,
) -> None:
    folder = tmp_path_factory.mktemp("mutated")
    for path in saved.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    content = (saved / name).read_bytes()
    # The values of weights may be any; what is read with care is what comes before them.
    known = len(content) if name == "config.json" else 8 + struct.unpack("<Q", content[:8])[0]
    start = int(where * known)
    (folder / name).write_bytes(content[:start] + piece + content[start + length :])
    with contextlib.suppress(ModelError):
        assert isinstance(load(folder), torch.nn.Module)
