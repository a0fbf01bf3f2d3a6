"""Scores as lines of text for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docextract.evaluation.judging import CORRECT, Judged, Verdict

_RARE = 0.1
"""A field that a smaller share of the files has stands in a table among all others alone."""

_HEAD = (
    f"  {'field':<22}{'accuracy':>9}{'95 % interval':>17}{'precision':>11}{'recall':>8}{'F1':>7}"
    f"{'right':>7}{'wrong':>7}{'missed':>8}{'invented':>10}{'absent':>8}"
)


def score_table(figures: Mapping[str, Any]) -> str:
    """The scores of `scores`, a block for each split."""
    return "\n".join(line for split, figure in figures.items() for line in _block(split, figure))


def _block(split: str, figure: Mapping[str, Any]) -> Iterator[str]:
    unreadable = f", {figure['unreadable']} unreadable" if figure["unreadable"] else ""
    yield f"{split}: {figure['files']} files{unreadable}, {figure['review']} to review"
    yield _HEAD
    for name in _frequent(figure):
        yield _line(name, figure["fields"][name])
    if figure["values"]:
        yield _line(f"all {len(figure['fields'])} fields", figure["values"])
    for name, rows in figure["rows"].items():
        yield _line(f"{name}, rows", rows)
    low, high = figure["whole_interval"]
    yield f"  whole documents {figure['whole']:.1%} ({low:.1%} – {high:.1%})"
    if calibration := figure["calibration"]:
        yield (
            f"  confidence: {calibration['values']} values, calibration error "
            f"{calibration['ece']:.3f}, Brier score {calibration['brier']:.3f}"
        )
        yield "  " + "; ".join(map(_sure, calibration["above"]))
    if seconds := figure["seconds"]:
        yield f"  {seconds['document']:.2f} s a document, {seconds['page']:.2f} s a page"


def _sure(above: Mapping[str, Any]) -> str:
    right = _percent(above["right"])
    return f"at least {above['confidence']:g} sure: {above['share']:.0%}, {right} right"


def _frequent(figure: Mapping[str, Any]) -> list[str]:
    least = _RARE * figure["files"]
    return [name for name, field in figure["fields"].items() if field["values"] > least]


def _line(name: str, field: Mapping[str, Any]) -> str:
    low, high = field["interval"]
    similar = f"   similar {field['similar']:.1%}" if "similar" in field else ""
    grouped = f"   by group {field['by_group']:.1%}" if "by_group" in field else ""
    return (
        f"  {name:<22}{field['accuracy']:>9.1%}{low:>9.1%} –{high:>6.1%}"
        f"{_percent(field['precision']):>11}{_percent(field['recall']):>8}{field['f1']:>7.3f}"
        f"{field['right']:>7}{field['wrong']:>7}{field['missed']:>8}"
        f"{field['invented']:>10}{field['absent']:>8}{similar}{grouped}"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def budget_table(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """What each budget costs and gives: a line for each of several runs' scores, by budget."""
    lines = []
    for split in next(iter(runs.values())):
        fields = list(dict.fromkeys(n for run in runs.values() for n in _frequent(run[split])))
        lines.append(f"{split}, by budget")
        heads = "".join(f"{name:>{len(name) + 2}}" for name in fields)
        lines.append(f"  {'budget':<10}{'s a page':>9}{'F1':>8}{'whole':>8}{heads}")
        for budget, scored in runs.items():
            figure = scored[split]
            seconds = f"{figure['seconds']['page']:.2f}" if figure["seconds"] else "–"
            cells = "".join(
                f"{figure['fields'][name]['accuracy']:>{len(name) + 2}.1%}" for name in fields
            )
            shares = f"{figure['micro_f1']:>8.3f}{figure['whole']:>8.1%}{cells}"
            lines.append(f"  {budget:<10}{seconds:>9}{shares}")
    return "\n".join(lines)


def worst_cases(judged: Sequence[Judged], most: int) -> str:
    """The files with the most faults, and what stands in them instead of what was read."""
    faulty = sorted((one for one in judged if _faults(one)), key=_faults, reverse=True)
    lines = []
    for one in faulty[:most]:
        lines.append(f"{one.label.file}: {_faults(one)} of {_looked_at(one)} wrong")
        if one.outcome.error:
            lines.append(f"  {one.outcome.error.message}")
            continue
        for path, verdict in one.verdicts.items():
            if verdict not in CORRECT:
                printed = _read(one, path)
                sure = f"{one.confidences[path]:.2f}" if path in one.confidences else ""
                truth = one.truths[path]
                lines.append(f"  {path:<22}{verdict:<9}{sure:>5}  {printed!r} for {truth!r}")
        for path, rows in one.rows.items():
            if wrong := sum(verdict not in CORRECT for verdict in rows):
                lines.append(f"  {path:<22}{wrong} of {len(rows)} rows")
    return "\n".join(lines)


def _read(one: Judged, path: str) -> str | None:
    extraction = one.outcome.extraction
    return extraction.fields[path].text if extraction else None


def _all(one: Judged) -> list[Verdict]:
    return [*one.verdicts.values(), *(verdict for rows in one.rows.values() for verdict in rows)]


def _faults(one: Judged) -> int:
    return sum(verdict not in CORRECT for verdict in _all(one))


def _looked_at(one: Judged) -> int:
    return len(_all(one))
