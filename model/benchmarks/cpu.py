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
from zamba2_vl.engine.decode import decode, lay_out
from zamba2_vl.engine.request import Answer, Request
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.state import DecoderState
from zamba2_vl.vision.windows import WindowLayout

# Visual tokens of the page: a tall sheet of 784 x 1568 pixels.
COLUMNS, ROWS = 28, 56
STEPS = 64


def measure_prefill(model: VisionLanguageModel) -> tuple[float, float]:
    """Seconds of reading one page of ROWS x COLUMNS tokens, up to the scores of the first token of
    an answer, the median; and floating-point operations a second of large square matrix products
    in between, the fastest."""
    state, ids = _state(model), _ids(model.config)
    patches, layout = _picture(model.config)
    a, b = torch.randn(2, 2048, 2048)

    def prefill() -> None:
        state.reset()
        images = model.vision_tower(patches, layout)
        hidden = model.language_model(model.place_images(ids, images), state)
        model.language_model.logits(hidden[:, -1:])

    seconds, product = _in_turn(prefill, 1, lambda: a @ b, 2, rounds=5)
    return statistics.median(seconds), 2 * 2048**3 / min(product)


def measure_step(model: VisionLanguageModel) -> tuple[float, float]:
    """Seconds of one decoding step after a page, the median; and bytes a second of reading memory
    far larger than the caches in between, as weights are read, by matrix-vector products of all
    cores, the fastest."""
    decoder, state, ids = model.language_model, _state(model), _ids(model.config)
    decoder(torch.randn(*ids.shape, decoder.config.hidden_size), state)
    answer = Answer(Request(prompt=[0]), None)
    matrix, vector = torch.randn(16384, 4096), torch.randn(4096)

    def step() -> None:
        answer.unread.append(0)
        decode(decoder, state, [answer]).argmax(-1)

    seconds, reading = _in_turn(step, 8, lambda: matrix @ vector, 2, rounds=STEPS // 8)
    return statistics.median(seconds), matrix.nbytes / min(reading)


def _state(model: VisionLanguageModel) -> DecoderState:
    return DecoderState.allocate(model.config.text, 1, ROWS * COLUMNS + STEPS + 1)


def _ids(config: Zamba2VLConfig) -> Tensor:
    if config.image_token_index is None:
        raise ValueError("a text-only model reads no page")
    return torch.full((1, ROWS * COLUMNS), config.image_token_index)


def _picture(config: Zamba2VLConfig) -> tuple[Tensor, WindowLayout]:
    if config.vision is None:
        raise ValueError("a text-only model reads no page")
    merge = config.vision.spatial_merge_size
    layout = WindowLayout.for_grid(ROWS * merge, COLUMNS * merge, config.vision)
    return torch.randn(1, layout.patches, config.vision.patch_values), layout


def _in_turn(
    action: Callable[[], object],
    repeats: int,
    yardstick: Callable[[], object],
    beats: int,
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Seconds of each call of both, in turns: what else the machine does meets them alike."""
    action()
    yardstick()
    actions: list[float] = []
    yardsticks: list[float] = []
    for _ in range(rounds):
        actions += [_seconds(action) for _ in range(repeats)]
        yardsticks += [_seconds(yardstick) for _ in range(beats)]
    return actions, yardsticks


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@torch.inference_mode()
def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    torch.manual_seed(0)
    # Rounded like weights that were saved.
    model = load(arguments[0]) if arguments else build(configuration()).bfloat16().float()
    if not isinstance(model, VisionLanguageModel):
        sys.exit("a text-only model reads no page")
    lay_out(model.language_model)
    work = prefill_operations(model.config, ROWS, COLUMNS)
    total = sum(work.values())
    (prefill, rate), (step, bandwidth) = measure_prefill(model), measure_step(model)
    print(f"{torch.get_num_threads()} threads, float32, {ROWS * COLUMNS} visual tokens")
    print(f"matrix products  {rate / 1e9:8.1f} GFLOP/s")
    print(f"memory reads     {bandwidth / 1e9:8.1f} GB/s")
    for part, operations in work.items():
        print(f"  {part:22} {operations / 1e9:7.1f} GFLOP")
    print(
        f"prefill          {prefill:8.2f} s      {prefill / (total / rate):.2f} x the "
        f"time of {total / 1e9:.1f} GFLOP in matrix products"
    )
    print(f"decoding step    {step * 1e3:8.2f} ms    {1 / step:.0f} tokens/s")
    packed = model.language_model.model.embed_tokens.packed is not None
    for held, size in {"float32": 4, "float16": 2}.items():
        traffic = decode_bytes(model.config.text, size)
        print(
            f"  {step / (traffic / bandwidth):.2f} x the time of reading its weights as {held}, "
            f"{traffic / 1e6:.0f} MB" + ", as they are held" * (packed == (size == 2))
        )


if __name__ == "__main__":
    main(sys.argv[1:])
