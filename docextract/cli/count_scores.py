"""docextract evaluate, of counts: how often they are right, by how many things there are."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docextract.cli.documents import code_of
from docextract.cli.options import Tiles
from docextract.console import Progress, data_stream, say
from docextract.errors import ExitCode
from docextract.settings import Settings

if TYPE_CHECKING:
    from docextract.evaluation import CountLabel, JudgedCount


@dataclass(frozen=True)
class CountScores:
    """What is judged, and with what. `ways`: settings that are compared, by what they are called.

    `worst`: so many of the worst counts are shown. `as_json`: scores are for programs.
    """

    folder: Path
    labels: "Sequence[CountLabel]"
    ways: Mapping[str, Settings]
    model: str
    device: str
    jobs: int
    worst: int
    as_json: bool

    def write(self, out: Path | None, overwrite: bool) -> ExitCode:
        """The scores to stdout and, as JSON lines, each count to `out`."""
        with ExitStack() as stack:
            stream = stack.enter_context(data_stream())
            lines = stack.enter_context(data_stream(out, overwrite)) if out else None
            from docextract.evaluation import count_scores, count_table, worst_counts
            from docextract.report.tables import JsonLines, write_json

            judged: dict[str, list[JudgedCount]] = {}
            for way, settings in self.ways.items():
                judged[way] = self._judged(settings)
                if lines:
                    for one in judged[way]:
                        JsonLines(lines).write({**one.to_dict(), "way": way})
            figures: dict[str, Any] = {way: count_scores(some) for way, some in judged.items()}
            if self.as_json:
                write_json(stream, {"model": self.model, "ways": figures})
            for way, some in judged.items() if not self.as_json else ():
                heading = f"{way}\n" if len(judged) > 1 else ""
                stream.write(f"{heading}{count_table(figures[way])}\n")
                if self.worst and (cases := worst_counts(some, self.worst)):
                    stream.write(f"the worst\n{cases}\n")
            counts = [one.count for some in judged.values() for one in some]
            error = counts[0].error
            alone = ExitCode(error["code"]) if error else ExitCode.OK
            return code_of([count.status for count in counts], alone, strict=False)

    def _judged(self, settings: Settings) -> "list[JudgedCount]":
        from docextract.evaluation import judge_counts

        files = judge_counts(
            self.folder,
            self.labels,
            settings=settings,
            model=self.model,
            device=self.device,
            jobs=self.jobs,
        )
        judged = []
        with Progress(str(self.folder)) as progress:
            for number, one in enumerate(files, 1):
                progress.show(f"{number} of {len(self.labels)} counts")
                if one.count.error:
                    say(f"{one.label.file}: {one.count.error['message']}")
                judged.append(one)
        return judged


def ways_of(budgets: Mapping[str, int | None], tiles: Sequence[Tiles]) -> dict[str, Settings]:
    """Every budget with every way of tiling, by their names."""
    found = {}
    for name, budget in (budgets or {"": None}).items():
        for way in tiles or [Tiles.auto]:
            called = [*([f"budget {name}"] if name else []), *([f"tiles {way}"] if tiles else [])]
            found[", ".join(called) or "default"] = Settings(budget=budget, tiles=way.value)
    return found
