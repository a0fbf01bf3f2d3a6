"""What a batch teaches: letters of the answer, and the glyphs that stand in each patch."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.samples import GLYPH_CLASSES, GLYPH_SLOTS, IGNORED
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.vision.windows import PackedLayout

EMPTY_WEIGHT = 0.15
# Qwen2.5-VL's normalisation (CLIP's), red, green and blue.
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class Figures(NamedTuple):
    """Sums over a batch, to be divided by their counts.

    Attributes:
        letter_loss, glyph_loss: mean losses, scalars.
        letters, letters_right: learned letters and those predicted right, teacher-forced.
        glyphs, glyphs_right: filled glyph slots and those named right.
        field_right: (batch, fields) 1 where all letters of a leaf are right; nan where no such leaf.
    """

    letter_loss: Tensor
    glyph_loss: Tensor
    letters: Tensor
    letters_right: Tensor
    glyphs: Tensor
    glyphs_right: Tensor
    field_right: Tensor


class Pupil(nn.Module):
    """The model with its glyph head; the head is for training alone and never exported."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: Zamba2VLConfig, fields: int = 64) -> None:
        super().__init__()
        self.model = VisionLanguageModel(config)
        assert config.vision is not None
        self.glyph_head = nn.Linear(config.vision.hidden_size, GLYPH_SLOTS * GLYPH_CLASSES)
        self.fields = fields
        self.register_buffer("mean", torch.tensor(MEAN)[:, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None], persistent=False)

    def forward(self, batch: dict[str, Any], layout: PackedLayout, with_text: bool) -> Figures:
        """Losses and figures of a batch (see `Sample` for its tensors, on the model's device)."""
        grey = batch["patches"].float() / 255
        if self.training:
            grey = relit(grey)
        patches = ((grey[:, :, None] - self.mean) / self.deviation).flatten(2)
        features = self.model.vision_tower.features(patches, layout)
        glyph = glyph_figures(self.glyph_head(features), batch["glyphs"])
        if not with_text:
            zero = grey.new_zeros(())
            return Figures(zero, glyph[0], zero, zero, *glyph[1:], grey.new_zeros(1, self.fields))
        images = self.model.vision_tower.merge(features, layout)
        embeds = self.model.place_images(batch["ids"], images)
        hidden = self.model.language_model(embeds)
        places = batch["start"][:, None] + torch.arange(
            batch["labels"].shape[1], device=grey.device
        )
        places = places.clamp(max=hidden.shape[1] - 1)[..., None].expand(-1, -1, hidden.shape[2])
        logits = self.model.language_model.logits(hidden.gather(1, places))
        letters = letter_figures(logits, batch["labels"], batch["field"], self.fields)
        return Figures(letters[0], glyph[0], letters[1], letters[2], *glyph[1:], letters[3])


def relit(grey: Tensor) -> Tensor:
    """Another light and grain for each page, so that a page shown twice is not the same twice.

    grey: (B, N, 196) in 0 .. 1.
    """
    draw = torch.randn(3, len(grey), 1, 1, device=grey.device)
    return grey * (1 + 0.12 * draw[0]) + 0.06 * draw[1] + 0.02 * draw[2] * torch.randn_like(grey)


def glyph_figures(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted cross-entropy, filled slots, and filled slots named right.

    Args:
        logits: (B, N, slots * classes). targets: (B, N, slots).
    """
    flat = logits.reshape(-1, GLYPH_CLASSES)
    aim = targets.reshape(-1)
    filled = aim > 0
    weight = torch.where(filled, 1.0, EMPTY_WEIGHT)
    each = functional.cross_entropy(flat.float(), aim, reduction="none")
    loss = (each * weight).sum() / weight.sum()
    right = (flat.argmax(-1) == aim) & filled
    return loss, filled.sum(), right.sum()


def letter_figures(
    logits: Tensor, labels: Tensor, field: Tensor, fields: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cross-entropy of learned letters, their number, those right, and leaves right.

    Args:
        logits: (B, T, V). labels, field: (B, T).
    """
    learned = labels != IGNORED
    each = functional.cross_entropy(
        logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="none"
    ).view_as(labels)
    loss = each.sum() / learned.sum().clamp(min=1)
    right = (logits.argmax(-1) == labels) & learned
    wrong = (learned & ~right).float()
    place = torch.where(learned, field, 0).clamp(max=fields - 1)
    empty = wrong.new_zeros(len(labels), fields)
    mistakes = empty.scatter_add(1, place, wrong)
    seen = empty.scatter_add(1, place, learned.float())
    leaves = torch.where(seen > 0, (mistakes == 0).float(), torch.nan)
    leaves[:, 0] = torch.nan
    return loss, learned.sum(), right.sum(), leaves
