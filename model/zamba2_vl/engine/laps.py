"""How long things take."""

import time
from dataclasses import dataclass, field
from types import TracebackType

import torch


class Lap:
    """Times what is asked of a device inside `with`; the host need not wait for it."""

    def __init__(self, device: torch.device) -> None:
        self._events = [_event(), _event()] if device.type == "cuda" else []
        self._times: list[float] = []

    def __enter__(self) -> None:
        self._mark(0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mark(1)

    @property
    def seconds(self) -> float:
        """From its first to its last action; waits for it."""
        if not self._events:
            return self._times[1] - self._times[0]
        begun, done = self._events
        done.synchronize()
        return float(begun.elapsed_time(done)) / 1000

    def _mark(self, which: int) -> None:
        if self._events:
            self._events[which].record()
        else:
            self._times.append(time.perf_counter())


@dataclass(frozen=True)
class Timings:
    """Seconds. `vision`: the pictures; `prefill`: the prompt; `first_token`: from submission to the
    first token; `decode`: from there to the last; `total`: from submission to the end."""

    vision: float
    prefill: float
    first_token: float
    decode: float
    total: float


@dataclass
class Clock:
    """When things happened, in seconds of `time.perf_counter`, and how long the prompt took.

    vision: the look at the pictures, and the share of it that was for this request.
    """

    submitted: float = field(default_factory=time.perf_counter)
    vision: tuple[Lap, float] | None = None
    prefill: list[Lap] = field(default_factory=list)
    first_token: float | None = None
    finished: float | None = None

    def timings(self) -> Timings:
        """All of it, as far as it has come."""
        finished = self.finished or time.perf_counter()
        first = self.first_token or finished
        return Timings(
            vision=0.0 if self.vision is None else self.vision[0].seconds * self.vision[1],
            prefill=sum(lap.seconds for lap in self.prefill),
            first_token=first - self.submitted,
            decode=finished - first,
            total=finished - self.submitted,
        )


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
