"""What can go wrong, with which exit code, and what to type next.

Every failure that a user can meet is one class of this tree. Raise the narrowest one; the command
line and the batch turn it into a message, a line of JSON and an exit code, and nobody else does.
"""

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """What the process says when it ends. People script against these numbers."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    SCHEMA = 4
    MODEL = 5
    DEVICE = 6
    ANSWER = 7
    ENCRYPTED = 8
    NOTHING = 9
    SOME_FAILED = 10
    ALL_FAILED = 11
    REVIEW = 12
    INTERRUPTED = 130


class DocextractError(Exception):
    """A failure with a message for people, an exit code for scripts and a hint for both.

    `name` is the stable word that JSON carries beside the code. `hint` says what to do next; it
    may be empty where there is nothing to add.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    name: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_dict(self) -> dict[str, Any]:
        """As results carry it."""
        return {
            "code": int(self.exit_code),
            "name": self.name,
            "message": self.message,
            "hint": self.hint,
        }


def our_fault(error: Exception) -> DocextractError:
    """An exception that nobody foresaw, as an error with code 1; its traceback stays with it."""
    fault = DocextractError(
        f"{type(error).__name__}: {error}",
        hint="this is a fault of docextract; --debug shows where",
    )
    fault.__cause__ = error
    return fault


def did_you_mean(word: str, known: Iterable[str], rest: str = "") -> str:
    """The beginning of a hint: the known word that is nearest, if one is near; then the rest."""
    meant = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f"{f'did you mean {meant[0]}? ' if meant else ''}{rest}".strip()


class UsageError(DocextractError):
    """The command line, or the arguments of a call, do not make sense."""

    exit_code = ExitCode.USAGE
    name = "usage"


class OutputError(UsageError):
    """The results cannot be written where they were asked for."""

    name = "output"


class InputError(DocextractError):
    """A document cannot be read."""

    exit_code = ExitCode.INPUT
    name = "input"


class MissingFileError(InputError):
    """There is no such file, or it may not be opened."""

    name = "missing"


class NotADocumentError(InputError):
    """The bytes are neither a PDF nor a picture of a kind that is read."""

    name = "not_a_document"


class DamagedFileError(InputError):
    """The file begins like a document, but cannot be decoded."""

    name = "damaged"


class EmptyDocumentError(InputError):
    """The file has no bytes, or the document has no pages."""

    name = "empty"


class LimitError(InputError):
    """The document is larger than the limits allow: bytes, pages or pixels."""

    name = "too_large"


class TimedOutError(InputError):
    """Reading the document took longer than was allowed."""

    name = "timed_out"


class CrashedError(InputError):
    """The process that opened or read the document died of it."""

    name = "crashed"


class ChangedError(InputError):
    """The file became another one while it was waiting to be read."""

    name = "changed"


class EncryptedError(DocextractError):
    """The document wants a password, or another one than was given."""

    exit_code = ExitCode.ENCRYPTED
    name = "encrypted"


class SchemaError(DocextractError):
    """The schema cannot be found, loaded or honoured."""

    exit_code = ExitCode.SCHEMA
    name = "schema"


class ModelError(DocextractError):
    """The model or its weights are missing, broken or of another kind."""

    exit_code = ExitCode.MODEL
    name = "model"


class DeviceError(DocextractError):
    """The device is absent, unsuitable or out of memory."""

    exit_code = ExitCode.DEVICE
    name = "device"


class AnswerError(DocextractError):
    """The model's answer never became a valid record."""

    exit_code = ExitCode.ANSWER
    name = "answer"


class NothingToDoError(DocextractError):
    """The call names no document that would have to be read."""

    exit_code = ExitCode.NOTHING
    name = "nothing"
