"""The equivalences that make an engine trustworthy, and what a caller can do with it."""

import math
import threading
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from zamba2_vl.engine.engine import Engine
from zamba2_vl.engine.request import Constraint, Generation, Request, Token
from zamba2_vl.errors import InputError
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.paged import PAGE
from zamba2_vl.tokenizer import Tokenizer
from zamba2_vl.vision.windows import WindowLayout

Ask = Callable[..., Request]
Script = Callable[[str, set[int]], Constraint]
Build = Callable[..., Engine]


@pytest.fixture(params=[False, True], ids=["dense", "paged"])
def build(request: pytest.FixtureRequest) -> Build:
    """An engine as it runs on a processor, and as on CUDA."""
    return partial(Engine, paged=request.param)


def unequal(ask: Ask, **settings: object) -> list[Request]:
    return [
        ask("What is the total?", (3, 5), max_new_tokens=9, **settings),
        ask("?", max_new_tokens=14, **settings),
        ask("Compare them, line by line.", (2, 2), (1, 6), max_new_tokens=5, **settings),
        ask("Who", (5, 4), max_new_tokens=1, **settings),
        ask("And now for something longer " * 3, max_new_tokens=11, **settings),
    ]


def same(ours: Generation, theirs: Generation) -> None:
    assert ours.token_ids == theirs.token_ids
    assert ours.text == theirs.text
    assert ours.finish_reason == theirs.finish_reason
    np.testing.assert_allclose(ours.logprobs, theirs.logprobs, atol=1e-4)


@torch.inference_mode()
def one_pass(model: VisionLanguageModel, request: Request, answer: list[int]) -> torch.Tensor:
    """Log-probabilities at every position of the answer, from one pass without any state."""
    layouts = [
        WindowLayout.for_grid(grid.height, grid.width, model.vision_tower.config)
        for grid in request.images
    ]
    patches = [
        layout.pack(grid.patches)[None]
        for grid, layout in zip(request.images, layouts, strict=True)
    ]
    ids = torch.tensor([[*request.prompt, *answer]])
    logits = model(ids, patches, layouts)[0, len(request.prompt) - 1 : -1]
    return logits.log_softmax(-1)


def test_prefill_and_steps_are_one_pass(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    for request in unequal(ask):
        (answer,) = build(model, tokenizer).run([request])
        whole = one_pass(model, request, answer.token_ids)
        assert answer.token_ids == whole.argmax(-1).tolist()
        np.testing.assert_allclose(answer.logprobs, whole.amax(-1), atol=1e-4)
        assert answer.finish_reason == "length"
        assert answer.prompt_tokens == len(request.prompt)


@pytest.mark.parametrize("chunk", [7, 37])
def test_chunked_prefill_is_whole_prefill(
    chunk: int, build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    whole, chunked = build(model, tokenizer), build(model, tokenizer, chunk=chunk)
    for request in unequal(ask):
        same(chunked.run([request])[0], whole.run([request])[0])


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
def test_a_batch_of_n_is_n_batches_of_one(
    slots: int, build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    alone = [build(model, tokenizer).run([request])[0] for request in unequal(ask)]
    together = build(model, tokenizer, slots=slots, chunk=16).run(unequal(ask))
    for ours, theirs in zip(together, alone, strict=True):
        same(ours, theirs)


def test_a_request_may_choose_in_its_own_way(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    contrary = [ask(request, weigh=torch.neg, max_new_tokens=6) for request in ("Which?", "Who?")]
    plain = unequal(ask)
    together = build(model, tokenizer, slots=4).run([contrary[0], *plain, contrary[1]])
    for request, answer in zip(contrary, (together[0], together[-1]), strict=True):
        said = one_pass(model, request, answer.token_ids)
        assert answer.token_ids == said.argmin(-1).tolist()
        np.testing.assert_allclose(answer.logprobs, said.amin(-1), atol=1e-4)
    for alone, answer in zip(
        build(model, tokenizer, slots=1).run(plain), together[1:-1], strict=True
    ):
        same(alone, answer)


def test_a_seed_gives_the_same_answer_whatever_the_neighbours(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    settings = {"temperature": 0.9, "top_p": 0.95, "seed": 3}
    alone = [build(model, tokenizer).run([r])[0] for r in unequal(ask, **settings)]
    together = build(model, tokenizer, slots=3).run(unequal(ask, **settings))
    for ours, theirs in zip(together, alone, strict=True):
        same(ours, theirs)
    other = build(model, tokenizer).run(unequal(ask, **{**settings, "seed": 4}))
    assert any(a.token_ids != b.token_ids for a, b in zip(alone, other, strict=True))


@pytest.mark.parametrize("slots", [1, 4])
def test_forced_tokens_are_read_like_any_others(
    slots: int,
    build: Build,
    model: VisionLanguageModel,
    tokenizer: Tokenizer,
    ask: Ask,
    script: Script,
) -> None:
    written = '{"merchant":"Corner Shop","total":"12.50 €"}'
    choices = {0, *range(13, 24), *range(37, 43)}
    scripted = [ask("Fields?", (2, 3), constraint=script(written, choices)) for _ in range(2)]
    requests = [scripted[0], ask("Hi", max_new_tokens=12), scripted[1]]
    first, free, last = build(model, tokenizer, slots=slots).run(requests)
    same(free, build(model, tokenizer).run([ask("Hi", max_new_tokens=12)])[0])
    same(first, last)
    assert first.text == written
    assert first.finish_reason == "stop"
    assert [not forced for forced in first.forced] == [
        place in choices for place in range(len(first.token_ids))
    ]
    whole = one_pass(model, scripted[0], first.token_ids)
    expected = whole.gather(-1, torch.tensor(first.token_ids)[:, None])[:, 0]
    expected[torch.tensor(first.forced)] = 0
    np.testing.assert_allclose(first.logprobs, expected, atol=1e-4)


def test_the_memory_is_used_again(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    engine = build(model, tokenizer, slots=2)
    first = engine.run(unequal(ask))
    for ours, theirs in zip(engine.run(unequal(ask)), first, strict=True):
        same(ours, theirs)


def test_requests_may_arrive_at_any_time(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    requests = unequal(ask)
    alone = [build(model, tokenizer).run([request])[0] for request in requests]
    engine = build(model, tokenizer, slots=3, chunk=16)
    answers = []
    for request in requests:
        answers.append(engine.submit(request))
        engine.step()
        engine.step()
    while not all(answer.finished for answer in answers):
        engine.step()
    for answer, theirs in zip(answers, alone, strict=True):
        same(answer.result(), theirs)


def test_threads_share_the_steps(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    requests = unequal(ask)
    alone = [build(model, tokenizer).run([request])[0] for request in requests]
    engine = build(model, tokenizer, slots=4)
    results: dict[int, Generation] = {}

    def work(index: int) -> None:
        results[index] = engine.run([requests[index]])[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, theirs in enumerate(alone):
        same(results[index], theirs)


def test_an_end_token_ends_the_answer(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    (free,) = build(model, tokenizer).run([ask("Hi", max_new_tokens=10)])
    end = free.token_ids[4]
    place = free.token_ids.index(end)
    request = ask("Hi", max_new_tokens=10, end_tokens=frozenset({end}))
    (answer,) = build(model, tokenizer).run([request])
    assert answer.finish_reason == "stop"
    assert answer.token_ids == free.token_ids[: place + 1]
    assert answer.text == tokenizer.decode(free.token_ids[:place])


def test_a_stream_says_what_the_answer_says(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    (answer,) = build(model, tokenizer).run([ask("Hi", (2, 3), max_new_tokens=30)])
    heard: list[Token] = []
    stream = build(model, tokenizer).stream(
        ask("Hi", (2, 3), max_new_tokens=30, on_token=heard.append)
    )
    tokens = list(stream)
    assert [token.id for token in tokens] == answer.token_ids
    assert "".join(token.text for token in tokens) == answer.text
    assert heard == tokens


def test_a_closed_stream_frees_its_place(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    engine = build(model, tokenizer, slots=1)
    stream = engine.stream(ask("Hi", max_new_tokens=1000))
    next(stream)
    stream.close()
    (answer,) = engine.run([ask("Hi", max_new_tokens=2)])
    assert len(answer.token_ids) == 2


def test_cancelling_leaves_the_neighbours_alone(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    requests = unequal(ask)
    alone = [build(model, tokenizer).run([request])[0] for request in requests]
    engine = build(model, tokenizer, slots=3)
    answers = [engine.submit(request) for request in requests]
    for _ in range(3):
        engine.step()
    answers[1].cancel()
    answers[4].cancel()
    while not all(answer.finished for answer in answers):
        engine.step()
    cut = answers[1].result()
    assert cut.finish_reason == "cancelled"
    assert cut.token_ids == alone[1].token_ids[: len(cut.token_ids)]
    assert answers[4].result().token_ids == []
    for index in (0, 2, 3):
        same(answers[index].result(), alone[index])


def test_a_listener_that_raises_ends_its_own_request_alone(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    def refuse(token: Token) -> None:
        raise TimeoutError("enough")

    engine = build(model, tokenizer)
    neighbour = engine.submit(ask("Hi", max_new_tokens=6))
    with pytest.raises(TimeoutError, match="enough"):
        engine.run([ask("Ho", max_new_tokens=6, on_token=refuse)])
    while not neighbour.finished:
        engine.step()
    same(neighbour.result(), build(model, tokenizer).run([ask("Hi", max_new_tokens=6)])[0])


def test_an_interrupt_ends_everything_and_leaves_a_usable_engine(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    def interrupt(token: Token) -> None:
        raise KeyboardInterrupt

    engine = build(model, tokenizer)
    neighbour = engine.submit(ask("Hi", max_new_tokens=6))
    with pytest.raises(KeyboardInterrupt):
        engine.run([ask("Ho", max_new_tokens=6, on_token=interrupt)])
    assert neighbour.finish_reason == "cancelled"
    same(
        engine.run([ask("Hi", max_new_tokens=6)])[0],
        build(model, tokenizer).run([ask("Hi", max_new_tokens=6)])[0],
    )


def test_a_text_only_model_answers_too(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    (alone,) = build(model.language_model, tokenizer).run([ask("Hi", max_new_tokens=6)])
    same(alone, build(model, tokenizer).run([ask("Hi", max_new_tokens=6)])[0])
    with pytest.raises(InputError, match="text only"):
        build(model.language_model, tokenizer).run([ask("Hi", (1, 1))])


def test_without_a_tokenizer_there_are_ids_alone(
    build: Build, model: VisionLanguageModel, ask: Ask
) -> None:
    (answer,) = build(model).run([ask("Hi", max_new_tokens=3)])
    assert (len(answer.token_ids), answer.text) == (3, "")
    with pytest.raises(InputError, match="tokenizer"):
        build(model).run([ask("Hi", stop=["x"])])


def test_prompts_that_do_not_fit_are_refused(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    engine = build(model, tokenizer)
    pictures = ask("Hi", (2, 2))
    with pytest.raises(InputError, match="4 image tokens, its pictures give 0"):
        engine.submit(Request(prompt=pictures.prompt))
    with pytest.raises(InputError, match="outside the vocabulary"):
        engine.submit(Request(prompt=[100_000]))
    with pytest.raises(InputError, match="slots"):
        build(model, tokenizer, slots=0)


def test_questions_about_one_page_read_it_once(
    build: Build,
    model: VisionLanguageModel,
    tokenizer: Tokenizer,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = (9, 8), (2, 3)
    # `ask` draws the same pixels for questions of the same length.
    questions = [ask(question, *sizes, max_new_tokens=7) for question in ("Who?", "Why?", "How?")]
    alone = [build(model, tokenizer).run([question])[0] for question in questions]
    looks: list[int] = []
    plain = model.vision_tower.forward

    def look(patches: torch.Tensor, layout: WindowLayout) -> torch.Tensor:
        looks.append(patches.shape[1])
        return plain(patches, layout)

    monkeypatch.setattr(model.vision_tower, "forward", look)
    engine = build(model, tokenizer, slots=2)
    for ours, theirs in zip(engine.run(questions), alone, strict=True):
        same(ours, theirs)
    again = engine.run(questions[:1])[0]
    same(again, alone[0])
    assert looks == [4 * 72, 4 * 6]
    assert again.timings.vision == 0
    other = ask("Where?", *sizes, max_new_tokens=7)
    same(engine.run([other])[0], build(model, tokenizer).run([other])[0])
    assert len(looks) == 6


def test_requests_wait_until_pages_are_free(
    model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    requests = unequal(ask)
    alone = [Engine(model, tokenizer).run([request])[0] for request in requests]
    engine = Engine(model, tokenizer, slots=8, chunk=16, paged=True, tokens=3 * PAGE)
    answers = [engine.submit(request) for request in requests]
    begun: list[int] = []
    while not all(answer.finished for answer in answers):
        engine.step()
        now = [i for i, answer in enumerate(answers) if answer.clock.first_token is not None]
        begun += [i for i in now if i not in begun]
    # Nobody overtakes.
    assert begun == sorted(begun)
    for answer, theirs in zip(answers, alone, strict=True):
        same(answer.result(), theirs)


def test_what_could_never_fit_is_refused(
    model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    engine = Engine(model, tokenizer, paged=True, tokens=2 * PAGE)
    with pytest.raises(InputError, match="128"):
        engine.submit(ask("Hi", max_new_tokens=2 * PAGE))
    (answer,) = engine.run([ask("Hi", max_new_tokens=5)])
    assert answer.finish_reason == "length"


def test_training_may_follow_on_a_page_of_the_same_shape(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    request = ask("Hi", (7, 9), max_new_tokens=1)
    build(model, tokenizer).run([request])
    layout = WindowLayout.for_grid(14, 18, model.vision_tower.config)
    features = model.vision_tower(layout.pack(request.images[0].patches)[None], layout)
    (gradient,) = torch.autograd.grad(features.sum(), [model.vision_tower.patch_embed.proj.weight])
    assert gradient.isfinite().all()


def test_times_add_up(
    build: Build, model: VisionLanguageModel, tokenizer: Tokenizer, ask: Ask
) -> None:
    (answer,) = build(model, tokenizer, chunk=4).run([ask("Hi", (2, 2), max_new_tokens=4)])
    times = answer.timings
    assert min(times.vision, times.prefill) > 0
    assert times.vision + times.prefill <= times.first_token
    assert math.isclose(times.first_token + times.decode, times.total)
