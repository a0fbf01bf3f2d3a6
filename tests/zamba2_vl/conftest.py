"""A tiny random model with pictures, and a tokenizer of single bytes."""

import json
import shutil
from pathlib import Path

import pytest
import tokenizers
import torch
from tokenizers import decoders, models, pre_tokenizers

from zamba2_vl import checkpoint
from zamba2_vl.config import TextConfig, VisionConfig, Zamba2VLConfig
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.tokenizer import Tokenizer

SPECIAL = ("<unk>", "<s>", "</s>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *letters])}
    inner = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(list(SPECIAL))
    inner.save(str(folder / "tokenizer.json"))
    (folder / "special_tokens_map.json").write_text('{"bos_token": "<s>", "eos_token": "</s>"}')
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="session")
def config(tokenizer: Tokenizer) -> Zamba2VLConfig:
    """Two shared blocks used in turn, short scan chunks, and a few padding rows of vocabulary."""
    return Zamba2VLConfig(
        text=TextConfig(
            vocab_size=tokenizer.vocab_size + 10,
            hidden_size=32,
            num_hidden_layers=5,
            hybrid_layer_ids=(1, 2, 4),
            intermediate_size=48,
            num_attention_heads=4,
            num_key_value_heads=4,
            num_mem_blocks=2,
            use_shared_attention_adapter=True,
            adapter_rank=4,
            use_mem_rope=True,
            mamba_d_state=8,
            mamba_ngroups=2,
            n_mamba_heads=4,
            chunk_size=8,
            initializer_range=0.2,
        ),
        vision=VisionConfig(
            depth=2,
            hidden_size=16,
            intermediate_size=24,
            num_heads=2,
            out_hidden_size=32,
            fullatt_block_indexes=(1,),
            initializer_range=0.2,
        ),
        image_token_index=tokenizer.id_of("<|image_pad|>"),
    )


@pytest.fixture(scope="session")
def model(config: Zamba2VLConfig) -> VisionLanguageModel:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return VisionLanguageModel(config).eval()


@pytest.fixture(scope="session")
def saved(
    model: VisionLanguageModel, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The tiny model as a checkpoint folder in float32; not to be changed."""
    folder: Path = tmp_path_factory.mktemp("checkpoint")
    checkpoint.save(model, folder, torch.float32)
    for file in tokenizer.path.parent.iterdir():
        shutil.copy(file, folder)
    limits = {"min_pixels": 784, "max_pixels": 12 * 784}
    (folder / "preprocessor_config.json").write_text(json.dumps(limits))
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint folder, to be changed at will."""
    return shutil.copytree(saved, tmp_path / "checkpoint")
