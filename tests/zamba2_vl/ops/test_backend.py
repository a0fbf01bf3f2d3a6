from collections.abc import Iterator

import pytest
import torch

from zamba2_vl.errors import ConfigError
from zamba2_vl.ops import backend


class OnGpu:
    is_cuda = True


@pytest.fixture(autouse=True)
def triton(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if Triton were installed and nothing forced."""
    monkeypatch.setattr(backend, "TRITON", True)
    monkeypatch.setattr(backend, "_forced", {})
    monkeypatch.setattr(backend, "_preferred", {})
    yield


def test_kernels_run_on_a_gpu_where_sizes_fit_a_tile() -> None:
    gpu, cpu = OnGpu(), torch.zeros(1)
    assert backend.kernels("ssd_scan", gpu, 64, 128)  # type: ignore[arg-type]
    assert not backend.kernels("ssd_scan", gpu, 64, 8)  # type: ignore[arg-type]
    assert not backend.kernels("ssd_scan", gpu, 48)  # type: ignore[arg-type]
    assert not backend.kernels("ssd_scan", cpu, 64, 128)


def test_one_operation_or_all_may_be_forced() -> None:
    cpu = torch.zeros(1)
    with backend.forced("triton"):
        assert backend.kernels("ssd_scan", cpu, 16)
        with backend.forced("ssd_scan=pytorch, rotary=triton"):
            assert not backend.kernels("ssd_scan", cpu, 16)
            assert backend.kernels("attention", cpu, 16)
        assert backend.kernels("ssd_scan", cpu, 16)
        assert not backend.kernels("ssd_scan", cpu, 17)
    assert not backend.kernels("ssd_scan", cpu, 16)


def test_what_does_not_exist_cannot_be_forced() -> None:
    with pytest.raises(ConfigError, match="DOCEXTRACT_OPS: tritom computes nothing here"):
        backend._parsed("tritom")
    with pytest.raises(ConfigError, match="mamba_ssm computes nothing here for rotary"):
        backend._parsed("rotary=mamba_ssm")


def test_a_library_that_is_preferred_computes_what_the_kernel_would() -> None:
    gpu, cpu = OnGpu(), torch.zeros(1)
    backend.prefer({"ssd_scan": "mamba_ssm"})
    assert backend.chosen("ssd_scan", gpu, 64) == "mamba_ssm"  # type: ignore[arg-type]
    assert backend.chosen("ssd_scan", cpu, 64) == "pytorch"
    with backend.forced("ssd_scan=triton"):
        assert backend.kernels("ssd_scan", gpu, 64)  # type: ignore[arg-type]
        assert backend.chosen("rotary", cpu, 64) == "pytorch"


def test_the_choice_does_not_break_a_compiled_layer() -> None:
    def layer(x: torch.Tensor) -> torch.Tensor:
        return x + 1 if backend.kernels("ssd_scan", x, x.shape[0]) else x - 1

    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    x = torch.zeros(16)
    assert compiled(x)[0] == -1
    with backend.forced("triton"):
        assert compiled(x)[0] == 1
