"""Results as a table. `python -m benchmarks.table FILE...` prints those of several runs in one."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import Plan, Result


def table(results: Sequence[Result], plan: Plan) -> str:
    """In Markdown, a line a model; figures with an `x` are ratios to floors."""
    head = ["model", "stack", *(f"{n} ms" for n in plan.lengths)]
    head += ["GiB", "step ms", f"step of {plan.batch} ms", "tokens/s", "x one"]
    head += ["document s", f"{plan.batch}, 1/s"]
    lines = [head, ["---"] * len(head), *(_line(result, plan) for result in results)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _line(result: Result, plan: Plan) -> list[str]:
    one, several = result.step.get(1), result.step.get(plan.batch)
    return [
        result.model,
        result.stack,
        *(_timed(result.first_token.get(n), result.first_token_floor.get(n)) for n in plan.lengths),
        _shown(result.peak and result.peak / 2**30),
        _timed(one, result.step_floor.get(1)),
        _timed(several, result.step_floor.get(plan.batch)),
        _shown(several and plan.batch / several),
        _shown(one and several and plan.batch * one / several),
        _timed(result.document, result.document_floor, scale=1),
        _shown(result.documents and plan.batch / result.documents),
        *([f"failed: {result.failed}"] if result.failed else []),
    ]


def _timed(measured: float | None, floor: float | None, scale: float = 1e3) -> str:
    beside = f" ({measured / floor:.2f}x)" if measured and floor else ""
    return _shown(measured and measured * scale) + beside


def _shown(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.3g}"


def _result(stored: Mapping[str, Any]) -> Result:
    """As it was before it became JSON, which has no keys that are numbers."""
    numbered = {
        name: {int(key): figure for key, figure in value.items()}
        for name, value in stored.items()
        if isinstance(value, dict)
    }
    return Result(**{**stored, **numbered})


def main(files: Sequence[str]) -> None:
    """Print what `benchmarks.gpu --json` wrote."""
    runs = [json.loads(Path(file).read_text("utf-8")) for file in files]
    results = [_result(stored) for run in runs for stored in run["results"]]
    print(table(results, Plan(**runs[0]["plan"])))


if __name__ == "__main__":
    main(sys.argv[1:])
