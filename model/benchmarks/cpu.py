"""`python -m benchmarks.cpu [FOLDER]`: prefill and decoding on the CPU, as ratios to what the same
cores reach in plain matrix products and memory reads during the same run.

Without a folder a model of the bundled shape with random weights is measured.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.work import decode_bytes, prefill_operations
from training.bundled import configuration
from zamba2_vl.checkpoint import build, load
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.engine.decode import lay_out
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.state import DecoderState
from zamba2_vl.vision.windows import WindowLayout

# Visual tokens of the page: a tall sheet of 784 x 1568 pixels.
COLUMNS, ROWS = 28, 56
STEPS = 64


def matmul_rate(dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large square matrix product."""
    a, b = torch.randn(2, 2048, 2048, dtype=dtype)
    return 2 * 2048**3 / _fastest(lambda: a @ b, 8)


def read_rate() -> float:
    """Bytes a second of reading memory far larger than the caches, as weights are read: by
    matrix-vector products."""
    matrix, vector = torch.randn(16384, 4096), torch.randn(4096)
    return matrix.nbytes / _fastest(lambda: matrix @ vector, 8)


def prefill_seconds(model: VisionLanguageModel, repeats: int = 5) -> float:
    """Tower, placing and language model for one page of ROWS x COLUMNS tokens, up to the scores
    of the first token of an answer; the median."""
    patches, layout, ids = _page(model.config)
    state = DecoderState.allocate(model.config.text, 1, ids.shape[1] + STEPS, dtype=_dtype(model))

    def prefill() -> None:
        state.reset()
        images = model.vision_tower(patches.to(_dtype(model)), layout)
        hidden = model.language_model(model.place_images(ids, images), state)
        model.language_model.logits(hidden[:, -1:])

    return _median(prefill, repeats)


def step_seconds(model: VisionLanguageModel) -> float:
    """One decoding step after a page; the median of STEPS."""
    _, _, ids = _page(model.config)
    length = ids.shape[1]
    state = DecoderState.allocate(model.config.text, 1, length + STEPS + 1, dtype=_dtype(model))
    state.filled.fill_(length)
    token = torch.zeros(1, 1, dtype=torch.int64)

    def step() -> None:
        embeds = model.language_model.embed(token)
        model.language_model.logits(model.language_model(embeds, state)).argmax(-1)

    return _median(step, STEPS)


def _page(config: Zamba2VLConfig) -> tuple[Tensor, WindowLayout, Tensor]:
    vision, image = config.vision, config.image_token_index
    if vision is None or image is None:
        raise ValueError("a text-only model reads no page")
    merge = vision.spatial_merge_size
    layout = WindowLayout.for_grid(ROWS * merge, COLUMNS * merge, vision)
    patches = torch.randn(1, layout.patches, vision.patch_values)
    return patches, layout, torch.full((1, layout.tokens), image)


def _dtype(model: VisionLanguageModel) -> torch.dtype:
    return next(model.parameters()).dtype


def _times(action: Callable[[], object], repeats: int) -> list[float]:
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return times


def _median(action: Callable[[], object], repeats: int) -> float:
    return statistics.median(_times(action, repeats))


def _fastest(action: Callable[[], object], repeats: int) -> float:
    return min(_times(action, repeats))


@torch.inference_mode()
def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    torch.manual_seed(0)
    model = load(arguments[0]) if arguments else build(configuration())
    if not isinstance(model, VisionLanguageModel):
        sys.exit("a text-only model reads no page")
    lay_out(model.language_model)
    work = prefill_operations(model.config, ROWS, COLUMNS)
    total = sum(work.values())
    traffic = decode_bytes(model.config.text, 4)
    rate, bandwidth = matmul_rate(torch.float32), read_rate()
    prefill, step = prefill_seconds(model), step_seconds(model)
    print(f"{torch.get_num_threads()} threads, float32, {ROWS * COLUMNS} visual tokens")
    print(f"matrix products  {rate / 1e9:8.1f} GFLOP/s")
    print(f"memory reads     {bandwidth / 1e9:8.1f} GB/s")
    for part, operations in work.items():
        print(f"  {part:22} {operations / 1e9:7.1f} GFLOP")
    print(
        f"prefill          {prefill:8.2f} s      {prefill / (total / rate):.2f} x the "
        f"time of {total / 1e9:.1f} GFLOP in matrix products"
    )
    print(
        f"decoding step    {step * 1e3:8.2f} ms    {step / (traffic / bandwidth):.2f} x the "
        f"time of reading {traffic / 1e6:.0f} MB; {1 / step:.0f} tokens/s"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
