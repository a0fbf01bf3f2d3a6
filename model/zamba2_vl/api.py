"""The front door: a checkpoint by its folder or hub id, questions in, answers out."""

import json
import re
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypedDict, Unpack

import torch

from zamba2_vl import checkpoint
from zamba2_vl.chat import Chat
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.engine.engine import Engine
from zamba2_vl.engine.request import Constraint, Generation, Request, Token, Weigh
from zamba2_vl.errors import CheckpointError, DeviceError, InputError, NotACheckpointError
from zamba2_vl.image import ImageProcessor, Picture
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.ops import measuring
from zamba2_vl.tokenizer import Tokenizer

HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
HUB_FILES: Final = ("*.json", "*.safetensors", "*.jinja")


class Settings(TypedDict, total=False):
    """How to continue a prompt; what each means stands at `Request`."""

    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop: Sequence[str]
    constraint: Constraint | None
    weigh: Weigh | None
    on_token: Callable[[Token], Any] | None


class Zamba2VL:
    """A loaded checkpoint that answers questions about pictures, or without any.

    One object may be shared by threads. `slots`: answers that are worked on at the same time.
    """

    def __init__(
        self,
        model: checkpoint.Model,
        tokenizer: Tokenizer,
        chat: Chat,
        images: ImageProcessor | None,
        end_tokens: frozenset[int],
        slots: int = 8,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.chat = chat
        self.images = images
        self.end_tokens = end_tokens
        self._engine = Engine(model, tokenizer, slots)

    @classmethod
    def from_pretrained(
        cls,
        folder_or_hub_id: str | Path,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        *,
        revision: str | None = None,
        slots: int = 8,
    ) -> Self:
        """Load a published Zamba2-VL or Zamba2 checkpoint, or one of the same layout.

        A folder is read and the network left alone. Only a name of the form `owner/model` whose
        first part is no local folder is a hub id: it is fetched through huggingface_hub, which
        honours HF_HUB_OFFLINE, HF_HOME and its other settings; `revision` is a branch, tag or
        commit there.

        `device`: `cpu`, `cuda`, `cuda:1`, ..., or `auto`, CUDA where there is any. `dtype`: float32
        on the CPU and bfloat16 elsewhere unless given.

        Raises CheckpointError or one of its kinds, ConfigError, DeviceError.
        """
        place = _device(device)
        folder = _folder(folder_or_hub_id, revision)
        if dtype is None:
            dtype = torch.float32 if place.type == "cpu" else torch.bfloat16
        config = Zamba2VLConfig.from_folder(folder)
        tokenizer = Tokenizer.from_folder(folder)
        chat, images = Chat.from_folder(folder, _image_token(tokenizer, config)), None
        if config.vision is not None:
            images = ImageProcessor.from_folder(folder, config.vision)
        model = checkpoint.load(folder, place, dtype)
        if place.type == "cuda":
            measuring.settle(place)
        return cls(model, tokenizer, chat, images, _end_tokens(folder, config, tokenizer), slots)

    def request(
        self, question: str, images: Sequence[Picture] = (), **settings: Unpack[Settings]
    ) -> Request:
        """A question and its pictures as the engine takes them.

        A picture is a Pillow image, a uint8 array of shape (H, W) or (H, W, 3), or a file's path.
        Raises InputError where a picture cannot be read or a setting makes no sense.
        """
        if images and self.images is None:
            raise InputError("this checkpoint is text only: it takes no pictures")
        grids = [] if self.images is None else [self.images(picture) for picture in images]
        prompt = self.tokenizer.encode(
            self.chat.render(question, [grid.tokens for grid in grids]),
            # The published usage lets the tokenizer add its `<s>` for Zamba2-VL and not for Zamba2.
            add_special_tokens=isinstance(self.model, VisionLanguageModel),
        )
        return Request(prompt=prompt, images=grids, end_tokens=self.end_tokens, **settings)

    def generate(
        self,
        question: str | Request,
        images: Sequence[Picture] = (),
        **settings: Unpack[Settings],
    ) -> Generation:
        """Answer a question, or a request made before; arguments as for `request`.

        Raises InputError, and whatever `on_token` or `constraint` raise.
        """
        return self._engine.run([self._request(question, images, settings)])[0]

    def generate_batch(self, questions: Sequence[str | Request]) -> list[Generation]:
        """Answer many at once, in their order."""
        return self._engine.run([self._request(question, (), {}) for question in questions])

    def stream(
        self,
        question: str | Request,
        images: Sequence[Picture] = (),
        **settings: Unpack[Settings],
    ) -> Generator[Token, None, Generation]:
        """The tokens of an answer as they come; the generator returns the whole.

        Closing the generator cancels the request.
        """
        return self._engine.stream(self._request(question, images, settings))

    def _request(
        self, question: str | Request, images: Sequence[Picture], settings: Settings
    ) -> Request:
        if isinstance(question, str):
            return self.request(question, images, **settings)
        if images or settings:
            raise InputError("a Request already holds its pictures and settings")
        return question


def _device(name: str | torch.device) -> torch.device:
    """Raises DeviceError where there is no such device."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"{name!r} names no device", "use cpu, cuda or auto") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"{name} is not available: PyTorch sees {torch.cuda.device_count()} CUDA devices",
            "use the CPU, or install a PyTorch build and a driver for CUDA",
        )
    return device


def _folder(name: str | Path, revision: str | None) -> Path:
    """The local folder of a checkpoint, fetched first if it was named by a hub id."""
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise NotACheckpointError(f"{path} is a file", "name the folder that holds config.json")
    if isinstance(name, Path) or not HUB_ID.fullmatch(name) or Path(path.parts[0]).exists():
        raise NotACheckpointError(
            f"there is no folder {path}",
            "name a folder that holds config.json and model.safetensors, or a hub id: owner/model",
        )
    return _fetch(name, revision)


def _fetch(hub_id: str, revision: str | None) -> Path:
    # Not needed for a local folder, and slow to import.
    import huggingface_hub

    try:
        return Path(
            huggingface_hub.snapshot_download(
                hub_id, revision=revision, allow_patterns=list(HUB_FILES)
            )
        )
    except Exception as error:  # those of the HTTP client, which differs between versions, too
        raise CheckpointError(
            f"there is no folder {hub_id}, and the hub does not give it: {error}",
            "check the name, the connection and HF_HUB_OFFLINE, or name a local folder",
        ) from error


def _image_token(tokenizer: Tokenizer, config: Zamba2VLConfig) -> str | None:
    if config.image_token_index is None:
        return None
    try:
        return tokenizer.token_of(config.image_token_index)
    except KeyError as error:
        raise CheckpointError(
            f"{tokenizer.path} lacks the image token of config.json, {config.image_token_index}"
        ) from error


def _end_tokens(folder: Path, config: Zamba2VLConfig, tokenizer: Tokenizer) -> frozenset[int]:
    """What generation_config.json says, or else the model's and the tokenizer's own end token."""
    path = folder / "generation_config.json"
    if path.is_file():
        try:
            named = json.loads(path.read_text(encoding="utf-8")).get("eos_token_id")
        except (ValueError, AttributeError) as error:
            raise CheckpointError(f"{path} is not a JSON object: {error}") from error
        if named is not None:
            return frozenset(named if isinstance(named, list) else [named])
    ends = {config.text.eos_token_id}
    if tokenizer.eos_token is not None:
        ends.add(tokenizer.id_of(tokenizer.eos_token))
    return frozenset(end for end in ends if end is not None)
