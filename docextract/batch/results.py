"""The file of results: the ledger's lines, in the ledger's order, and nothing else.

The ledger is the truth and this file its picture. Whoever writes holds the ledger's lock, so that
there is one writer at a time in all processes. A line that was cut off, or that the ledger never
came to know, is cut away before the next one is added.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from docextract.errors import OutputError

_AGAIN = "make room or bring it back, then give the same command: what is finished is not read anew"


def to_bytes(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Compact JSON, a line each.

    Names that are no UTF-8 keep their bytes as lone surrogates, which JSON can only escape.
    """
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return text.encode("utf-8", "backslashreplace")


class ResultsFile:
    """The file at `path`.

    All methods raise OutputError where the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, at: int, lines: bytes) -> None:
        """Write at byte `at`, where the ledger's lines end; what is behind it is nobody's."""
        with writing(self.path), self.path.open("ab") as file:
            if file.tell() < at:
                raise OutputError(
                    f"{self.path}: became shorter while the batch was running",
                    hint="give the same command again: the file is written anew from the ledger",
                )
            file.truncate(at)
            file.write(lines)

    def replace(self, blocks: Iterable[bytes]) -> None:
        """Write all of it in one step: whoever looks sees the old file or the new one."""
        with writing(self.path):
            descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            draft = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.writelines(blocks)
                    file.flush()
                    os.fsync(file.fileno())
                draft.chmod(self._mode())
                draft.replace(self.path)
            finally:
                draft.unlink(missing_ok=True)

    def compare(self, blocks: Iterable[bytes]) -> Literal["whole", "torn", "other"]:
        """Whether the file is these blocks. Torn: it has less of them, or something more."""
        if not self.path.exists():
            return "torn"
        with writing(self.path), self.path.open("rb") as file:
            for block in blocks:
                found = file.read(len(block))
                if found != block:
                    return "torn" if block.startswith(found) and not file.read(1) else "other"
            return "torn" if file.read(1) else "whole"

    def _mode(self) -> int:
        if self.path.exists():
            return self.path.stat().st_mode & 0o777
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """The system's refusals to write as an error that says how to go on."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error})", hint=_AGAIN
        ) from error
