import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import zamba2_vl.engine.decode as steps
from zamba2_vl import checkpoint
from zamba2_vl.engine.decode import decode, lay_out
from zamba2_vl.engine.request import Answer, Request
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.linear import Embedding, Linear
from zamba2_vl.text.state import DecoderState

BUNDLED = Path(__file__).parents[3] / "model" / "weights"

packs = pytest.mark.skipif(
    torch.backends.quantized.engine not in ("x86", "fbgemm"), reason="FBGEMM serves x86 alone"
)


@pytest.fixture
def moved(model: VisionLanguageModel) -> VisionLanguageModel:
    return copy.deepcopy(model)


def holders(decoder: Decoder) -> Iterator[Linear | Embedding]:
    return (module for module in decoder.modules() if isinstance(module, Linear | Embedding))


def test_laying_out_moves_weights_and_changes_none(
    model: VisionLanguageModel, moved: VisionLanguageModel, tmp_path: Path
) -> None:
    lay_out(moved.language_model)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, moved.get_parameter(name))
    embedding = moved.language_model.model.embed_tokens.weight
    assert embedding.stride() == (1, embedding.shape[0])
    narrow = moved.language_model.model.layers[0].mamba.out_proj.weight
    assert narrow.is_contiguous()
    assert moved.language_model.model.embed_tokens.packed is None
    checkpoint.save(moved, tmp_path, torch.float32)
    saved = checkpoint.load(tmp_path)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, saved.get_parameter(name))


def test_shared_weights_stay_shared(moved: VisionLanguageModel) -> None:
    lay_out(moved.language_model)
    first, _, again = moved.config.text.hybrid_layer_ids
    layers = moved.language_model.model.layers
    assert layers[first].shared_transformer is layers[again].shared_transformer


def prompt_and_steps(decoder: Decoder, ids: Tensor) -> Tensor:
    """Logits (1, tokens, vocabulary): half of the tokens read at once, the others one by one."""
    state = DecoderState.allocate(decoder.config, 1, ids.shape[1])
    start, *rest = ids.split([ids.shape[1] // 2, *[1] * (ids.shape[1] // 2)], dim=1)
    parts = [decoder(decoder.embed(part), state) for part in (start, *rest)]
    return decoder.logits(torch.cat(parts, 1))


@packs
@torch.inference_mode()
def test_packed_weights_answer_as_float32_ones() -> None:
    model = checkpoint.load(BUNDLED)
    assert isinstance(model, VisionLanguageModel)
    decoder = model.language_model
    ids = torch.randint(decoder.config.vocab_size, (1, 60), generator=torch.manual_seed(0))
    plain = prompt_and_steps(decoder, ids)
    lay_out(decoder)
    assert all(holder.packed is not None for holder in holders(decoder))
    packed = prompt_and_steps(decoder, ids)
    assert not torch.equal(packed, plain)
    torch.testing.assert_close(packed, plain, atol=1e-3, rtol=0)


@packs
def test_large_models_get_no_second_copy(
    moved: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = moved.bfloat16().float().language_model
    held = sum(holder.weight.numel() for holder in holders(decoder))
    monkeypatch.setattr(steps, "_SPARE", 2 * held - 1)
    lay_out(decoder)
    assert all(holder.packed is None for holder in holders(decoder))
    monkeypatch.setattr(steps, "_SPARE", 2 * held)
    lay_out(decoder)
    assert all(holder.packed is not None for holder in holders(decoder))


@packs
def test_few_tokens_are_decoded_on_one_thread(
    moved: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = moved.bfloat16().float().language_model
    lay_out(decoder)
    seen: list[int] = []
    decoder.register_forward_pre_hook(lambda *_: seen.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for rows in (1, 4, 5):
            answers = [Answer(Request(prompt=[1]), None) for _ in range(rows)]
            for answer in answers:
                answer.unread.append(1)
            with torch.inference_mode():
                decode(decoder, DecoderState.allocate(decoder.config, rows, 1), answers)
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1, 2]
