"""`python -m benchmarks.profile [SIZE]`: what this engine's time on the card goes into: the kernels
of one prompt and of one decoding step, by their share, and how long the card stood idle."""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.card import seconds
from benchmarks.ours import Ours
from benchmarks.published import zamba2
from training.bundled import configuration
from zamba2_vl.config import Zamba2VLConfig

PROMPT, CONTEXT, STEPS = 4096, 1900, 8
_SHOWN = 14


def report(title: str, action: Callable[[], object], device: torch.device, parts: int = 1) -> str:
    """The kernels that `action` starts, in milliseconds and calls of one of its `parts`."""
    action()
    wall = seconds(action, device)
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as seen:
        seconds(action, device)
    kernels: dict[str, list[float]] = defaultdict(list)
    for event in seen.events():
        if event.device_type.name.lower() == device.type:
            kernels[event.name].append(
                event.device_time if device.type == "cuda" else event.self_cpu_time_total
            )
    busy = sum(map(sum, kernels.values())) / 1e6
    lines = [
        f"{title}: {wall / parts * 1e3:.3f} ms, kernels {busy / parts * 1e3:.3f} ms in "
        f"{sum(map(len, kernels.values())) / parts:.0f} launches"
    ]
    ranked = sorted(kernels.items(), key=lambda item: -sum(item[1]))
    for name, times in ranked[:_SHOWN]:
        share, spent = sum(times) / 1e6 / busy, sum(times) / parts / 1e3
        lines.append(f"  {share:6.1%} {spent:9.3f} ms {len(times) / parts:7.1f} x {name[:80]}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Print both reports."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if arguments == ["tiny"]:
        config = Zamba2VLConfig(configuration(tiny=True).text)
        prompt, context, dtype = 48, 32, torch.float32
    else:
        config = zamba2(arguments[0] if arguments else "1.2B")
        prompt, context, dtype = PROMPT, CONTEXT, torch.bfloat16
    torch.manual_seed(0)
    with torch.inference_mode():
        model = Ours(config, device, dtype)
        read = model.reader(prompt)
        print(report(f"prompt of {prompt}", lambda: read()(), device))
        print(report("step of 1", model.stepper(context, STEPS), device, STEPS))


if __name__ == "__main__":
    main(sys.argv[1:])
