import copy
from pathlib import Path

import torch

from zamba2_vl import checkpoint
from zamba2_vl.engine.decode import lay_out
from zamba2_vl.model import VisionLanguageModel


def test_laying_out_moves_weights_and_changes_none(
    model: VisionLanguageModel, tmp_path: Path
) -> None:
    moved = copy.deepcopy(model)
    lay_out(moved.language_model)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, moved.get_parameter(name))
    embedding = moved.language_model.model.embed_tokens.weight
    assert embedding.stride() == (1, embedding.shape[0])
    narrow = moved.language_model.model.layers[0].mamba.out_proj.weight
    assert narrow.is_contiguous()
    checkpoint.save(moved, tmp_path, torch.float32)
    saved = checkpoint.load(tmp_path)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, saved.get_parameter(name))


def test_shared_weights_stay_shared(model: VisionLanguageModel) -> None:
    moved = copy.deepcopy(model)
    lay_out(moved.language_model)
    first, _, again = moved.config.text.hybrid_layer_ids
    layers = moved.language_model.model.layers
    assert layers[first].shared_transformer is layers[again].shared_transformer
