"""The job of a batch that reads documents into records."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from docextract import __version__
from docextract.batch.job import Entry, Outcome, chosen
from docextract.choosing import AUTO, MARKS
from docextract.extraction import extract, extract_each
from docextract.pages import Document
from docextract.prompt import render_question
from docextract.readers import Reader, identify, open_reader
from docextract.schema import Schema, load_schema
from docextract.settings import Settings

# They decide whether a document can be read, and not what it becomes; or it is not for records.
_OUTSIDE = ("limits", "passwords", "timeout", "tiles")
_HASH = 12  # letters of a hash: enough to tell jobs apart, few enough to be shown


@dataclass(frozen=True)
class Extracting:
    """Read documents into records of `schema`, with `model` on `device`; see `docextract.extract`.

    `details`: whether a line holds the whole extraction, or the record alone. `split`: a file may
    hold several documents, and has a line for each.
    """

    schema: str
    model: str
    device: str
    settings: Settings
    details: bool = False
    split: bool = False

    @property
    def layout(self) -> str:
        """Lines with details are longer."""
        return "details" if self.details else "records"

    def identity(self) -> Mapping[str, str]:
        """The schema as it is written, the questions it leads to, the weights, and the pages."""
        schemas = list(MARKS) if self.schema == AUTO else [self.schema]
        hashes = "".join(_schema_hash(load_schema(schema)) for schema in schemas)
        names = [
            field.name
            for field in fields(Settings)
            if field.repr and field.name not in _OUTSIDE  # and what is secret is not written down
        ]
        return {
            "the job": "extraction",
            "the version": __version__,
            "the schema": f"{self.schema} ({_short_hash(hashes)})",
            "the model": f"{self.model} ({identify(self.model)[:_HASH]})",
            **chosen(self.settings, names),
            **({"--split": "set"} if self.split else {}),
        }

    def open(self) -> "_Extractor":
        """Load the schema and the model."""
        schema = AUTO if self.schema == AUTO else load_schema(self.schema)
        reader = open_reader(self.model, self.device)
        return _Extractor(schema, reader, self.settings, self.split)

    def lines(self, entry: Entry) -> Iterator[Mapping[str, Any]]:
        """One line for a file, with `split` for each document in it."""
        outcome = entry.outcome
        for result in outcome.result["documents"] if outcome.result else [None]:
            if self.details and result:
                line = {**result, "file": entry.file, "error": None}
            else:
                line = {
                    "file": entry.file,
                    **({"schema": result["schema"]} if result and self.schema == AUTO else {}),
                    "status": result["status"] if result else outcome.status,
                    "record": result["record"] if result else None,
                    "error": outcome.error,
                }
            yield line | {
                "sha256": entry.sha256,
                "pages": result["pages"] if result and self.split else outcome.pages,
                "seconds": round(outcome.seconds, 3),
            }


class _Extractor:
    """The job with its model loaded."""

    def __init__(
        self, schema: Schema[Any] | str, reader: Reader, settings: Settings, split: bool
    ) -> None:
        self._schema = schema
        self._reader = reader
        self._settings = settings
        self._split = split

    @property
    def at_once(self) -> int:
        return self._reader.questions_at_once

    def read(self, document: Document) -> Outcome:
        if self._split:
            found = extract_each(document, self._schema, self._reader, self._settings)
        else:
            found = [extract(document, self._schema, self._reader, self._settings)]
        doubtful = any(extraction.status == "review" for extraction in found)
        return Outcome(
            "review" if doubtful else "ok",
            {"documents": [extraction.to_dict() for extraction in found]},
            pages=len(document.numbers(self._settings.pages)),
        )


def _schema_hash(schema: Schema[Any]) -> str:
    """Of the fields and how the model is asked for them, and of the code of a class, if it has."""
    said: list[Any] = [schema.model.model_json_schema(), schema.twin]
    said += [render_question(schema, "compact"), render_question(schema, "instruct")]
    module = sys.modules[schema.model.__module__]
    if module.__file__ and not module.__name__.startswith("docextract."):
        said.append(Path(module.__file__).read_text("utf-8"))  # its validators decide too
    return _short_hash(json.dumps(said))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
