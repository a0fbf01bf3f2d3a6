import json
from pathlib import Path

import pytest
import torch

from zamba2_vl.ops import backend, measuring

GPU = torch.device("cuda")


@pytest.fixture
def timings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A GPU on which the library's scan is the fastest; how often each was measured."""
    measured: list[int] = []

    def measure(rivals: dict[str, list[str]], device: torch.device) -> measuring.Seconds:
        measured.append(len(rivals))
        return {"ssd_scan": {"triton": 0.003, "mamba_ssm": 0.002, "pytorch": 0.009}}

    monkeypatch.setattr(measuring, "measure", measure)
    monkeypatch.setattr(measuring, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(measuring, "version", lambda name: f"1 of {name}")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(backend, "_preferred", {})
    monkeypatch.setattr(backend, "candidates", lambda op: ["triton", "mamba_ssm", "pytorch"])
    return measured


def test_the_fastest_is_measured_once_and_preferred(timings: list[int]) -> None:
    first = measuring.settle(GPU)
    backend._preferred.clear()
    assert measuring.settle(GPU) == first
    assert backend.on_gpu("ssd_scan") == "mamba_ssm"
    assert timings == [1]
    kept = json.loads((measuring.folder() / "kernels.json").read_text())
    assert kept["a GPU"]["seconds"] == first


def test_other_versions_and_other_gpus_are_measured_anew(
    timings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring.settle(GPU)
    monkeypatch.setattr(measuring, "version", lambda name: f"2 of {name}")
    measuring.settle(GPU)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "another GPU")
    measuring.settle(GPU)
    assert timings == [1, 1, 1]
    assert set(json.loads((measuring.folder() / "kernels.json").read_text())) == {
        "a GPU",
        "another GPU",
    }


def test_where_there_is_no_choice_nothing_is_measured(
    timings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "candidates", lambda op: ["triton", "pytorch"])
    assert measuring.settle(GPU) == {}
    assert timings == []
    assert not measuring.folder().exists()


def test_a_damaged_or_unwritable_cache_costs_a_measurement_alone(timings: list[int]) -> None:
    measuring.folder().write_text("in the way")
    measuring.settle(GPU)
    measuring.settle(GPU)
    assert timings == [1, 1]


def test_what_cannot_be_imported_or_says_something_else_is_not_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer() -> tuple[torch.Tensor, torch.Tensor]:
        if backend.on_gpu("ssd_scan") == "mamba_ssm":
            raise ImportError("selective_scan_cuda")
        wrong = backend.on_gpu("ssd_scan") == "triton"
        return torch.ones(3) + wrong, torch.ones(3)

    monkeypatch.setattr(backend, "candidates", lambda op: ["triton", "mamba_ssm", "pytorch"])
    monkeypatch.setattr(measuring, "_TRIALS", {"ssd_scan": lambda device: answer})
    monkeypatch.setattr(measuring, "_timed", lambda call: 0.5)
    seconds = measuring.measure({"ssd_scan": ["triton", "mamba_ssm", "pytorch"]}, GPU)
    assert seconds == {"ssd_scan": {"pytorch": 0.5}}
