"""--stream: values on stdout as they are decoded."""

import json
import time
from typing import TYPE_CHECKING, Any, TextIO

from docextract.console import painted
from docextract.report.tables import shown
from docextract.unfolding import Unfolding

if TYPE_CHECKING:
    from docextract.asking import Progress


_DIM = 2  # among a terminal's colours


class FieldStream:
    """Writes a JSON line for each value of a page's answer, or shows it where a person watches.

    A page that is read again, turned, gives its values again.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.watched = stream.isatty()
        self._answer = Unfolding()
        self._asked = time.perf_counter()
        self._first_token: float | None = None

    def hear(self, file: str, step: "Progress") -> None:
        """Take the next step of an extraction."""
        if not step.pages:
            return
        if not step.text:
            self._answer, self._asked, self._first_token = Unfolding(), time.perf_counter(), None
            return
        seconds = time.perf_counter() - self._asked
        if self._first_token is None:
            self._first_token = seconds
            if self.watched:
                page = f"page {step.pages[0]}" if len(step.pages) == 1 else "all pages"
                self._say(painted(f"{file}, {page}: first token after {seconds:.1f} s", _DIM))
        for path, value in self._answer.feed(step.text):
            if self.watched:
                self._say(f"  {path:<28} {shown(value)}")
            else:
                self._write(file, step.pages, path, value, seconds)

    def _write(
        self, file: str, pages: tuple[int, ...], path: str, value: Any, seconds: float
    ) -> None:
        line = {
            "file": file,
            "page": pages[0] if len(pages) == 1 else None,
            "field": path,
            "text": value,
            "seconds": round(seconds, 3),
            "first_token": round(self._first_token or seconds, 3),
        }
        self._say(json.dumps(line, ensure_ascii=False))

    def _say(self, words: str) -> None:
        self._stream.write(words + "\n")
        self._stream.flush()
