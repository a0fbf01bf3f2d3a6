import pytest
import torch
from torch import Tensor
from torch.nn import functional

from zamba2_vl.ops import packed
from zamba2_vl.ops.quantized import quantized
from zamba2_vl.ops.quantized.packing import dequantize, pack, quantize, shapes, unpack


@pytest.mark.parametrize("inputs", [1, 64, 100, 128, 300])
def test_packing_loses_nothing(inputs: int) -> None:
    q = torch.randint(-8, 8, (5, inputs))
    words = pack(q)
    assert (words.shape, words.dtype) == ((5, 16 * -(-inputs // 128)), torch.int32)
    assert torch.equal(unpack(words, inputs), q.to(torch.int8))


def test_the_layout_is_the_one_described() -> None:
    q = torch.zeros(1, 256, dtype=torch.int64)
    q[0, 128 + 16 * 3 + 5] = -8 + 6
    [words] = pack(q)
    assert words[16 + 5].item() & 0xFFFFFFFF == 0x88886888
    assert words[4].item() & 0xFFFFFFFF == 0x88888888


@pytest.mark.parametrize(("bits", "error"), [(8, 0.0085), (4, 0.093)])
@pytest.mark.parametrize("inputs", [96, 1024])
def test_quantised_weights_are_near(bits: int, error: float, inputs: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(256, inputs)
    integers, scale = quantize(weight, bits)
    assert (integers.shape, scale.shape) == shapes(256, inputs, bits)
    held = dequantize(integers, scale, inputs, torch.float32)
    assert (held - weight).norm() < error * weight.norm()


@pytest.mark.parametrize("bits", [8, 4])
def test_zeros_and_large_weights_are_kept(bits: int) -> None:
    weight = torch.zeros(3, 128)
    weight[1, 5], weight[1, 70], weight[2] = 1000.0, -1e-3, 0.5
    held = dequantize(*quantize(weight, bits), 128, torch.float32)
    assert torch.isfinite(held).all() and not held[0].any()
    torch.testing.assert_close(held[1, 5], weight[1, 5], rtol=0.005, atol=0)
    torch.testing.assert_close(held[2], weight[2], rtol=0.005, atol=0)
    assert (held[1, 70] != 0) == (bits == 4)  # in another group than the large one


@pytest.mark.parametrize("bits", [8, 4])
def test_large_matrices_are_worked_on_in_parts(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn(11, 130)
    whole = quantize(weight, bits)
    monkeypatch.setattr("zamba2_vl.ops.quantized.packing._PART", 400)
    assert all(map(torch.equal, whole, quantize(weight, bits)))


@pytest.mark.parametrize("bits", [8, 4])
def test_the_product_is_that_of_the_weights_written_out(bits: int) -> None:
    torch.manual_seed(0)
    weight, scale = quantize(torch.randn(40, 100), bits)
    x, bias, gain = torch.randn(2, 3, 100), torch.randn(40), torch.randn(100)
    residual = torch.randn(2, 3, 40)
    y = quantized(x, weight, scale, bias, gain=gain, eps=0.1, residual=residual)
    normed = x / (x.square().mean(-1, keepdim=True) + 0.1).sqrt() * gain
    held = dequantize(weight, scale, 100, torch.float32)
    torch.testing.assert_close(y, residual + functional.linear(normed, held, bias))


@pytest.mark.skipif(not packed.is_served(), reason="FBGEMM serves x86 alone")
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("bias", [None, torch.arange(48.0)])
def test_packed_integers_answer_row_by_row(bits: int, bias: Tensor | None) -> None:
    torch.manual_seed(0)
    weight, scale = quantize(torch.randn(48, 128), bits)
    if bits == 8:
        product = packed.int8_product(weight, scale, bias)
    else:
        product = packed.int4_product(unpack(weight, 128), scale.float(), bias)
    assert product is not None
    x = torch.randn(3, 1, 128) * torch.tensor([1.0, 1e3, 1e-3])[:, None, None]
    expected = quantized(x, weight, scale, bias)
    for row, answer, exact in zip(x, product(x), expected, strict=True):
        assert (answer - exact).norm() < 0.03 * exact.norm()
        assert torch.equal(product(row), answer)


def test_what_no_kernel_takes_is_not_packed() -> None:
    weight = torch.zeros(40, 128, dtype=torch.int8)
    assert packed.int4_product(weight, torch.ones(40, 2), None) is None
