"""Read a document's pages into one record, or into one for each document among them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar, overload

from pydantic import BaseModel

from docextract import __version__
from docextract.asking import Asked, Asker, Listener, SecondLook
from docextract.choosing import AUTO, choose_schema
from docextract.confidence import calibration_of, signals_of, unsure, with_confidence
from docextract.grounding.attached import compare_attached
from docextract.mending import mend
from docextract.pages import Document, open_document
from docextract.readers import Reader, bundled_reader
from docextract.recognition import with_words
from docextract.records import Check, Extraction
from docextract.schema import Schema, load_schema
from docextract.settings import Settings
from docextract.splitting import divide

M = TypeVar("M", bound=BaseModel)

_DAMAGED = Check(
    "undamaged",
    None,
    False,
    "the file is damaged, and what could be saved of it was read: get it anew from where it came "
    "from, or open it in another program and print it to a new file",
)


@overload
def extract(
    source: str | PathLike[str] | bytes | Document,
    schema: type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[M]: ...
@overload
def extract(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[Any]: ...
def extract(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str] | type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = Settings(),
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> Extraction[Any]:
    """Read a PDF or a picture, a path or its bytes, into a record of `schema`.

    A Document that is open already is read and left open; it has its own limits and name.

    `schema`: a Pydantic class, or whatever `load_schema` takes, or "auto": the bundled one that
    suits the first page, which the check `schema_chosen` then names with its reason. `reader`: the
    bundled model unless given. `name` is what the result and messages call the document. `progress`
    is told what goes on; what it raises ends the extraction and is raised from here.

    Raises:
        InputError, EncryptedError: the document cannot be read.
        SchemaError: the schema cannot be honoured.
        ModelError, DeviceError: the model cannot run.
        AnswerError: no page got an answer that holds a record.
    """
    loaded = None if schema == AUTO else load_schema(schema)
    with _opened(source, settings, name) as document:
        conclude = _Conclusion(loaded, reader, document, settings, progress)
        return conclude(conclude.asked)


@overload
def extract_each(
    source: str | PathLike[str] | bytes | Document,
    schema: type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> list[Extraction[M]]: ...
@overload
def extract_each(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str],
    reader: Reader | None = None,
    settings: Settings = ...,
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> list[Extraction[Any]]: ...
def extract_each(
    source: str | PathLike[str] | bytes | Document,
    schema: str | PathLike[str] | type[M] | Schema[M],
    reader: Reader | None = None,
    settings: Settings = Settings(),
    *,
    name: str | None = None,
    progress: Listener | None = None,
) -> list[Extraction[Any]]:
    """As `extract`, but the file may hold several documents: a record for each, in page order.

    Where one ends and the next begins is found from the pages (docextract.splitting); each
    extraction has its `pages`. Timings and tokens are those of the whole file so far.
    """
    loaded = None if schema == AUTO else load_schema(schema)
    with _opened(source, settings, name) as document:
        conclude = _Conclusion(loaded, reader, document, settings, progress)
        parts = _parts(conclude.schema, conclude.asked)
        return [replace(conclude(part), pages=_range(part)) for part in parts]


class _Conclusion:
    """Makes records of what was answered about the pages of one document."""

    def __init__(
        self,
        schema: Schema[Any] | None,
        reader: Reader | None,
        document: Document,
        settings: Settings,
        progress: Listener | None,
    ) -> None:
        numbers = document.numbers(settings.pages)
        self._document = document
        self._settings = settings
        self._reader = reader or bundled_reader()
        self._calibration = calibration_of(self._reader, needed=settings.min_confidence is not None)
        self._choice: tuple[Check, ...] = ()
        if schema is None:
            page = document.render(numbers[0], settings.budget or self._reader.default_budget)
            page = page.upright(page.turns[0])
            choice = choose_schema(
                with_words(page) if settings.evidence == "words" else page, self._reader
            )
            schema = choice.schema
            self._choice = (Check("schema_chosen", None, True, f"read as {choice.reason}"),)
        self.schema = schema
        self._asker = Asker(schema, self._reader, document, settings, progress)
        self.asked = self._asker.ask_all(numbers)

    def __call__(self, asked: Sequence[Asked]) -> Extraction[Any]:
        """The record of these pages.

        Raises:
            AnswerError: something was asked, and nothing answered.
        """
        answers = [one.answer for one in asked if one.answer]
        problems = [one.problem for one in asked if one.problem]
        if problems and not answers:
            raise problems[-1]
        checks = [*self._choice, *(check for one in asked for check in one.checks)]
        if self._document.repaired:
            checks.append(_DAMAGED)
        assembled = mend(self.schema, answers, SecondLook(self._asker))
        checks += assembled.checks
        attached = self._document.attached if self._settings.evidence == "words" else {}
        if len(asked) < len(self.asked):
            attached = {}  # it tells of one document, and not of which
        for path, value, check in compare_attached(self.schema.fields, assembled.fields, attached):
            assembled = replace(assembled, fields={**assembled.fields, path: value})
            checks.append(check)
        doubts = sum(not check.passed for check in checks)
        signals = signals_of(assembled.fields, assembled.kinds, assembled.logprobs, doubts)
        fields = with_confidence(assembled.fields, signals, self._calibration)
        checks += unsure(fields, self._settings.min_confidence)
        doubtful = any(value.needs_review for value in fields.values())
        return Extraction(
            version=__version__,
            file=self._document.name,
            schema=self.schema.reference,
            status="review" if doubtful or not all(check.passed for check in checks) else "ok",
            data=assembled.data,
            record=assembled.record,
            fields=fields,
            checks=tuple(checks),
            model=self._reader.name,
            timings=self._asker.timings(),
            tokens=self._asker.tokens(),
            signals=signals,
        )


def _parts(schema: Schema[Any], asked: Sequence[Asked]) -> list[list[Asked]]:
    """What belongs to each document; a page without an answer goes with those before it."""
    answers = [one.answer for one in asked if one.answer]
    counts = {one.answer.pages[0]: one.count for one in asked if one.answer and one.count}
    firsts = {part[0].pages[0] for part in divide(schema.fields, answers, counts)[1:]}
    parts: list[list[Asked]] = [[]]
    for one in asked:
        if one.answer and one.answer.pages[0] in firsts:
            parts.append([])
        parts[-1].append(one)
    return parts


def _range(part: Sequence[Asked]) -> tuple[int, int]:
    return part[0].pages[0], part[-1].pages[-1]


def _opened(
    source: str | PathLike[str] | bytes | Document, settings: Settings, name: str | None
) -> AbstractContextManager[Document]:
    if isinstance(source, Document):
        return nullcontext(source)
    name = name or ("document" if isinstance(source, bytes) else fspath(source))
    content = source if isinstance(source, bytes) else Path(source)
    return open_document(content, settings.limits, settings.passwords, name)
