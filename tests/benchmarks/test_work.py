"""The counted arithmetic against what PyTorch's own counter sees."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.work import decode_bytes, prefill_operations
from training.bundled import configuration
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.vision.windows import WindowLayout


@torch.inference_mode()
def test_prefill_operations() -> None:
    config = configuration(tiny=True)
    assert config.vision is not None
    model = VisionLanguageModel(config).eval()
    layout = WindowLayout.for_grid(32, 32, config.vision)
    ids = torch.full((1, layout.tokens), config.image_token_index)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):
        images = model.vision_tower(torch.randn(1, layout.patches, 588), layout)
        model.language_model(model.place_images(ids, images))
    seen = {str(name): count for name, count in counter.get_flop_counts()["Global"].items()}
    work = prefill_operations(config, 16, 16)
    # The short convolution is no matrix product.
    linear = work["vision linear"] + work["text linear"]
    assert seen["aten.mm"] + seen["aten.addmm"] == pytest.approx(linear, rel=0.01)
    # Causal products run whole here; of the scan's, up to all are causal.
    batched = work["vision windows"] + work["vision full attention"] + 2 * work["text attention"]
    assert batched + work["text scan"] < seen["aten.bmm"] < batched + 2 * work["text scan"]


def test_bundled_model_keeps_to_its_budget() -> None:
    config = configuration()
    assert sum(prefill_operations(config, 56, 28).values()) <= 200e9
    with torch.device("meta"):
        weights = sum(p.numel() for p in VisionLanguageModel(config).parameters())
    assert 2 * weights <= 40e6


def test_a_decoding_step_reads_each_use_of_the_shared_block() -> None:
    config = configuration().text
    with torch.device("meta"):
        decoder = VisionLanguageModel(configuration()).language_model
    stored = sum(p.numel() for p in decoder.parameters() if p.dim() > 1)
    shared = sum(
        p.numel()
        for name, p in decoder.named_parameters()
        if "shared_transformer" in name and "adapter" not in name and p.dim() > 1
    )
    assert decode_bytes(config, 4) == 4 * (stored + 3 * shared)
