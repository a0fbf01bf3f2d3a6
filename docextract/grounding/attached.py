"""What an attached e-invoice says of the values that were read off the pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from docextract.grounding.lettering import fold
from docextract.printed import CONVERTERS, AmbiguousError, Hints, Kind, NotReadableError
from docextract.records import Check, FieldEvidence
from docextract.schema import Group, Leaf

_MACHINE = Hints(decimal_mark=".")


def compare_attached(
    fields: Group, values: Mapping[str, FieldEvidence], attached: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, FieldEvidence, Check]]:
    """The values that an attachment speaks of, each with the evidence and the check that follow.

    A value that differs is contradicted; it is not replaced, since either may be wrong. Values that
    are absent on the pages, or of which the attachment says nothing readable, are passed over.
    """
    for key, texts in attached.items():
        leaf, value = fields.fields.get(key), values.get(key)
        if not isinstance(leaf, Leaf) or value is None or value.value is None:
            continue
        agreed = [_same(leaf.kind, str(value.value), text) for text in texts]
        if None in agreed:
            continue
        said = (
            f"{key}: the page says {value.value!r}, the attached e-invoice {' or '.join(texts)!r}"
        )
        if any(agreed):
            yield key, value, Check("attachment_agrees", key, True, said)
        else:
            contradicted = replace(value, evidence="contradicted")
            yield key, contradicted, Check("attachment_agrees", key, False, said)


def _same(kind: Kind, read: str, attached: str) -> bool | None:
    """Whether two texts mean the same value; None where one of them means none.

    Names may be longer in one place: with the legal form, or with a department.
    """
    if kind == "text":
        one, other = fold(read), fold(attached)
        return one in other or other in one
    try:
        ours, theirs = (CONVERTERS[kind](text, _MACHINE) for text in (read, attached))
    except (NotReadableError, AmbiguousError):
        return None
    return ours == theirs
