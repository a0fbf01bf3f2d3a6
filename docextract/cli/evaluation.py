"""docextract evaluate: how right the records of a labelled folder are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docextract.cli.configuration import ShowConfigOption
from docextract.cli.count_scores import CountScores, ways_of
from docextract.cli.documents import exit_code
from docextract.cli.options import (
    DebugOption,
    Device,
    DeviceOption,
    Evidence,
    EvidenceOption,
    ModelOption,
    OverwriteOption,
    SchemaOption,
    Tiles,
    words,
)
from docextract.console import Progress, complain, data_stream, run, say
from docextract.errors import ExitCode, UsageError
from docextract.settings import BUDGETS, Settings, parse_budget

if TYPE_CHECKING:
    from docextract.evaluation import Judged


EXAMPLES = """\b
Examples:
  docextract evaluate receipts/ --schema receipt --truth labels.jsonl
  docextract evaluate inbox/ --schema invoice --truth corrected/ --worst 10
  docextract evaluate inbox/ --schema invoice --truth labels.jsonl -o judged.jsonl
  docextract review judged.jsonl -o worst.html
  docextract evaluate shelves/ --object bottle --absent jar --truth labels.jsonl
  docextract evaluate scans/ --schema receipt --truth labels.jsonl --map company=merchant_name \\
      --split dev --budget fast --budget max --jobs 2 -o read.jsonl
"""


class ScoreFormat(StrEnum):
    """How scores are written."""

    table = "table"
    json = "json"


def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="Where the files are.", exists=True, file_okay=False)
    ],
    truth: Annotated[
        Path,
        typer.Option(
            help='Lines of {"file", "truth": {key: text}, "split", "schema"}, or a folder of '
            'records (a.pdf.json for a.pdf); of counts {"file", "count", "split", "by_class", '
            '"boxes"}; also looked for in FOLDER.'
        ),
    ],
    schema: SchemaOption = None,
    objects: Annotated[
        list[str] | None,
        typer.Option("--object", metavar="NAME", help="Judge counts of this, not records."),
    ] = None,
    absent: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Count this, too, of which no picture shows any."),
    ] = None,
    tiles: Annotated[
        list[Tiles] | None,
        typer.Option(help="Whether dense pictures are counted in parts; several are compared."),
    ] = None,
    renamed: Annotated[
        str | None,
        typer.Option(
            "--map",
            metavar="THEIRS=OURS,...",
            help="Keys of truth and schema that pair, as in sum=total,items.name=lines.text; or "
            "classes of labels and objects.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only the files of these splits.")
    ] = None,
    month_first: Annotated[
        bool, typer.Option("--month-first", help="The truth's 03/04/2018 is a day of March.")
    ] = False,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            metavar=f"N|{'|'.join(BUDGETS)}", help="Visual tokens per page; several are compared."
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, help="Processes that read, one thread each.")
    ] = 1,
    worst: Annotated[
        int, typer.Option(metavar="N", min=0, help="Show the files with the most faults.")
    ] = 0,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    evidence: EvidenceOption = Evidence.words,
    form: Annotated[ScoreFormat, typer.Option("--format")] = (ScoreFormat.table),
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="OUT", help="Each file's record and verdicts, as JSON lines."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    debug: DebugOption = False,
    show_config: ShowConfigOption = False,
) -> None:
    """Read a labelled folder and say how much of it was right."""

    def work() -> ExitCode:
        budgets: dict[str, int | None] = {name: parse_budget(name) for name in budget or ()}
        pairs = _pairs(renamed)
        place = folder / truth if (folder / truth).exists() else truth
        from docextract.evaluation import holds_counts, load_count_labels

        if objects or absent or holds_counts(place):
            if schema is not None:
                say(f"counts are judged: the schema {schema} is not asked for")
            return CountScores(
                folder,
                load_count_labels(place, objects or (), absent or (), pairs, words(split)),
                ways_of(budgets, tiles or ()),
                model,
                device,
                jobs,
                worst,
                form is ScoreFormat.json,
            ).write(out, overwrite)
        with ExitStack() as stack:
            stream = stack.enter_context(data_stream())
            truths = [truth, folder / truth]
            lines = stack.enter_context(data_stream(out, overwrite, truths)) if out else None
            from docextract.evaluation import judge_folder, load_labels, not_scored, scores
            from docextract.report.tables import JsonLines, write_json

            labels = load_labels(place, words(split))
            if missing := not_scored(labels, schema, pairs):
                say(f"not scored: {', '.join(missing)}")
            judged: dict[str, list[Judged]] = {}
            for name, tokens in (budgets or {"default": None}).items():
                files = judge_folder(
                    folder,
                    labels,
                    schema,
                    pairs,
                    "month first" if month_first else "day first",
                    settings=Settings(budget=tokens, evidence=evidence.value),
                    model=model,
                    device=device,
                    jobs=jobs,
                )
                judged[name] = []
                for one in _watched(files, str(folder), len(labels)):
                    judged[name].append(one)
                    if lines:
                        JsonLines(lines).write({**one.to_dict(), "budget": name})
            figures = {name: scores(members) for name, members in judged.items()}
            if form is ScoreFormat.json:
                write_json(stream, {"schema": schema, "model": model, "budgets": figures})
            else:
                stream.write(_report(judged, figures, worst))
            outcomes = [one.outcome for members in judged.values() for one in members]
            return exit_code(outcomes, strict=False)

    raise typer.Exit(run(work, debug))


def _watched(files: "Iterator[Judged]", folder: str, count: int) -> "Iterator[Judged]":
    """The files as they come, with a line of progress; errors are told as they come, too."""
    with Progress(folder) as progress:
        for number, one in enumerate(files, 1):
            progress.show(f"{number} of {count} files")
            if one.outcome.error:
                complain(one.outcome.error)
            yield one


def _report(
    judged: "Mapping[str, Sequence[Judged]]", figures: Mapping[str, Any], worst: int
) -> str:
    """The scores of each budget, the budgets compared, and the worst cases of each."""
    from docextract.evaluation import budget_table, score_table, worst_cases

    parts = []
    for name, members in judged.items():
        if len(judged) > 1:
            parts.append(f"budget {name}")
        parts.append(score_table(figures[name]))
        if worst and (cases := worst_cases(members, worst)):
            parts.append(f"the worst\n{cases}")
    if len(judged) > 1:
        parts.append(budget_table(figures))
    return "\n".join(parts) + "\n"


def _pairs(text: str | None) -> dict[str, str]:
    pairs = [word.partition("=") for word in words(text)]
    if not all(theirs and ours for theirs, _, ours in pairs):
        raise UsageError(f"not a map: {text}", hint="write it like company=merchant_name,sum=total")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
