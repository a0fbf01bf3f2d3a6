"""New files in the folders of a batch, taken up when nobody writes to them any more."""

import time

from docextract.batch.inputs import File, Found, Inputs, Stamp, stamp_of

SECONDS = 2.0
"""Between two looks. A file that was the same at both is taken for whole."""


class Watcher:
    """Looks again and again at the same places. It asks the system for nothing but lists of files,
    so that it sees what arrives over a network, too.
    """

    def __init__(self, inputs: Inputs, seconds: float = SECONDS) -> None:
        self._inputs = inputs
        self._seconds = seconds
        self._seen: dict[File, Stamp] = {}
        self._given: dict[File, Stamp] = {}
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time for another look."""
        return time.monotonic() >= self._next

    def look(self) -> Found:
        """The files that have arrived or changed, and have come to rest."""
        self._next = time.monotonic() + self._seconds
        found = self._inputs.find()
        now = {file: stamp_of(file) for file in found.files}
        fresh = [
            file
            for file, stamp in now.items()
            if stamp == self._seen.get(file) != self._given.get(file) and stamp.size >= 0
        ]
        self._seen = now
        self._given.update((file, now[file]) for file in fresh)
        return Found(fresh, found.passed_over)
