"""What the device can do at most: the two rates that floors are counted with."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

Prepare = Callable[[], Callable[[], object]]
"""Makes ready what is to be timed, which is then called once."""


@dataclass(frozen=True)
class Card:
    """A device and its ceilings, measured.

    products: floating-point operations a second of a large matrix product in the model's type.
    copies: bytes a second of a copy far larger than the caches, reads and writes counted.
    reads: bytes a second of adding up as large an array.
    """

    name: str
    products: float
    copies: float
    reads: float

    @property
    def bandwidth(self) -> float:
        """Bytes a second that weights could be read at: the faster of what was seen."""
        return max(self.copies, self.reads)

    def __str__(self) -> str:
        return (
            f"{self.name}: products {self.products / 1e12:.4g} TFLOP/s, "
            f"copies {self.copies / 1e9:.4g} GB/s, reads {self.reads / 1e9:.4g} GB/s"
        )


def measure(device: torch.device, dtype: torch.dtype, side: int, size: int) -> Card:
    """Multiply random matrices of `side` x `side`, copy and add up `size` random numbers.

    Random, because zeros let the chip run faster than any real data does.
    """
    a, b = torch.randn(2, side, side, device=device, dtype=dtype)
    product = torch.empty_like(a)
    flops = 2 * side**3 / median(lambda: torch.mm(a, b, out=product), device)
    source = torch.randn(size, device=device, dtype=dtype)
    target = torch.empty_like(source)
    copies = 2 * source.nbytes / median(lambda: target.copy_(source), device)
    # As 64-bit integers: adding them costs one instruction for eight bytes.
    words = source.view(torch.int64)
    reads = source.nbytes / median(lambda: words.sum(), device)
    return Card(device_name(device), flops, copies, reads)


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


def median(
    action: Callable[[], object], device: torch.device, warm: int = 3, times: int = 5
) -> float:
    """Seconds of one action, the median of `times` groups of two after `warm` that do not count."""
    for _ in range(warm):
        action()
    groups = sorted(seconds(lambda: (action(), action()), device) for _ in range(times))
    return groups[times // 2] / 2


def seconds(action: Callable[[], object], device: torch.device) -> float:
    """Seconds from calling an action until the device has done its work."""
    synchronize(device)
    start = time.perf_counter()
    action()
    synchronize(device)
    return time.perf_counter() - start


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
