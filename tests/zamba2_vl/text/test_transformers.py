"""Text-only checkpoints: the same numbers as transformers' own Zamba2ForCausalLM."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Zamba2Config, Zamba2ForCausalLM

from zamba2_vl.checkpoint import load
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.state import DecoderState

COMMON = {
    "vocab_size": 120,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "mamba_d_state": 8,
    "n_mamba_heads": 4,
    "adapter_rank": 4,
    "chunk_size": 16,
}
M, H = "linear_attention", "hybrid"
STYLES: dict[str, dict[str, Any]] = {
    "1.2B": {
        "layers_block_type": [M, M, H, M, H, M],
        "num_mem_blocks": 1,
        "use_shared_attention_adapter": True,
        "use_mem_rope": True,
    },
    "2.7B": {"layers_block_type": [M, H, M, H, M, H, H], "num_mem_blocks": 2},
    "7B": {
        "layers_block_type": [M, H, H, M, H],
        "num_mem_blocks": 2,
        "use_mem_rope": True,
        "mamba_ngroups": 2,
        "num_key_value_heads": 2,
        "add_bias_linear": True,
    },
}


@pytest.fixture(scope="module", params=STYLES)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Zamba2ForCausalLM, Decoder]:
    """The same weights twice: in transformers, and loaded from the files that it saved."""
    style = {**COMMON, **STYLES[request.param]}
    folder: Path = tmp_path_factory.mktemp("zamba2")
    torch.manual_seed(11)
    theirs = Zamba2ForCausalLM(
        Zamba2Config(**style, num_hidden_layers=len(style["layers_block_type"]))
    ).eval()
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            if weight.dim() == 2:
                weight.normal_(std=0.15)
            if name.endswith("dt_bias"):
                weight.uniform_(-2.0, 1.0)
    theirs.save_pretrained(folder)
    ours = load(folder)
    assert isinstance(ours, Decoder)
    return theirs, ours


@torch.inference_mode()
def test_logits(pair: tuple[Zamba2ForCausalLM, Decoder]) -> None:
    theirs, ours = pair
    ids = torch.randint(0, 120, (2, 53))
    expected = theirs(ids, use_cache=False).logits
    torch.testing.assert_close(ours.logits(ours(ours.embed(ids))), expected, atol=1e-4, rtol=0)
    assert expected.std() > 0.1


@torch.inference_mode()
def test_cached_greedy_generation(pair: tuple[Zamba2ForCausalLM, Decoder]) -> None:
    theirs, ours = pair
    ids = torch.randint(3, 120, (1, 37))
    expected = theirs.generate(
        ids,
        max_new_tokens=25,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    state = DecoderState.allocate(ours.config, 1, 70)
    fed = ids
    for step, scores in enumerate(expected.logits):
        logits = ours.logits(ours(ours.embed(fed), state)[:, -1])
        torch.testing.assert_close(logits, scores, atol=1e-4, rtol=0)
        fed = logits.argmax(-1, keepdim=True)
        assert fed.item() == expected.sequences[0, 37 + step]
