import importlib.util
import json
from pathlib import Path

import pytest

PATH = Path(__file__).with_name("fuzzing.py")
SAMPLES = PATH.parents[1] / "samples"
SEEDS = {
    "pages": [(SAMPLES / "invoice.pdf").read_bytes(), (SAMPLES / "receipt.jpg").read_bytes()],
    "answer": [b'{"total": "9.00", "line_items": [{"amount": "9.00"', b"```json\n{}\n```"],
    "schema": [b"total money, lines[name]", json.dumps({"properties": {"a": {}}}).encode()],
    "checkpoint": [b"c{}", b"m" + (8).to_bytes(8, "little") + b"{}      "],
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_target_takes_whole_seeds_torn_ones_and_nothing(name: str) -> None:
    spec = importlib.util.spec_from_file_location("fuzzing", PATH)
    assert spec and spec.loader
    fuzzing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzzing)
    assert set(fuzzing.TARGETS) == set(SEEDS)
    target = fuzzing.TARGETS[name]()
    for seed in SEEDS[name]:
        for data in (seed, seed[: len(seed) // 2], b""):
            target(data)
