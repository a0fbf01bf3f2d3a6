"""What should be in the pictures: a list of one's own, with its article numbers."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from docextract.counting.zones import fits
from docextract.errors import UsageError
from docextract.records import Count

_COLUMNS = ("file", "page", "zone", "object", "sku", "expected")
_HINT = (
    "its first line names the columns: file, object or sku (or both), expected; page and zone, too"
)


@dataclass(frozen=True)
class Entry:
    """So many of an object in the pictures whose path ends with `file`; an empty one is all.

    `page` and `zone` are None where the entry speaks of every page, or of pictures without zones.
    """

    file: str
    page: int | None
    zone: str | None
    object: str
    sku: str | None
    expected: int | None

    @property
    def place(self) -> tuple[str | int | None, ...]:
        """What only one entry may speak of."""
        return self.file, self.page, self.zone, _plain(self.object)

    def tells_of(self, count: Count) -> bool:
        return (
            fits(self.file, count.file)
            and self.page in (None, count.page)
            and self.zone == count.zone
            and _plain(self.object) == _plain(count.object)
        )


@dataclass(frozen=True)
class Expected:
    """All entries of a list."""

    entries: tuple[Entry, ...]

    def objects(self, file: str) -> list[str]:
        """What is expected in a picture, in the order of the list."""
        return list(dict.fromkeys(one.object for one in self.entries if fits(one.file, file)))

    def beside(self, count: Count) -> Count:
        """A count with its number of article and what was expected of it, as far as is known.

        Of several entries the one with the longest path counts. What is expected of a picture is
        not expected of its zones, but their article is the same.
        """
        if best := self._best(count):
            return replace(count, sku=best.sku, expected=best.expected)
        if count.zone and (best := self._best(replace(count, zone=None))):
            return replace(count, sku=best.sku)
        return count

    def _best(self, count: Count) -> Entry | None:
        mine = (one for one in self.entries if one.tells_of(count))
        return max(
            mine,
            key=lambda one: (len(PurePath(one.file).parts), one.page is not None),
            default=None,
        )

    def unmet(self, counts: Sequence[Count]) -> list[Entry]:
        """Entries of which no count tells."""
        return [
            entry
            for entry in self.entries
            if entry.expected and not any(entry.tells_of(count) for count in counts)
        ]


def load_expected(path: Path, objects: Sequence[str] = ()) -> Expected:
    """The list in a CSV file, with commas, semicolons or tabs.

    objects: what is counted; a line that has a sku and no object is about the only one.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    try:
        text = path.read_text("utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        table = csv.DictReader(text.splitlines(), delimiter=delimiter, strict=True)
        names = {str(name).strip().casefold(): name for name in table.fieldnames or ()}
        if "expected" not in names or not {"object", "sku"} & set(names):
            raise ValueError("columns are missing")
        rows = [
            {key: str(row.get(names.get(key, "")) or "").strip() for key in _COLUMNS}
            for row in table
        ]
        entries = tuple(_entries(rows, objects))
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path}: the list cannot be read ({error})", hint=_HINT) from error
    if not entries:
        raise UsageError(f"{path}: nothing is expected in it", hint=_HINT)
    return Expected(entries)


def _entries(rows: Sequence[Mapping[str, str]], objects: Sequence[str]) -> Iterator[Entry]:
    called = {row["sku"]: row["object"] for row in rows if row["sku"] and row["object"]}
    seen: set[tuple[str | int | None, ...]] = set()
    for number, row in enumerate(rows, 2):
        if not any(row.values()):
            continue
        name = row["object"] or called.get(row["sku"], "")
        if not name and len(objects) == 1:
            [name] = objects
        if not name:
            raise ValueError(f"line {number}: what object is the sku {row['sku']!r}?")
        entry = Entry(
            row["file"],
            int(row["page"]) if row["page"] else None,
            row["zone"] or None,
            name,
            row["sku"] or None,
            int(row["expected"]) if row["expected"] else None,
        )
        if entry.place in seen:
            raise ValueError(
                f"line {number}: a second line about {name!r} there; things that look alike are "
                "told apart by their zones alone"
            )
        seen.add(entry.place)
        yield entry


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
