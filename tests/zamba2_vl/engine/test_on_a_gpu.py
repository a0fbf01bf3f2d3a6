"""The engine's equivalences where its kernels and graphs are: the bundled model on a GPU."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zamba2_vl.api import Zamba2VL
from zamba2_vl.engine.engine import Engine
from zamba2_vl.engine.request import Constraint, Generation, Request

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[3]
ASKED = "<|extract|>"
Run = Callable[..., list[Generation]]
Script = Callable[..., Constraint]


@pytest.fixture(scope="module")
def bundled() -> Zamba2VL:
    return Zamba2VL.from_pretrained(ROOT / "model" / "weights", "cuda", torch.float32)


@pytest.fixture(scope="module")
def run(bundled: Zamba2VL) -> Run:
    """The answers of an engine made as wanted."""

    def answers(requests: Sequence[Request], **settings: object) -> list[Generation]:
        engine = Engine(bundled.model, bundled.tokenizer, **settings)  # type: ignore[arg-type]
        return engine.run(requests)

    return answers


def unequal(model: Zamba2VL, **settings: object) -> list[Request]:
    """Questions and answers of different length about a receipt at different sizes."""
    with Image.open(ROOT / "samples" / "receipt.jpg") as picture:
        whole = picture.convert("L")
    sizes = [(6, 9), (3, 4), (11, 7), (18, 30), (20, 41)]
    fields = ["total", "merchant_name,merchant_address", "date,time", "total,date", "currency"]
    return [
        model.request(
            ASKED + asked,
            [np.asarray(whole.resize((28 * columns, 28 * rows)))],
            max_new_tokens=9 + 12 * place,
            **settings,  # type: ignore[arg-type]
        )
        for place, ((columns, rows), asked) in enumerate(zip(sizes, fields, strict=True))
    ]


def same(ours: Sequence[Generation], theirs: Sequence[Generation]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert one.token_ids == other.token_ids
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-3)


def test_graphs_are_eager_steps(bundled: Zamba2VL, run: Run) -> None:
    same(run(unequal(bundled)), run(unequal(bundled), captures=False))


def test_pages_are_rows_without_gaps(bundled: Zamba2VL, run: Run) -> None:
    same(run(unequal(bundled)), run(unequal(bundled), paged=False))


@pytest.mark.parametrize("slots", [2, 8])
def test_a_batch_is_its_requests_alone(slots: int, bundled: Zamba2VL, run: Run) -> None:
    alone = [run([request], slots=1)[0] for request in unequal(bundled)]
    same(run(unequal(bundled), slots=slots), alone)


@pytest.mark.parametrize("chunk", [37, 256])
def test_chunked_prompts_are_whole_prompts(chunk: int, bundled: Zamba2VL, run: Run) -> None:
    same(run(unequal(bundled), chunk=chunk), run(unequal(bundled)))


def test_the_card_answers_as_the_processor(bundled: Zamba2VL, run: Run) -> None:
    processor = Zamba2VL.from_pretrained(ROOT / "model" / "weights", "cpu")
    same(run(unequal(bundled)), processor.generate_batch(unequal(processor)))


def test_a_seed_draws_the_same_beside_others(bundled: Zamba2VL, run: Run) -> None:
    # Not hotter: among many tokens that are as unlikely, rounding decides which a number draws.
    settings = {"temperature": 2.0, "top_p": 0.98, "seed": 5}
    alone = [run([request], slots=1)[0] for request in unequal(bundled, **settings)]
    same(run(unequal(bundled, **settings)), alone)
    greedy = run(unequal(bundled))
    assert [a.token_ids for a in alone] != [a.token_ids for a in greedy]


def test_a_page_seen_before_is_answered_as_when_it_was_new(bundled: Zamba2VL) -> None:
    engine = Engine(bundled.model, bundled.tokenizer)
    same(engine.run(unequal(bundled)), engine.run(unequal(bundled)))


def test_what_a_grammar_forces_is_read_in_one_pass(
    bundled: Zamba2VL, run: Run, script: Script
) -> None:
    text = '{"total":"12.50","date":"2024-02-29"}'
    choices = [set(range(len(text))), {10, 11, 12}, set(), {0}, {len(text) - 1}]

    def held() -> list[Request]:
        return [
            Request(
                prompt=request.prompt,
                images=request.images,
                constraint=script(text, places, bundled.tokenizer),
            )
            for request, places in zip(unequal(bundled), choices, strict=True)
        ]

    together = run(held())
    assert [answer.text for answer in together] == [text] * len(choices)
    same(together, [run([request], slots=1)[0] for request in held()])
