import pytest
import torch

from zamba2_vl.text.linear import Embedding, Linear


@pytest.mark.skipif(
    torch.backends.quantized.engine not in ("x86", "fbgemm"), reason="FBGEMM serves x86 alone"
)
def test_a_packed_copy_serves_inference_and_no_gradient() -> None:
    projection, table = Linear(3, 2, bias=False), Embedding(2, 3)
    x = torch.ones(1, 3)
    for module, scores in ((projection, projection.forward), (table, table.scores)):
        with torch.no_grad():
            module.weight.fill_(0.5)
        assert module.pack()
        with torch.no_grad():
            old = scores(x)
            module.weight.fill_(1.0)
            assert torch.equal(scores(x), old)
        current = scores(x)
        torch.testing.assert_close(current, 2 * old)
        current.sum().backward()
        assert torch.equal(module.weight.grad, torch.ones(2, 3))
        with torch.no_grad():
            assert module.pack()
            torch.testing.assert_close(scores(x), current)
