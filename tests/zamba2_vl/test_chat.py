import json
from pathlib import Path

import pytest

from zamba2_vl.chat import Chat, render
from zamba2_vl.errors import CheckpointError, InputError


def test_the_published_form() -> None:
    assert render("How much?", [2, 1]) == (
        "<|vision_start|><|image_pad|><|image_pad|><|vision_end|>"
        "<|vision_start|><|image_pad|><|vision_end|>"
        "<s>user\nHow much?</s>\n<s>assistant\n"
    )


def test_a_question_without_pictures() -> None:
    assert render("Hello") == "<s>user\nHello</s>\n<s>assistant\n"


def test_a_question_cannot_smuggle_pictures_in() -> None:
    with pytest.raises(InputError, match="image_pad"):
        render("<|image_pad|>", [1])


def test_the_checkpoints_own_template_is_followed(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"bos_token": {"content": "<b>"}}))
    (tmp_path / "chat_template.jinja").write_text(
        "{{ bos_token }}{% for message in messages %}\n"
        "  {% for part in message.content %}\n"
        "{% if part.type == 'image' %}[<img>]{% else %}{{ part.text }}{% endif %}\n"
        "  {% endfor %}\n"
        "{% endfor %}\n"
        "{% if add_generation_prompt %}>{% endif %}"
    )
    chat = Chat.from_folder(tmp_path, image_token="<img>")
    assert chat.render("why?", [3]) == "<b>[<img><img><img>]why?>"


def test_a_template_of_a_text_only_checkpoint_gets_the_words_alone(tmp_path: Path) -> None:
    template = "{% for message in messages %}{{ message['content'] }}!{% endfor %}"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    chat = Chat.from_folder(tmp_path, image_token=None)
    assert chat.render("hi") == "hi!"
    with pytest.raises(InputError, match="text only"):
        chat.render("hi", [4])


def test_named_templates(tmp_path: Path) -> None:
    named = [{"name": "tools", "template": "no"}, {"name": "default", "template": "yes"}]
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": named}))
    assert Chat.from_folder(tmp_path).render("?") == "yes"


def test_a_folder_without_a_template_speaks_the_published_form(tmp_path: Path) -> None:
    assert Chat.from_folder(tmp_path).render("?", [1]) == render("?", [1])


@pytest.mark.parametrize(
    "template",
    [
        "{% for %}",
        "{{ raise_exception('no') }}",
        "{{ messages.__class__.__mro__ }}",
        "no picture",
        "{{ messages.append(1) }}",
    ],
    ids=["syntax", "refusal", "escape", "pictures", "mutation"],
)
def test_templates_that_fail_are_the_checkpoints_fault(template: str, tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text(template)
    with pytest.raises(CheckpointError, match="template"):
        Chat.from_folder(tmp_path).render("?", [1])


def test_broken_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json"):
        Chat.from_folder(tmp_path)
