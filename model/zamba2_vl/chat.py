"""A question and its pictures in the words that the model was taught with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Self

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from zamba2_vl.errors import CheckpointError, InputError

IMAGE_TOKEN: Final = "<|image_pad|>"
VISION_START: Final = "<|vision_start|>"
VISION_END: Final = "<|vision_end|>"


def render(question: str, tokens_per_image: Sequence[int] = ()) -> str:
    """The published form of a conversation that waits for its answer.

    `tokens_per_image`: visual tokens of each picture, all of which stand before the question. The
    answer that follows ends with `</s>`. Raises InputError where the question itself holds an
    image token.
    """
    return Chat().render(question, tokens_per_image)


@dataclass(frozen=True)
class Chat:
    """How a checkpoint writes a conversation: by its own template, or else in the published form.

    `template`: Jinja source, rendered in a sandbox. `image_token`: the token that the embedding of
    one merge unit replaces, None for a text-only checkpoint; a template writes it once per picture.
    `special`: names that templates use for special tokens (`bos_token`, ...).
    """

    template: str | None = None
    image_token: str | None = IMAGE_TOKEN
    special: Mapping[str, str] | None = None

    @classmethod
    def from_folder(cls, folder: str | Path, image_token: str | None = IMAGE_TOKEN) -> Self:
        """Read the folder's chat template, wherever a published folder may keep it."""
        folder = Path(folder)
        settings = _read_json(folder / "tokenizer_config.json")
        special = {
            role: token["content"] if isinstance(token, dict) else token
            for role, token in settings.items()
            if role.endswith("_token") and isinstance(token, str | dict)
        }
        return cls(_template(folder, settings), image_token, special)

    def render(self, question: str, tokens_per_image: Sequence[int] = ()) -> str:
        """As the function `render`, by this checkpoint's template."""
        token = self.image_token
        if token is None and tokens_per_image:
            raise InputError("this checkpoint is text only: it takes no pictures")
        if token is not None and token in question:
            raise InputError(f"the question holds {token}, which stands for pictures")
        text = self._written(question, len(tokens_per_image))
        if token is None:
            return text
        head, *tails = text.split(token)
        if len(tails) != len(tokens_per_image):
            raise CheckpointError(
                f"the chat template writes {token} {len(tails)} times for "
                f"{len(tokens_per_image)} pictures"
            )
        spread = (token * count + tail for count, tail in zip(tokens_per_image, tails, strict=True))
        return head + "".join(spread)

    def _written(self, question: str, images: int) -> str:
        """The conversation with one image token a picture."""
        if self.template is not None:
            return self._by_template(self.template, question, images)
        pictures = f"{VISION_START}{self.image_token}{VISION_END}" * images
        return f"{pictures}<s>user\n{question}</s>\n<s>assistant\n"

    def _by_template(self, template: str, question: str, images: int) -> str:
        content: Any = [{"type": "image"}] * images + [{"type": "text", "text": question}]
        if self.image_token is None:
            # Templates of text-only checkpoints know no list of parts.
            content = question
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        try:
            return environment.from_string(template).render(
                messages=[{"role": "user", "content": content}],
                add_generation_prompt=True,
                **(self.special or {}),
            )
        except jinja2.TemplateError as error:
            raise CheckpointError(f"the checkpoint's chat template fails: {error}") from error


def _template(folder: Path, settings: Mapping[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    named = _read_json(folder / "chat_template.json").get(
        "chat_template", settings.get("chat_template")
    )
    if isinstance(named, list):
        named = {entry["name"]: entry["template"] for entry in named}.get("default")
    return named if isinstance(named, str) else None


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object")
    return content


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
