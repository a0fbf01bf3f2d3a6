import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zamba2_vl import checkpoint, conversion
from zamba2_vl.config import Quantization, Zamba2VLConfig
from zamba2_vl.engine.decode import lay_out
from zamba2_vl.errors import ConfigError, WeightsMismatchError
from zamba2_vl.text.linear import Linear, QuantizedLinear

GOLDEN = Path(__file__).parent / "golden" / "small_1p2b_style"
SHARED = "language_model.model.layers.{}.shared_transformer.self_attn.q_proj"


@pytest.fixture(scope="module", params=[8, 4])
def bits(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden model in bfloat16, as models are published."""
    folder: Path = tmp_path_factory.mktemp("source")
    checkpoint.save(checkpoint.load(GOLDEN), folder)
    return folder


@pytest.fixture(scope="module")
def converted(source: Path, bits: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("converted")
    conversion.convert(source, folder, Quantization(bits, vision_bits=8))
    return folder


def test_what_is_large_becomes_integers(source: Path, converted: Path, bits: int) -> None:
    weights = load_file(converted / "model.safetensors")
    kind = {8: torch.int8, 4: torch.int32}[bits]
    assert weights[SHARED.format(2) + ".weight"].dtype == kind
    assert SHARED.format(5) + ".weight" not in weights  # shared, and stored once
    for name in ("embed_tokens.weight", "layers.0.mamba.A_log", "layers.0.mamba.in_proj.scale"):
        assert weights[f"language_model.model.{name}"].dtype == torch.bfloat16
    assert checkpoint.examine(converted) == checkpoint.examine(source)
    stated = json.loads((converted / "config.json").read_text())
    assert stated.pop("quantization_config")["language_bits"] == bits
    assert stated == json.loads((source / "config.json").read_text())


def test_it_answers_nearly_as_the_original(source: Path, converted: Path, bits: int) -> None:
    original, smaller = checkpoint.load(source), checkpoint.load(converted)
    io = load_file(GOLDEN / "io.safetensors")
    ids = io["text_ids"].long()
    with torch.inference_mode():
        expected, found = original.language_model, smaller.language_model
        held = [m for m in found.modules() if isinstance(m, QuantizedLinear)]
        assert held and {m.bits for m in held} == {bits}
        theirs, ours = (m.logits(m(m.embed(ids))) for m in (expected, found))
        # The weights are random: what rounding one layer changes, the next ones magnify.
        assert (ours - theirs).norm() < {8: 0.04, 4: 0.5}[bits] * theirs.norm()
        # And the same as a model of floats that holds what the integers stand for.
        for name, module in found.named_modules():
            if isinstance(module, QuantizedLinear):
                twin = expected.get_submodule(name)
                assert isinstance(twin, Linear)
                twin.weight.copy_(module.dequantized(torch.float32))
        rounded = expected.logits(expected(expected.embed(ids)))
        assert (ours - rounded).norm() < 1e-4 * rounded.norm()
        lay_out(found)
        packed = found.logits(found(found.embed(ids)))
        assert (packed - ours).norm() < 2e-3 * ours.norm()


def test_large_models_are_packed_as_integers(
    converted: Path, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = load_file(GOLDEN / "io.safetensors")["text_ids"].long()[:, :9]
    plain, model = (checkpoint.load(converted).language_model for _ in range(2))
    monkeypatch.setattr("zamba2_vl.engine.decode._SPARE", 0)
    lay_out(model)
    with torch.inference_mode():
        expected, found = (m.logits(m(m.embed(ids))) for m in (plain, model))
    assert 0 < (found - expected).norm() < {8: 0.05, 4: 0.05}[bits] * expected.norm()


def test_shared_projections_stay_one_module(converted: Path) -> None:
    model = checkpoint.load(converted)
    assert model.get_submodule(SHARED.format(2)) is model.get_submodule(SHARED.format(5))


def test_large_models_are_written_in_parts(
    tmp_path: Path, source: Path, converted: Path, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(conversion, "_FILE", 200_000)
    quantization = Quantization(bits, vision_bits=8)
    conversion.convert(source, tmp_path, quantization, lambda n, of: seen.append((n, of)))
    parts = sorted(tmp_path.glob("*.safetensors"))
    assert len(parts) > 2 and max(part.stat().st_size for part in parts) < 250_000
    assert [n for n, _ in seen] == list(range(1, seen[0][1] + 1))
    whole, cut = checkpoint.load(converted), checkpoint.load(tmp_path)
    for (name, one), (_, other) in zip(
        whole.named_parameters(), cut.named_parameters(), strict=True
    ):
        assert torch.equal(one, other), name


def test_integers_are_not_converted_again_nor_written_back(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="quantised already"):
        conversion.convert(converted, tmp_path, Quantization(4, 8))
    with pytest.raises(ConfigError, match="not written back"):
        checkpoint.save(checkpoint.load(converted), tmp_path)


def test_floats_in_the_place_of_integers_are_told(converted: Path, tmp_path: Path) -> None:
    weights = load_file(converted / "model.safetensors")
    name = SHARED.format(2) + ".weight"
    save_file({**weights, name: weights[name].float()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((converted / "config.json").read_text())
    with pytest.raises(WeightsMismatchError, match=r"wrong type: .*q_proj.weight float32"):
        checkpoint.load(tmp_path)


def test_the_configuration_says_so_and_refuses_others() -> None:
    source = json.loads((GOLDEN / "config.json").read_text())
    stated = Quantization(4, 8)
    config = Zamba2VLConfig.from_dict({**source, "quantization_config": stated.to_dict()})
    assert config.quantization == stated
    assert Zamba2VLConfig.from_dict(config.to_dict()) == config
    for other, words in (
        ({"quant_method": "gptq"}, "'gptq'"),
        ({**stated.to_dict(), "language_bits": 3}, "3"),
        ({**stated.to_dict(), "group_size": 32}, "group_size"),
    ):
        with pytest.raises(ConfigError, match=words):
            Zamba2VLConfig.from_dict({**source, "quantization_config": other})
