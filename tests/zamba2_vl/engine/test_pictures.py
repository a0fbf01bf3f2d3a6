from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from zamba2_vl.engine.pictures import Pictures
from zamba2_vl.engine.prefix import Prefix
from zamba2_vl.engine.request import Answer, Request
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.vision.encoder import Layout

Ask = Callable[..., Request]


@pytest.fixture
def answers(model: VisionLanguageModel, ask: Ask) -> list[Answer]:
    """Questions about pictures, the second and the last about the same one."""
    questions = [("A", (2, 3)), ("BB", (4, 1)), ("CCC", (2, 3), (4, 1)), ("??", (4, 1))]
    asked = [Answer(ask(question, *sizes), None) for question, *sizes in questions]
    for answer in asked:
        request, token = answer.request, model.config.image_token_index
        answer.prefix = Prefix.of(request.prompt, request.images, token)
    return asked


@pytest.fixture
def calls(model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures the model saw at each call."""
    seen: list[int] = []
    plain = model.embed_images

    def counted(patches: list[Tensor], layouts: list[Layout]) -> Tensor:
        seen.append(len(patches))
        return plain(patches, layouts)

    monkeypatch.setattr(model, "embed_images", counted)
    return seen


@torch.inference_mode()
def test_pictures_are_seen_together(
    model: VisionLanguageModel, answers: list[Answer], calls: list[int]
) -> None:
    first, *others = answers
    alone = [Pictures(model, 0).take(answer, others) for answer in answers]
    assert calls == [1] * 5
    calls.clear()
    pictures = Pictures(model, 1000)
    together = [pictures.take(first, others), *(pictures.take(one, []) for one in others[:2])]
    assert calls == [4]
    for ours, theirs in zip(together, alone, strict=False):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    # Nobody looks twice at the same pages.
    pictures.take(others[2], [])
    assert calls == [4, 1]


@torch.inference_mode()
def test_no_more_is_seen_than_there_is_room_for(
    model: VisionLanguageModel, answers: list[Answer], calls: list[int]
) -> None:
    first, second, third, _ = answers
    pictures = Pictures(model, 4 * (6 + 4))
    pictures.take(first, [second, third])
    assert calls == [2]
    pictures.take(second, [])
    assert calls == [2]
    pictures.take(third, [])
    assert calls == [2, 2]


@torch.inference_mode()
def test_what_is_forgotten_is_seen_again(
    model: VisionLanguageModel, answers: list[Answer], calls: list[int]
) -> None:
    first, second, *_ = answers
    pictures = Pictures(model, 1000)
    pictures.take(first, [second])
    pictures.forget(second)
    pictures.take(second, [])
    assert calls == [2, 1]
