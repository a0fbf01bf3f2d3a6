"""`python -m zamba2_vl.golden FOLDER`: check small published-layout checkpoints against what the
published code computed from them.

Each folder below FOLDER holds a checkpoint and io.safetensors with inputs and outputs. Those
outputs came from the CPU path of the published code (transformers 4.52), which hands the recurrent
state from chunk to chunk wrongly: it sums the decays over the chunks that follow instead of the
ones that went before. Later transformers and the CUDA kernels do it rightly, and so does this
package. The check therefore runs twice: with that one step as published, where everything must
agree, and as it should be, where the first chunk must.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import load_file
from torch import Tensor

from zamba2_vl.checkpoint import load
from zamba2_vl.errors import ModelError, NotACheckpointError
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.ops.ssd_scan import reference
from zamba2_vl.vision.windows import WindowLayout

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Report:
    """Largest absolute differences from the published outputs; None for greedy ids that differ."""

    name: str
    image_embeds: float
    logits: float
    text_logits: float
    greedy: float | None
    first_chunk: float
    beyond: float

    @property
    def passed(self) -> bool:
        """Whether everything but `beyond`, the published code's own error, is within TOLERANCE."""
        figures = (self.image_embeds, self.logits, self.text_logits, self.greedy, self.first_chunk)
        return all(figure is not None and figure <= TOLERANCE for figure in figures)


@torch.inference_mode()
def check(folder: Path) -> Report:
    """Compare the checkpoint in `folder` with its io.safetensors, in float32 on the CPU."""
    model = load(folder)
    if not isinstance(model, VisionLanguageModel) or model.config.vision is None:
        raise NotACheckpointError(f"{folder} is text only")
    io = load_file(folder / "io.safetensors")
    layouts = [
        WindowLayout.for_grid(rows, columns, model.config.vision)
        for _, rows, columns in io["image_grid_thw"].tolist()
    ]
    pictures = torch.split(io["pixel_values"], [layout.patches for layout in layouts])
    patches = [layout.pack(p)[None] for p, layout in zip(pictures, layouts, strict=True)]
    images = model.embed_images(patches, layouts)
    true = _logits(model, io["input_ids"], images)
    chunk = model.config.text.chunk_size
    with published_carry():
        return Report(
            name=folder.name,
            image_embeds=_apart(images[0], io["image_embeds"]),
            logits=_apart(_logits(model, io["input_ids"], images), io["logits"]),
            text_logits=_apart(_logits(model, io["text_ids"], images), io["text_logits"]),
            greedy=_greedy(model, io, images),
            first_chunk=_apart(true[:, :chunk], io["logits"][:, :chunk]),
            beyond=_apart(true, io["logits"]),
        )


@contextmanager
def published_carry() -> Iterator[None]:
    """Within it, states pass from chunk to chunk as the published CPU path passed them."""

    def carry(sources: Tensor, elapsed: Tensor) -> Tensor:
        return sources * reference.fading(elapsed).sum(-2)[..., None, None]

    with mock.patch.object(reference, "carry", carry):
        yield


def _logits(model: VisionLanguageModel, ids: Tensor, images: Tensor) -> Tensor:
    decoder = model.language_model
    return decoder.logits(decoder(model.place_images(ids, images)))


def _greedy(model: VisionLanguageModel, io: dict[str, Tensor], images: Tensor) -> float | None:
    """Write the answer token by token, without a cache, as the outputs were made."""
    ids, written = io["input_ids"], io["greedy_ids"]
    worst = 0.0
    for step in range(written.shape[1]):
        scores = _logits(model, ids, images)[:, -1]
        worst = max(worst, _apart(scores[0], io["greedy_logits"][step]))
        best = scores.argmax(-1, keepdim=True)
        if not torch.equal(best, written[:, step : step + 1]):
            return None
        ids = torch.cat([ids, best], dim=1)
    return worst


def _apart(ours: Tensor, theirs: Tensor) -> float:
    return (ours - theirs).abs().max().item()


def main(arguments: Sequence[str]) -> int:
    """Print a line a checkpoint; 0 if all agree, 1 if not, 2 if there was nothing to check."""
    folders = sorted(
        path.parent for root in arguments for path in Path(root).glob("*/io.safetensors")
    )
    if not folders:
        sys.stderr.write("usage: python -m zamba2_vl.golden FOLDER (of folders of checkpoints)\n")
        return 2
    reports = [check(folder) for folder in folders]
    sys.stdout.write(
        f"{'':24}{'images':>10}{'logits':>10}{'text':>10}{'greedy':>10}"
        f"{'chunk 1':>10}{'beyond*':>10}\n"
    )
    for r in reports:
        greedy = "differs" if r.greedy is None else f"{r.greedy:.1e}"
        sys.stdout.write(
            f"{r.name:24}{r.image_embeds:10.1e}{r.logits:10.1e}{r.text_logits:10.1e}{greedy:>10}"
            f"{r.first_chunk:10.1e}{r.beyond:10.1e}  {'ok' if r.passed else 'FAILED'}\n"
        )
    sys.stdout.write(
        f"Largest differences; all but the last column must be below {TOLERANCE:.0e}.\n"
        "images to greedy: the state handed from chunk to chunk as the published CPU code did it;\n"
        "chunk 1, beyond*: the true recurrence, in the first chunk and at all positions.\n"
        "* the published code's own error, corrected in later transformers.\n"
    )
    return 0 if all(report.passed for report in reports) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ModelError as problem:
        sys.exit(f"{problem}\n{problem.hint}".rstrip())
