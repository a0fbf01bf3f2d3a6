"""Read and write weights in the published layout: safetensors in one file or several.

Tensors are read one at a time straight into the memory that the model will use. The safetensors
library would map the whole file instead, which counts twice against a memory limit while loading
and kills the process should the file shrink under it.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.errors import (
    ConfigError,
    MemoryShortageError,
    NotACheckpointError,
    TruncatedError,
    WeightsMismatchError,
)
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.quantization import make_room, weight_count
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.linear import QuantizedLinear

Model = VisionLanguageModel | Decoder

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I8": torch.int8,
    "I32": torch.int32,
}
# Names in one error message before it says "and so many more".
_NAMED = 5


def load(
    folder: str | Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Model:
    """The model in `folder`, in evaluation mode: a Decoder if the checkpoint is text only.

    Weights are converted to `dtype` as they are read, but for those held as integers; the peak is
    one copy of them plus the largest tensor. Raises ConfigError, and the CheckpointErrors:
    NotACheckpointError, ArchitectureError, TruncatedError, WeightsMismatchError,
    MemoryShortageError.
    """
    folder, device = Path(folder), torch.device(device)
    model, owners, stored = outlined(folder)
    parameters = dict(model.named_parameters())
    kinds = {name: dtype if p.is_floating_point() else p.dtype for name, p in parameters.items()}
    _check_memory(sum(p.numel() * kinds[name].itemsize for name, p in parameters.items()), device)
    weights: dict[str, Tensor] = {}
    try:
        for name, kind in kinds.items():
            weights[name] = stored[name].read(device, kind)
    except torch.OutOfMemoryError as error:
        raise MemoryShortageError(f"{device} ran out of memory while loading {folder}") from error
    for name in stored.keys() - parameters.keys():
        owner = owners[name]
        if not torch.equal(stored[name].read(device, kinds[owner]), weights[owner]):
            raise WeightsMismatchError(
                f"{name} should repeat {owner}, which it is tied to, but differs from it"
            )
    model.load_state_dict(weights, strict=False, assign=True)
    return model.eval()


def examine(folder: str | Path) -> int:
    """Hold the weights in `folder` against its config.json without reading them; how many
    parameters there are.

    Raises as `load` does.
    """
    model, _, _ = outlined(Path(folder))
    return weight_count(model)


def save(model: Model, folder: str | Path, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write config.json and model.safetensors into `folder`; tied weights once, under the name of
    their first use. Raises ConfigError for weights held as integers."""
    if any(isinstance(module, QuantizedLinear) for module in model.modules()):
        raise ConfigError("quantised weights are not written back", "convert the original instead")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = model.config
    whole = config if isinstance(config, Zamba2VLConfig) else Zamba2VLConfig(config)
    described = json.dumps(
        {**whole.to_dict(), "dtype": str(dtype).removeprefix("torch.")}, indent=1
    )
    weights = {
        name: parameter.detach().to("cpu", dtype).contiguous()
        for name, parameter in model.named_parameters()
    }
    (folder / "config.json").write_text(described + "\n", encoding="utf-8")
    write(weights, folder / SINGLE)


def write(weights: dict[str, Tensor], path: Path) -> None:
    """Write a file of weights beside config.json: complete or not at all, since a reader must never
    meet half a file."""
    partial = path.with_name(f".{path.name}.part")
    save_file(weights, partial, metadata={"format": "pt"})
    # safetensors writes for the owner alone; the weights are as public as what describes them.
    partial.chmod(stat.S_IMODE((path.parent / "config.json").stat().st_mode))
    partial.replace(path)


def build(config: Zamba2VLConfig) -> Model:
    """A model of this configuration with fresh weights; those held as integers have no values."""
    model = Decoder(config.text) if config.vision is None else VisionLanguageModel(config)
    if config.quantization is not None:
        make_room(model, config.quantization)
    return model


def outlined(folder: Path) -> tuple[Model, dict[str, str], dict[str, "StoredTensor"]]:
    """A model without values; the names of its weights and who owns them; where those lie. Raises
    as `load` does."""
    config = Zamba2VLConfig.from_folder(folder)
    stored = {tensor.name: tensor for file in _files(folder) for tensor in _tensors(file)}
    with torch.device("meta"), _WithoutValues():
        model = build(config)
    owners = _owners(model)
    _check_names(owners, stored)
    _check_shapes(dict(model.named_parameters()), stored)
    return model, owners, stored


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies in a safetensors file; `start` and `size` are in bytes."""

    name: str
    file: Path
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    size: int

    def read(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """Read it, as `dtype` on `device`. Raises TruncatedError."""
        raw = torch.empty(self.size, dtype=torch.uint8)
        with self.file.open("rb", buffering=0) as source:
            source.seek(self.start)
            view = raw.numpy().data
            done = 0
            # One call returns at most about 2 GiB.
            while done < self.size and (count := source.readinto(view[done:])):
                done += count
        if done < self.size:
            raise _truncated(self.file)
        return raw.view(self.dtype).view(self.shape).to(device, dtype)


class _WithoutValues(TorchFunctionMode):
    """Modules built within it get no initial values.

    On the meta device there is nothing to fill, yet trying it would import torch's compiler, which
    takes a second.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", None) == nn.init.__name__:
            return (kwargs or {}).get("tensor", *args[:1])
        return func(*args, **(kwargs or {}))


def _files(folder: Path) -> list[Path]:
    """The weights files of a checkpoint."""
    index = folder / INDEX
    if index.exists():
        try:
            names = sorted(
                set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            )
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise NotACheckpointError(f"{index} is no index of weights") from error
        # Only names, no paths: an index must not lead out of its folder.
        files = [folder / Path(str(name)).name for name in names]
    else:
        files = [folder / SINGLE]
    absent = [file.name for file in files if not file.is_file()]
    if absent:
        raise NotACheckpointError(
            f"{folder} lacks {_listed(absent)}",
            "weights are expected as model.safetensors, or as an index and its parts",
        )
    return files


def _tensors(file: Path) -> Iterator[StoredTensor]:
    """The entries of a safetensors header, checked against the length of the file."""
    length = file.stat().st_size
    with file.open("rb") as source:
        size = int.from_bytes(source.read(8), "little")
        if length < 8 or size > length - 8:
            raise _truncated(file)
        try:
            header: dict[str, Any] = dict(json.loads(source.read(size)))
        except (RecursionError, TypeError, ValueError) as error:
            raise TruncatedError(f"{file} is no safetensors file, or damaged") from error
    header.pop("__metadata__", None)
    for name, entry in header.items():
        try:
            begin, end = map(index, entry["data_offsets"])
            shape = tuple(map(index, entry["shape"]))
            dtype = _DTYPES[entry["dtype"]]
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsMismatchError(f"{name} in {file} is no tensor of weights") from error
        if end - begin != torch.Size(shape).numel() * dtype.itemsize:
            raise TruncatedError(f"{file} is damaged: {name} has the wrong number of bytes")
        if begin < 0 or 8 + size + end > length:
            raise _truncated(file)
        yield StoredTensor(name, file, dtype, shape, 8 + size + begin, end - begin)


def _truncated(file: Path) -> TruncatedError:
    return TruncatedError(
        f"{file} ends before its weights do", "it was copied or downloaded in part: fetch it again"
    )


def _owners(model: nn.Module) -> dict[str, str]:
    """Every name that a weight may go by -> the name that it is stored under."""
    first = {id(parameter): name for name, parameter in model.named_parameters()}
    names = model.named_parameters(remove_duplicate=False)
    owners = {name: first[id(parameter)] for name, parameter in names}
    embedding = "model.embed_tokens.weight"
    for name in [name for name in owners if name.endswith(embedding)]:
        # Where the head is tied to the embedding, some writers repeat it; else it is a parameter.
        owners.setdefault(name.removesuffix(embedding) + "lm_head.weight", name)
    return owners


def _check_names(owners: Mapping[str, str], stored: Mapping[str, StoredTensor]) -> None:
    missing = sorted(set(owners.values()) - stored.keys())
    surplus = sorted(stored.keys() - owners.keys())
    problems = []
    if missing:
        problems.append(f"weights are missing: {_listed(missing)}")
    if surplus:
        problems.append(f"weights are left over: {_listed(surplus)}")
    if problems:
        raise WeightsMismatchError(
            "; ".join(problems), "config.json and the weights belong to different models"
        )


def _check_shapes(parameters: Mapping[str, Tensor], stored: Mapping[str, StoredTensor]) -> None:
    wrong = [
        f"{name} {list(stored[name].shape)} instead of {list(parameter.shape)}"
        for name, parameter in parameters.items()
        if stored[name].shape != tuple(parameter.shape)
    ]
    if wrong:
        raise WeightsMismatchError(f"weights have the wrong shape: {_listed(wrong)}")
    odd = [
        f"{name} {str(stored[name].dtype).removeprefix('torch.')}"
        for name, parameter in parameters.items()
        if stored[name].dtype != parameter.dtype
        and not (stored[name].dtype.is_floating_point and parameter.is_floating_point())
    ]
    if odd:
        raise WeightsMismatchError(f"weights have the wrong type: {_listed(odd)}")


def _check_memory(needed: int, device: torch.device) -> None:
    free = _free_bytes(device)
    if free is not None and needed > free:
        raise MemoryShortageError(
            f"the weights need {needed / 2**30:.1f} GiB, {device} has {free / 2**30:.1f} GiB free",
            "choose a smaller model, dtype=torch.bfloat16, or another device",
        )


def _free_bytes(device: torch.device) -> int | None:
    """Memory free for weights, or None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return None
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvail"))
    except OSError:
        # Not Linux. Physical memory is an upper bound, where even that can be asked for.
        names = getattr(os, "sysconf_names", {})
        if "SC_PHYS_PAGES" not in names:
            return None
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
