"""What a batch teaches: letters and marks of the answer, and the glyphs of each patch."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from docextract.pointing import RULER
from training.samples import FIRST_OBJECT, GLYPH_CLASSES, GLYPH_SLOTS, IGNORED, PATCH, Batch
from training.vocabulary import LOCATIONS, build
from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.image import CLIP_MEAN, CLIP_STD
from zamba2_vl.model import VisionLanguageModel
from zamba2_vl.text.decoder import MambaLayer
from zamba2_vl.text.shared_block import SharedBlock
from zamba2_vl.vision.encoder import Block, Merger
from zamba2_vl.vision.windows import PackedLayout

FIELDS = 64
"""Leaves of an answer that are told apart; later ones count with the last."""

_EMPTY_WEIGHT = 0.15
_FORCED_WEIGHT = 0.1  # the grammar writes these, but without a grammar the model must
_OBJECT_WEIGHT = 12.0  # there are a hundred letters for each thing
_COUNT_WEIGHT = 6.0  # an answer in marks has a tenth of a page's letters
_USUAL = 20
"""Tokens of an answer in marks that weigh so; those of a shorter one weigh more, of a longer one
less, by the root of its length, or dense pictures would drown the others."""
_CHOICE_WEIGHT = 10.0  # of whether there is one more mark
_SURE = 1 - 1e-6
_TOKENS = build().get_vocab()
_NULL, _END, _PLACES = (_TOKENS[token] for token in ("n", "</s>", LOCATIONS[0]))
_LAST_PLACE = _PLACES + len(LOCATIONS) - 1
_HALF = math.log(0.5)
_CLOSE = 10
"""Thousandths of a side by which a location may be off to be close."""
_NEAR = 4
_SPREAD = 2.0
"""A location is learned with its neighbours up to _NEAR, as a bell of this deviation: what is a
pixel beside the middle of a thing is nearly right."""


class Figures(NamedTuple):
    """Losses and counts of one batch.

    Letters, nulls and leaves are those of values and lines; answers that count have marks.

    Attributes:
        letter_loss, glyph_loss: mean losses, scalars.
        letters, letters_right: learned letters and those predicted right, teacher-forced.
        glyphs, glyphs_right: filled glyph slots and those named right.
        nulls, nulls_right: leaves that are null, and those answered so.
        places, places_close: locations, two a mark, and those predicted close to their place.
        counts, counts_right: answers that count, and those that end where they should.
        leaves, leaves_right: (FIELDS,) leaves of each number, and those with all letters right.
    """

    letter_loss: Tensor
    glyph_loss: Tensor
    letters: Tensor
    letters_right: Tensor
    glyphs: Tensor
    glyphs_right: Tensor
    nulls: Tensor
    nulls_right: Tensor
    places: Tensor
    places_close: Tensor
    counts: Tensor
    counts_right: Tensor
    leaves: Tensor
    leaves_right: Tensor


_SCALARS = 14  # batches, pages and the scalars among the figures


class Tally:
    """Figures added up over batches; `sums` may be added up over ranks."""

    def __init__(self, device: torch.device) -> None:
        self.sums = torch.zeros(_SCALARS + 2 * FIELDS, device=device)

    def add(self, figures: Figures, pages: int) -> None:
        """Count one batch in."""
        one = torch.ones_like(figures.letter_loss)
        self.sums += torch.cat(
            [
                torch.stack([one, one * pages, *figures[: _SCALARS - 2]]),
                figures.leaves,
                figures.leaves_right,
            ]
        ).detach()

    @property
    def batches(self) -> int:
        """Batches counted in."""
        return round(self.sums[0].item())

    @property
    def pages(self) -> int:
        """Pages counted in."""
        return round(self.sums[1].item())

    def means(self) -> dict[str, float]:
        """Mean losses of a batch, and the shares of everything else that are right."""
        batches, _, letter_loss, glyph_loss, *pairs = self.sums[:_SCALARS].tolist()
        pairs += self.sums[_SCALARS:].view(2, FIELDS).sum(1).tolist()
        names = ("letters", "glyphs", "nulls", "places", "counts", "leaves")
        return {
            "letter_loss": round(letter_loss / batches, 4),
            "glyph_loss": round(glyph_loss / batches, 4),
            **{
                name: round(right / max(number, 1), 4)
                for name, number, right in zip(names, pairs[::2], pairs[1::2], strict=True)
            },
        }

    def by_field(self, count: int) -> list[float]:
        """The shares of leaves that are right, for leaves 1 to `count`."""
        leaves, right = self.sums[_SCALARS:].view(2, FIELDS)[:, 1 : count + 1]
        return [round(share, 3) for share in (right / leaves.clamp(min=1)).tolist()]


class Pupil(nn.Module):
    """The model with its glyph head; the head is for training alone and never exported."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: Zamba2VLConfig) -> None:
        super().__init__()
        self.model = VisionLanguageModel(config)
        assert config.vision is not None
        self.glyph_head = nn.Linear(config.vision.hidden_size, GLYPH_SLOTS * GLYPH_CLASSES)
        self.register_buffer("mean", torch.tensor(CLIP_MEAN)[:, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(CLIP_STD)[:, None], persistent=False)
        self._shown: Callable[..., Tensor] = shown
        self._glyph_figures: Callable[..., tuple[Tensor, ...]] = glyph_figures
        self._letter_figures: Callable[..., tuple[Tensor, ...]] = letter_figures

    def compile_parts(self) -> None:
        """Compile layer by layer, losses too; equal layers share one compilation."""
        torch._dynamo.config.recompile_limit = 64
        for module in self.modules():
            if isinstance(module, MambaLayer | SharedBlock | Block | Merger):
                module.compile(dynamic=False)
        self._shown = torch.compile(shown, dynamic=False)
        self._glyph_figures = torch.compile(glyph_figures, dynamic=False)
        self._letter_figures = torch.compile(letter_figures, dynamic=False)

    def forward(
        self, batch: Batch, layout: PackedLayout, with_text: bool, head: bool = False
    ) -> Figures:
        """Losses and figures of a batch (see `Sample` for its tensors, on the model's device).

        `head`: gradients end at the glyph head.
        """
        patches = self._shown(
            batch["patches"],
            layout.coords,
            batch["grid"],
            batch["counts"],
            self.mean,
            self.deviation,
            self.training,
        )
        features = self.model.vision_tower.features(patches, layout)
        if head:
            features = features.detach()
        glyph_loss, glyphs, named = self._glyph_figures(self.glyph_head(features), batch["glyphs"])
        if not with_text:
            zero, none = glyph_loss.new_zeros(()), glyph_loss.new_zeros(FIELDS)
            learned = zero, glyph_loss, zero, zero, glyphs, named
            return Figures(*learned, zero, zero, zero, zero, zero, zero, none, none)
        images = self.model.vision_tower.merge(features, layout)
        embeds = self.model.place_images(batch["ids"], images)
        hidden = self.model.language_model(embeds)
        places = batch["start"][:, None] + torch.arange(
            batch["labels"].shape[1], device=hidden.device
        )
        places = places.clamp(max=hidden.shape[1] - 1)[..., None].expand(-1, -1, hidden.shape[2])
        logits = self.model.language_model.logits(hidden.gather(1, places))
        letter_loss, letters, right, *leaves = self._letter_figures(
            logits, batch["labels"], batch["field"], batch["counts"]
        )
        return Figures(letter_loss, glyph_loss, letters, right, glyphs, named, *leaves)


def shown(
    pixels: Tensor,
    coords: Tensor,
    grid: Tensor,
    counts: Tensor,
    mean: Tensor,
    deviation: Tensor,
    vary: bool,
) -> Tensor:
    """Grey pixels as the tower takes them, in another light where they are to vary; pictures in
    which things are counted are ruled, as `docextract.pointing.ruled` does.

    Args:
        pixels: (B, N, 196) uint8.
        coords: (B, N, 2), row and column of each patch.
        grid: (B, 2), patches down and across.
        counts: (B,), 1 where things are counted.
        mean, deviation: (3, 1).

    Returns:
        (B, N, 588).
    """
    grey = pixels.float() / 255
    if vary:
        grey = relit(grey)
    inside = (torch.arange(PATCH, device=pixels.device) + 0.5) / PATCH
    places = (coords[..., None] + inside) / grid[:, None, :, None]
    down, across = places[:, :, 0].repeat_interleave(PATCH, -1), places[:, :, 1].repeat(1, 1, PATCH)
    share = RULER * (counts > 0)[:, None, None]
    channels = [grey, grey.lerp(across, share), grey.lerp(down, share)]
    return ((torch.stack(channels, 2) - mean) / deviation).flatten(2)


def relit(grey: Tensor) -> Tensor:
    """Another light and grain for each page, so that a page shown twice is not the same twice.

    grey: (B, N, 196) in 0 .. 1.
    """
    draw = torch.randn(3, len(grey), 1, 1, device=grey.device)
    return grey * (1 + 0.12 * draw[0]) + 0.06 * draw[1] + 0.02 * draw[2] * torch.randn_like(grey)


def glyph_figures(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted cross-entropy, filled slots, and filled slots named right.

    Args:
        logits: (B, N, slots * classes).
        targets: (B, N, slots), 0 where a slot is empty.
    """
    flat = logits.reshape(-1, GLYPH_CLASSES)
    aim = targets.reshape(-1)
    filled = aim > 0
    weight = torch.where(filled, 1.0, _EMPTY_WEIGHT)
    weight = torch.where((aim >= FIRST_OBJECT) & (aim < GLYPH_CLASSES - 1), _OBJECT_WEIGHT, weight)
    each = functional.cross_entropy(flat.float(), aim, reduction="none")
    loss = (each * weight).sum() / weight.sum()
    right = (flat.argmax(-1) == aim) & filled
    return loss, filled.sum(), right.sum()


def letter_figures(
    logits: Tensor, labels: Tensor, field: Tensor, counts: Tensor
) -> tuple[Tensor, ...]:
    """Weighted cross-entropy; then chosen letters, nulls, places, counts and leaves, each with how
    many of them are right.

    Letters that the grammar forces weigh little and are not counted.

    Args:
        logits: (B, T, V).
        labels: (B, T), IGNORED where nothing is learned.
        field: (B, T), the number of the leaf that a label belongs to, from 1; 0 if it is forced.
        counts: (B,), 1 where the answer is marks.

    Returns:
        Nine scalars and two of (FIELDS,).
    """
    answered = labels != IGNORED
    chosen = answered & (field > 0)
    each = _cross_entropy(logits, labels)
    counted = chosen & (counts[:, None] > 0)
    size = counted.sum(1, keepdim=True).clamp(min=1)
    marked = _COUNT_WEIGHT * (_USUAL / size) ** 0.5
    weight = torch.where(chosen, torch.where(counted, marked, 1.0), _FORCED_WEIGHT)
    weight = weight * answered
    # A mark is one choice, its location another: the end competes with all locations together. That
    # choice weighs the same in all answers, or those that are short would make ends too likely.
    end = logits[..., _END].float() - logits.float().logsumexp(-1)
    choice = -torch.where(labels == _END, end, torch.log1p(-end.exp().clamp(max=_SURE)))
    choice = torch.where(counted, choice, 0.0)
    lost = (each * weight + choice * (_CHOICE_WEIGHT - weight)).sum()
    loss = lost / weight.sum().clamp(min=1)
    said = logits.argmax(-1)
    place = counted & _is_place(labels)
    close = place & _is_place(said) & ((said - labels).abs() <= _CLOSE)
    strayed = (counted & ((end > _HALF) != (labels == _END))).any(1)
    chosen = chosen & ~counted
    right = (said == labels) & chosen
    # Strings begin with a quotation mark; the rest of a null is forced.
    after = functional.pad(field[:, 1:], (0, 1))
    before = functional.pad(field[:, :-1], (1, 0))
    null = chosen & (labels == _NULL) & (before != field) & (after != field)
    leaf = torch.where(chosen, field, 0).clamp(max=FIELDS - 1)
    empty = each.new_zeros(len(labels), FIELDS)
    mistakes = empty.scatter_add(1, leaf, (chosen & ~right).to(each.dtype))
    seen = empty.scatter_add(1, leaf, chosen.to(each.dtype)) > 0
    seen[:, 0] = False
    return (
        loss,
        chosen.sum(),
        right.sum(),
        null.sum(),
        (null & right).sum(),
        place.sum(),
        close.sum(),
        counted.any(1).sum(),
        (counted.any(1) & ~strayed).sum(),
        seen.sum(0),
        (seen & (mistakes == 0)).sum(0),
    )


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, T), 0 where a label is IGNORED; a location shares its weight with its neighbours.

    What is lost by the sharing itself is left out, so that nothing is lost where all is right.
    """
    steps = torch.arange(-_NEAR, _NEAR + 1, device=labels.device)
    bell = torch.exp(-0.5 * (steps / _SPREAD) ** 2)
    bell = bell / bell.sum()
    place = _is_place(labels)[..., None]
    known = labels.clamp(min=0)[..., None]
    aims = torch.where(place, (known + steps).clamp(_PLACES, _LAST_PLACE), known)
    likelihood = logits.float().log_softmax(-1).gather(-1, aims)
    weights = torch.where(place, bell, (steps == 0).float())
    lost = torch.xlogy(weights, weights) - likelihood * weights
    return lost.sum(-1) * (labels != IGNORED)


def _is_place(tokens: Tensor) -> Tensor:
    """Where `tokens` are locations."""
    return (tokens >= _PLACES) & (tokens <= _LAST_PLACE)
