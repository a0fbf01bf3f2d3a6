"""docextract evaluate: how right the records of a labelled folder are."""

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from docextract.cli.documents import exit_code, read_each
from docextract.cli.options import (
    BudgetOption,
    DebugOption,
    Device,
    DeviceOption,
    ModelOption,
    OverwriteOption,
    SchemaOption,
    given,
    words,
)
from docextract.console import complain, data_stream, run, say
from docextract.errors import ExitCode, UsageError
from docextract.settings import Settings, parse_budget


class ScoreFormat(StrEnum):
    """How scores are written."""

    table = "table"
    json = "json"


def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="Where the files are.", exists=True, file_okay=False)
    ],
    schema: SchemaOption,
    truth: Annotated[
        Path,
        typer.Option(
            help='Lines of {"file", "truth": {key: text}, "split"}; also looked for in FOLDER.'
        ),
    ],
    renamed: Annotated[
        str | None,
        typer.Option(
            "--map", metavar="THEIRS=OURS,...", help="Keys of truth and schema that pair."
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Only the files of these splits.")
    ] = None,
    month_first: Annotated[
        bool, typer.Option("--month-first", help="The truth's 03/04/2018 is a day of March.")
    ] = False,
    budget: BudgetOption = None,
    model: ModelOption = "bundled",
    device: DeviceOption = Device.auto,
    form: Annotated[ScoreFormat, typer.Option("--format")] = (ScoreFormat.table),
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="OUT", help="Each file's record and verdicts, as JSON lines."
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    debug: DebugOption = False,
) -> None:
    """Read a labelled folder and say how much of it was right."""

    def work() -> ExitCode:
        settings = Settings(budget=parse_budget(budget) if budget else None)
        with ExitStack() as stack:
            stream = stack.enter_context(data_stream())
            lines = stack.enter_context(data_stream(out, overwrite)) if out else None
            from docextract.evaluation import Judge, load_labels, score_table, scores
            from docextract.report.tables import JsonLines, write_json
            from docextract.schema import load_schema

            beside = folder / truth
            labels = load_labels(beside if beside.exists() else truth, words(split))
            loaded = load_schema(given(schema))
            judge = Judge(
                loaded, labels, _pairs(renamed), "month first" if month_first else "day first"
            )
            if judge.not_scored:
                say(f"not scored: {', '.join(judge.not_scored)}")
            files = [str(folder / label.file) for label in labels]
            outcomes = read_each(files, loaded, settings, model, device)
            judged, done = [], []
            for label, outcome in zip(labels, outcomes, strict=True):
                if outcome.error:
                    complain(outcome.error)
                one = judge.judge(label, outcome)
                judged.append(one)
                done.append(outcome)
                if lines:
                    JsonLines(lines).write(
                        {**outcome.to_dict(), "split": label.split}
                        | {"truth": label.truth, "verdicts": one.verdicts}
                    )
            figures = scores(judged)
            if form is ScoreFormat.json:
                write_json(stream, {"schema": loaded.name, "model": model, "splits": figures})
            else:
                stream.write(score_table(figures) + "\n")
            return exit_code(done, strict=False)

    raise typer.Exit(run(work, debug))


def _pairs(text: str | None) -> dict[str, str]:
    pairs = [word.partition("=") for word in words(text)]
    if not all(theirs and ours for theirs, _, ours in pairs):
        raise UsageError(f"not a map: {text}", hint="write it like company=merchant_name,sum=total")
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
