"""The port to models: pictures and a question in, an answer out."""

import hashlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from docextract import hub
from docextract.errors import DocextractError, ModelError
from docextract.resources import bundled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

BUNDLED = "bundled"

_FACTORY = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<factory>[A-Za-z_]\w*)")
_SERVER = re.compile(r"openai:(?P<url>[^#]+)#(?P<model>.+)")
_TRANSFORMERS = re.compile(r"transformers:(?P<model>.+)")
_CHECKPOINT = ("*.json", "*.jinja", "*.safetensors")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """An answer.

    `token_ids`, `logprobs` (natural logarithms) and `ends` have one entry for each token written;
    a logprob is 0.0 where the grammar forced the token, and an end says how long `text` was with
    it. A reader that does not know them leaves them empty. `finish` is `length` where the token
    limit cut the answer off. `written` counts the tokens where their ids are not known.
    `prompt_tokens` counts pictures and words. `first_token` and `decode` are seconds.
    """

    text: str
    token_ids: Sequence[int] = ()
    logprobs: Sequence[float] = ()
    ends: Sequence[int] = ()
    finish: Literal["stop", "length"] = "stop"
    prompt_tokens: int = 0
    written: int = 0
    first_token: float = 0.0
    decode: float = 0.0

    @property
    def answer_tokens(self) -> int:
        """How many tokens were written."""
        return self.written or len(self.token_ids)


@runtime_checkable
class Reader(Protocol):
    """A model that answers questions about pages.

    `dialect`: how it wants to be asked (docextract.prompt). `pages_at_once`: how many pictures it
    takes with one question. `default_budget`: visual tokens per page where the user names none.
    `questions_at_once`: how many questions it works on at the same time, each asked by a thread of
    its own. `load_seconds`: what it took to load.
    """

    @property
    def name(self) -> str: ...
    @property
    def dialect(self) -> Literal["compact", "instruct"]: ...
    @property
    def pages_at_once(self) -> int: ...
    @property
    def questions_at_once(self) -> int: ...
    @property
    def default_budget(self) -> int: ...
    @property
    def load_seconds(self) -> float: ...

    def read(
        self,
        images: "Sequence[Picture]",
        question: str,
        grammar: str | None,
        max_tokens: int,
        on_text: Callable[[str], None] | None = None,
    ) -> Reading:
        """Answer a question about pictures.

        images: uint8 arrays of shape (H, W, 3), sides multiples of 28. grammar: an llguidance
        grammar that the answer shall follow; a reader that cannot may ignore it, and its answer is
        parsed all the same. on_text: called with each new piece of the answer; what it raises ends
        the reading and is raised from here.

        Raises:
            ModelError, DeviceError: the model cannot do it.
        """

    def close(self) -> None:
        """Let go of the model."""


def open_reader(spec: str = BUNDLED, device: str = "auto") -> Reader:
    """The reader that `spec` names, loaded on `device` (auto, cpu, cuda).

    `bundled`, the folder of a Zamba2-VL checkpoint, its hub id (`owner/model`, fetched once by
    huggingface_hub), `openai:URL#MODEL` (docextract.readers.openai), `transformers:FOLDER|HUB_ID`
    (docextract.readers.transformers), or `package.module:factory`: a callable that returns a
    Reader; it is given `device` if it takes an argument of this name.

    Raises:
        ModelError: there is no such model, or it does not load.
        DeviceError: the device is absent or too small.
    """
    if match := _SERVER.fullmatch(spec):
        return _openai(match["url"], match["model"])
    if match := _TRANSFORMERS.fullmatch(spec):
        return _transformers(match["model"], device)
    if match := _FACTORY.fullmatch(spec):
        return _from_factory(match["module"], match["factory"], device)
    return _zamba2(folder_of(spec), spec, device)


def folder_of(spec: str) -> Path:
    """The folder of the checkpoint that `spec` names: `bundled`, a folder, or a hub id, which is
    fetched unless it was before.

    Raises:
        ModelError: there is no such checkpoint.
    """
    if spec == BUNDLED:
        return _bundled_weights()
    if spec and Path(spec).is_dir():
        return Path(spec)
    if is_hub_id(spec):
        return hub.fetch(spec)
    raise _no_model(spec)


def is_checkpoint(spec: str) -> bool:
    """Whether `spec` names a checkpoint of the family: no server, no library's model, no code."""
    return not any(form.fullmatch(spec) for form in (_SERVER, _TRANSFORMERS, _FACTORY))


def is_hub_id(spec: str) -> bool:
    """Whether `spec` can only mean a model of the hub: `owner/model`, and no such folder."""
    return bool(_HUB_ID.fullmatch(spec)) and not Path(spec).parent.exists()


_LOADING = Lock()


def bundled_reader() -> Reader:
    """The bundled model, loaded once for all documents and threads of a process."""
    with _LOADING:
        return _loaded_once()


@lru_cache(maxsize=1)
def _loaded_once() -> Reader:
    return open_reader()


def identify(spec: str = BUNDLED) -> str:
    """A hash of what answers when `spec` is opened: weights and tokenizer, a hub's commit, or the
    code of a factory; of a server, which does not tell, its name. Nothing is loaded, but a hub id
    is fetched.

    Raises:
        ModelError: there is no such model.
    """
    if _SERVER.fullmatch(spec):
        return hashlib.sha256(spec.encode()).hexdigest()
    if match := _TRANSFORMERS.fullmatch(spec):
        named = match["model"]
        folder = Path(named) if Path(named).is_dir() else hub.fetch(named)
        return _hash_of(_checkpoint_files(folder))
    if match := _FACTORY.fullmatch(spec):
        try:
            found = importlib.util.find_spec(match["module"])
        except ImportError:
            found = None
        if found is None or not found.origin:
            raise ModelError(f"there is no module {match['module']}")
        return _hash_of([Path(found.origin)])
    folder = folder_of(spec)
    return folder.name if is_hub_id(spec) else _hash_of(_checkpoint_files(folder))


def _checkpoint_files(folder: Path) -> list[Path]:
    return sorted(path for pattern in _CHECKPOINT for path in folder.glob(pattern))


def _hash_of(files: Sequence[Path]) -> str:
    everything = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            everything.update(hashlib.file_digest(file, "sha256").digest())
    return everything.hexdigest()


def _no_model(spec: str) -> ModelError:
    return ModelError(
        f"there is no model {spec!r}",
        hint="write bundled, a folder that exists, a hub id (owner/model), openai:URL#MODEL, "
        "transformers:FOLDER or module:factory",
    )


def _bundled_weights() -> Path:
    try:
        return bundled("model/weights")
    except DocextractError as error:
        raise ModelError(error.message, hint=error.hint) from error


def _zamba2(checkpoint: Path, name: str, device: str) -> Reader:
    from docextract.readers.zamba2 import Zamba2Reader

    return Zamba2Reader(checkpoint, name, device)


def _openai(url: str, model: str) -> Reader:
    try:
        from docextract.readers.openai import OpenAIReader
    except ImportError as error:
        raise _lacks("openai", error) from error
    return OpenAIReader(url, model)


def _transformers(model: str, device: str) -> Reader:
    try:
        from docextract.readers.transformers import TransformersReader
    except ImportError as error:
        raise _lacks("hf", error) from error
    return TransformersReader(model, device)


def _lacks(extra: str, error: ImportError) -> ModelError:
    return ModelError(
        f"such models need one more package ({error})",
        hint=f"pip install 'docextract[{extra}]'",
    )


def _from_factory(module: str, factory: str, device: str) -> Reader:
    try:
        home = importlib.import_module(module)
    except Exception as error:
        # As below: importing runs somebody else's code.
        raise ModelError(
            f"the module {module} cannot be imported: {error}",
            hint=f"it must be installed, or on PYTHONPATH: python -c 'import {module}'",
        ) from error
    make = getattr(home, factory, None)
    if not callable(make):
        raise ModelError(f"the module {module} has no {factory} to call", hint="check the name")
    wants_device = "device" in inspect.signature(make).parameters
    try:
        reader = make(device=device) if wants_device else make()
    except DocextractError:
        raise
    except Exception as error:
        # Somebody else's code, which may fail in any way.
        raise ModelError(f"{module}:{factory} failed: {type(error).__name__}: {error}") from error
    if not isinstance(reader, Reader):
        raise ModelError(
            f"{module}:{factory} made no reader, but a {type(reader).__name__}",
            hint="a reader has what docextract.readers.Reader names",
        )
    return reader
