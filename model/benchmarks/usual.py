"""The usual stack: transformers' own models, its cache and a plain loop around them.

mamba-ssm's kernels are used where the package is installed, without its compiled extension too:
what Zamba2 needs of it is written in Triton, but the package's front page imports the extension.
"""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmarks.card import Prepare
from zamba2_vl.config import TextConfig


class Usual:
    """A language model of transformers with random weights, made on the device in `dtype`."""

    def __init__(
        self, kind: str, options: dict[str, Any], device: torch.device, dtype: torch.dtype
    ) -> None:
        _open_mamba_ssm()
        from transformers import AutoConfig, AutoModelForCausalLM

        config = AutoConfig.for_model(kind, **options)
        # Not typed in every version.
        make: Any = AutoModelForCausalLM.from_config
        with device:
            self._model = make(config, dtype=dtype)
        self._model.eval().requires_grad_(False)
        self._device = device
        self._vocabulary = int(config.vocab_size)

    @classmethod
    def zamba2(cls, config: TextConfig, device: torch.device, dtype: torch.dtype) -> "Usual":
        """The reference: transformers' Zamba2 of this shape."""
        derived = ("model_type", "hybrid_layer_ids", "rope_theta")
        options = {name: value for name, value in config.to_dict().items() if name not in derived}
        return cls("zamba2", options, device, dtype)

    def reader(self, tokens: int) -> Prepare:
        """Reads prompts of so many tokens up to the first token of the answer."""

        def prepare() -> Callable[[], object]:
            ids = self._words(1, tokens)
            return lambda: self._chosen(self._model(ids, logits_to_keep=1)).item()

        return prepare

    def step_seconds(
        self,
        rows: int,
        context: int,
        steps: int,
        clock: Callable[[Callable[[], object]], float],
    ) -> float:
        """Seconds of a decoding step of `rows` answers, the mean of `steps`, after prompts of
        `context` tokens. No token is looked at on the way, which a real caller would."""
        out = self._model(self._words(rows, context), logits_to_keep=1)
        cache, token = out.past_key_values, self._chosen(out)

        def loop(count: int) -> None:
            nonlocal token
            for _ in range(count):
                token = self._chosen(self._model(token, past_key_values=cache, logits_to_keep=1))

        loop(3)
        return clock(lambda: loop(steps)) / steps

    def _words(self, rows: int, count: int) -> Tensor:
        return torch.randint(self._vocabulary, (rows, count), device=self._device)

    def _chosen(self, out: Any) -> Tensor:
        chosen: Tensor = out.logits[:, -1:].argmax(-1)
        return chosen


def mamba_ssm_version() -> str | None:
    """The installed version of mamba-ssm, None without it."""
    if importlib.util.find_spec("mamba_ssm") is None:
        return None
    from importlib.metadata import version

    return version("mamba_ssm")


def _open_mamba_ssm() -> None:
    """Let `mamba_ssm.ops.triton` be imported where the package's front page cannot be."""
    if "mamba_ssm" in sys.modules or importlib.util.find_spec("selective_scan_cuda"):
        return
    spec = importlib.util.find_spec("mamba_ssm")
    if spec is None or spec.submodule_search_locations is None:
        return
    front = ModuleType("mamba_ssm")
    front.__path__ = list(spec.submodule_search_locations)
    front.__spec__ = spec
    sys.modules["mamba_ssm"] = front
