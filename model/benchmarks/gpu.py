"""`python -m benchmarks.gpu`: first token, decoding, documents and memory of this engine, of
transformers' Zamba2 and of the peers' language models on one card in one run, beside the floors
that the card itself sets. Prints a line as soon as it is measured and the table at the end; judges
nothing.

Weights are random. Floors: multiply-adds of the prompt over the rate of a large matrix product, a
shared block as often as it runs; bytes of a decoding step's weights over the bandwidth, a shared
block's at every use, and of a batch the states, keys and values too.
"""

import argparse
import json
import sys
import traceback
from argparse import RawTextHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.measuring import Bench, Plan, Result
from benchmarks.published import PEERS, SIZES, zamba2_vl
from benchmarks.table import table
from benchmarks.usual import mamba_ssm_version
from training.bundled import configuration
from zamba2_vl.config import Quantization

TINY_PEER = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 128,
}


def contenders(bench: Bench, rehearse: bool) -> dict[str, tuple[Result, Callable[[Result], None]]]:
    """By the name that `--models` takes: who is measured, and how."""
    entries: dict[str, tuple[Result, Callable[[Result], None]]] = {}
    sizes = {"tiny": configuration(tiny=True)} if rehearse else {n: zamba2_vl(n) for n in SIZES}
    for size, whole in sizes.items():
        name = f"Zamba2-{size}"
        entries[f"ours:{size}"] = Result(name, "ours"), partial(bench.ours, whole=whole)
        reference = partial(bench.reference, config=whole)
        entries[f"reference:{size}"] = Result(name, "transformers"), reference
        for bits in (8, 4):
            held = replace(whole, quantization=Quantization(bits, 8))
            result = Result(name, f"ours, {bits} bits")
            entries[f"int{bits}:{size}"] = result, partial(bench.ours, whole=held)
    for name, (kind, options) in PEERS.items():
        if rehearse:
            options = {**options, **TINY_PEER}
        entries[name] = (
            Result(name, "transformers"),
            partial(bench.peer, kind=kind, options=options),
        )
    return entries


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. 1 where something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RawTextHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", metavar="M", help="1.2B, ours:2.7B, Qwen3-VL-2B, ..."
    )
    parser.add_argument("--lengths", type=_numbers, help="of prompts: 1024,4096")
    parser.add_argument("--seconds", type=float, help="for one figure")
    parser.add_argument("--steps", type=int, help="of decoding that are timed")
    parser.add_argument("--json", type=Path, help="also write everything here")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer figures, each measured less: within a minute a model",
    )
    parser.add_argument("--rehearse", action="store_true", help="tiny models, on the CPU too")
    given = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not given.rehearse:
        parser.error("there is no CUDA device: --rehearse goes through every stage without one")
    plan = Plan.rehearsal() if given.rehearse else Plan.quick() if given.quick else Plan()
    chosen = {"lengths": given.lengths, "seconds": given.seconds, "steps": given.steps}
    plan = replace(plan, **{name: value for name, value in chosen.items() if value is not None})
    torch.manual_seed(0)
    with torch.inference_mode():
        bench = Bench(device, plan)
        print(
            f"{bench.card}; torch {torch.__version__}, mamba-ssm {mamba_ssm_version()}", flush=True
        )
        results: list[Result] = []
        for name, (result, fill) in contenders(bench, given.rehearse).items():
            if given.models and not {name, name.partition(":")[2]} & set(given.models):
                continue
            results.append(result)
            try:
                fill(result)
            except Exception as error:
                traceback.print_exc()
                result.failed = f"{type(error).__name__}: {error}".splitlines()[0]
            bench.forget()
            if given.json is not None:
                record = {"card": asdict(bench.card), "plan": asdict(plan), "results": results}
                given.json.write_text(json.dumps(record, default=asdict, indent=1) + "\n")
    print("\n" + table(results, plan))
    return int(any(result.failed for result in results))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
