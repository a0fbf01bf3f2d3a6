"""CUDA graphs: work for the device that is written down once and then started as a whole."""

from collections.abc import Callable, Hashable

import torch


class Graphs:
    """Work by a key that names its shapes.

    Work must read and write the same addresses each time, and ask the device nothing. The first
    time it is done as it is, which also compiles what has to be compiled; the second time it is
    captured, since much never comes again. Where `captures` is false, as it must be off CUDA, it is
    done as it is each time.
    """

    def __init__(self, captures: bool) -> None:
        self._captures = captures
        self._seen: set[Hashable] = set()
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        self._memory = torch.cuda.graph_pool_handle() if captures else None

    def run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Have the device do a piece of work."""
        if not self._captures or key not in self._seen:
            self._seen.add(key)
            work()
            return
        if key not in self._graphs:
            self._graphs[key] = self._captured(work)
        self._graphs[key].replay()

    def _captured(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        # Other threads may go on using the device. One graph runs at a time, so all share memory.
        with torch.cuda.graph(graph, pool=self._memory, capture_error_mode="thread_local"):
            work()
        return graph
