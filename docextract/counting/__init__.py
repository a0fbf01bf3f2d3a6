"""How many of a thing, and where: marks that the model points at, and whose number is the count."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

from docextract.confidence import count_calibration_of
from docextract.counting.looking import Looker, Tell
from docextract.errors import AnswerError, UsageError
from docextract.pages import Document, open_document
from docextract.readers import Reader, bundled_reader
from docextract.records import Count
from docextract.settings import Settings


def count(
    source: str | PathLike[str] | bytes | Document,
    objects: str | Sequence[str],
    reader: Reader | None = None,
    settings: Settings = Settings(),
    *,
    name: str | None = None,
    tell: Tell | None = None,
) -> list[Count]:
    """Count things in a picture or on the pages of a PDF, a path or its bytes.

    One count for each page and object, in this order. What can be seen is counted: a photo of a
    shelf shows what stands in front, and not the stock behind it.

    A Document that is open already is read and left open. `objects`: what to count, such as
    `"bottle"`. `reader`: the bundled model unless given. `name` is what the results call the file.
    `tell` is told what is being looked at. Where an answer holds neither marks nor a number, the
    count's `error` says so.

    Raises:
        InputError, EncryptedError: the document cannot be read.
        ModelError, DeviceError: the model cannot run.
        UsageError: nothing is to be counted.
    """
    asked = [objects] if isinstance(objects, str) else list(dict.fromkeys(objects))
    if not asked or not all(map(str.strip, asked)):
        raise UsageError("nothing is to be counted", hint="name it: --object bottle")
    if isinstance(source, Document):
        return _count(source, asked, reader or bundled_reader(), settings, tell)
    name = name or ("picture" if isinstance(source, bytes) else fspath(source))
    content = source if isinstance(source, bytes) else Path(source)
    with open_document(content, settings.limits, settings.passwords, name) as document:
        return _count(document, asked, reader or bundled_reader(), settings, tell)


def _count(
    document: Document,
    objects: Sequence[str],
    reader: Reader,
    settings: Settings,
    tell: Tell | None,
) -> list[Count]:
    calibration = count_calibration_of(reader, needed=settings.min_confidence is not None)
    looker = Looker(reader, document, settings, tell or (lambda _: None))
    counts = []
    for number in document.numbers(settings.pages):
        for wanted in objects:
            try:
                counted = looker.count(wanted, number)
            except AnswerError as error:
                counted = Count(document.name, wanted, number, error=error.to_dict())
            if calibration and counted.signal:
                sure = calibration.probability(counted.signal)
                counted = _judged(replace(counted, confidence=sure), settings.min_confidence)
            counts.append(counted)
    return counts


def _judged(count: Count, least: float | None) -> Count:
    """To review where the count is less likely right than it has to be."""
    if least is None or count.confidence is None or count.confidence >= least:
        return count
    reason = f"the confidence {count.confidence:.2f} is below {least:g}"
    reasons = [count.reason, reason] if count.reason else [reason]
    return replace(count, status="review", reason="; ".join(reasons))
