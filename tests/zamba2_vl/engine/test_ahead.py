import pytest
import torch

import zamba2_vl.engine.ahead as ahead
from zamba2_vl.engine.ahead import StepsAhead
from zamba2_vl.engine.pages import PagedCache
from zamba2_vl.engine.request import Answer, Request
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import Decoder


@pytest.fixture
def decoder(model: VisionLanguageModel) -> Decoder:
    return model.language_model


def opened(decoder: Decoder, rows: int, tokens: int) -> PagedCache:
    """A memory all of whose rows are open."""
    memory = PagedCache(decoder.config, torch.device("cpu"), torch.float32)
    memory.grow(rows, [tokens] * (rows + 1))
    for row in range(memory.rows):
        assert memory.open(row, tokens) is not None
    return memory


@torch.inference_mode()
@pytest.mark.parametrize(
    ("tokens", "passes"),
    [
        (1, [32]),
        (33, [64]),
        (129, [256]),
        (260, [384]),
        (600, [512, 128]),
        (870, [768, 128]),
        (970, [1024]),
    ],
)
def test_a_prompt_is_read_in_passes_that_are_hardly_padded(
    tokens: int, passes: list[int], decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = opened(decoder, 1, 1000)
    embeds = torch.randn(1, tokens, decoder.config.hidden_size)
    whole = decoder.logits(decoder(embeds)[:, -1])
    lengths: list[int] = []
    plain = decoder.model.forward

    def counted(embeds: torch.Tensor, *rest: object) -> torch.Tensor:
        lengths.append(embeds.shape[1])
        return plain(embeds, *rest)

    monkeypatch.setattr(decoder.model, "forward", counted)
    logits = StepsAhead(decoder, memory, captures=False).read(embeds)
    torch.testing.assert_close(logits, whole, atol=1e-4, rtol=1e-4)
    assert lengths == passes
    assert memory.last.filled.tolist() == memory.last.places.tolist() == [tokens]


@torch.inference_mode()
def test_a_long_chunk_is_read_as_it_is(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_LONG", 70)
    memory = opened(decoder, 1, 200)
    steps = StepsAhead(decoder, memory, captures=False)
    embeds = torch.randn(1, 170, decoder.config.hidden_size)
    logits = [steps.read(part) for part in embeds.split([80, 20, 70], dim=1)]
    for end, ours in zip((80, 100, 170), logits, strict=True):
        whole = decoder.logits(decoder(embeds[:, :end])[:, -1])
        torch.testing.assert_close(ours, whole, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_host_hears_of_a_token_while_the_device_reads_it(decoder: Decoder) -> None:
    memory = opened(decoder, 2, 200)
    steps = StepsAhead(decoder, memory, captures=False)
    answers = [Answer(Request(prompt=[1], max_new_tokens=9), None) for _ in range(2)]
    answers[0].unread += range(20)
    answers[1].unread.append(7)
    steps.step(answers)
    assert memory.first(2).filled.tolist() == [20, 1]
    assert [answer.clock.first_token for answer in answers] == [None, None]
    steps.step(answers)
    assert memory.first(2).filled.tolist() == [21, 2]
    assert [answer.unread for answer in answers] == [[], []]
    assert all(answer.clock.first_token is not None for answer in answers)
    steps.settle()
    # What is chosen now is known, and has not been read yet.
    assert [len(answer.unread) for answer in answers] == [1, 1]
    assert memory.first(2).filled.tolist() == [21, 2]


@torch.inference_mode()
def test_more_than_a_pass_holds_is_read_in_several(decoder: Decoder) -> None:
    memory = opened(decoder, 1, 200)
    steps = StepsAhead(decoder, memory, captures=False)
    answer = Answer(Request(prompt=[1], max_new_tokens=9), None)
    answer.unread += range(40)
    steps.step([answer])
    assert memory.first(1).filled.tolist() == [32]
    steps.step([answer])
    assert memory.first(1).filled.tolist() == [40]
    steps.settle()
    logits = decoder.logits(decoder(decoder.embed(torch.arange(40)[None]))[:, -1])
    assert answer.unread == logits.argmax(-1).tolist()
