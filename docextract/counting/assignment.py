"""What is to be counted, and what is known of it beforehand."""

from collections.abc import Iterable
from dataclasses import dataclass

from docextract.counting.expected import Expected
from docextract.counting.zones import Zones
from docextract.errors import DocextractError
from docextract.records import Count


@dataclass(frozen=True)
class Assignment:
    """`objects` to count in every picture; without any, those that are `expected` of each."""

    objects: tuple[str, ...] = ()
    zones: Zones = Zones(())
    expected: Expected = Expected(())

    def asked(self, file: str) -> list[str]:
        """What to count in a picture; one that nothing is said of is asked for everything."""
        everything = dict.fromkeys(entry.object for entry in self.expected.entries)
        return list(self.objects) or self.expected.objects(file) or list(everything)

    def reported(self, counts: Iterable[Count]) -> list[Count]:
        """Counts of pages, zone by zone, beside what was expected."""
        return [self.expected.beside(part) for one in counts for part in self.zones.divide(one)]

    def failed(self, file: str, error: DocextractError) -> list[Count]:
        """A line for each object that could not be counted in a file."""
        counts = [Count(file, name, error=error.to_dict()) for name in self.asked(file)]
        return self.reported(counts)
