import copy

import pytest
import torch
from torch import Tensor

from zamba2_vl.config import VisionConfig
from zamba2_vl.vision.encoder import VisionEncoder
from zamba2_vl.vision.windows import JoinedLayout, PackedLayout, WindowLayout

CONFIG = VisionConfig(
    depth=3,
    hidden_size=32,
    intermediate_size=40,
    num_heads=2,
    out_hidden_size=24,
    fullatt_block_indexes=(1,),
    initializer_range=0.2,
)
GRIDS = [(12, 18), (8, 6), (16, 8)]
WHOLE = [(16, 8), (8, 8)]


@pytest.fixture(scope="module")
def encoder() -> VisionEncoder:
    torch.manual_seed(1)
    return VisionEncoder(CONFIG)


def batch(grids: list[tuple[int, int]], rubbish: float) -> tuple[Tensor, list[WindowLayout]]:
    torch.manual_seed(2)
    layouts = [WindowLayout.for_grid(*grid, CONFIG) for grid in grids]
    patches = torch.randn(len(grids), max(layout.patches for layout in layouts), 588)
    for row, layout in zip(patches, layouts, strict=True):
        row[layout.patches :] = rubbish
    return patches, layouts


@torch.inference_mode()
@pytest.mark.parametrize("grids", [GRIDS, WHOLE])
@pytest.mark.parametrize("spare", [0, 2])
def test_a_batch_of_pages_equals_each_alone(
    encoder: VisionEncoder, grids: list[tuple[int, int]], spare: int
) -> None:
    patches, layouts = batch(grids, rubbish=40.0)
    windows = max(layout.windows for layout in layouts) + spare
    packed = PackedLayout.collate(layouts, windows=windows)
    features, tokens = encoder.features(patches, packed), encoder(patches, packed)
    for row, layout in enumerate(layouts):
        alone = patches[row : row + 1, : layout.patches]
        expected = encoder.features(alone, layout)
        torch.testing.assert_close(features[row, : layout.patches], expected[0])
        torch.testing.assert_close(tokens[row, : layout.tokens], encoder(alone, layout)[0])


@torch.inference_mode()
@pytest.mark.parametrize("grids", [GRIDS, WHOLE, WHOLE[:1]])
def test_pages_in_one_row_equal_each_alone(
    encoder: VisionEncoder, grids: list[tuple[int, int]]
) -> None:
    patches, layouts = batch(grids, rubbish=40.0)
    pages = [row[None, : layout.patches] for row, layout in zip(patches, layouts, strict=True)]
    tokens = encoder(torch.cat(pages, 1), JoinedLayout.join(layouts))
    expected = [encoder(page, layout) for page, layout in zip(pages, layouts, strict=True)]
    torch.testing.assert_close(tokens, torch.cat(expected, 1))


def test_padding_reaches_no_gradient(encoder: VisionEncoder) -> None:
    gradients = []
    for rubbish in (0.0, 40.0):
        patches, layouts = batch(GRIDS, rubbish)
        patches.requires_grad_()
        tokens = encoder(patches, PackedLayout.collate(layouts, windows=8))
        counts = [layout.tokens for layout in layouts]
        loss = sum(row[:count].square().sum() for row, count in zip(tokens, counts, strict=True))
        assert isinstance(loss, Tensor)
        gradients.append(torch.autograd.grad(loss, [patches, *encoder.parameters()]))
    for row, (rows, columns) in enumerate(GRIDS):
        assert not gradients[0][0][row, rows * columns :].any()
    for one, other in zip(*gradients, strict=True):
        assert one.isfinite().all()
        torch.testing.assert_close(one, other)


@torch.inference_mode()
def test_windows_see_only_themselves() -> None:
    """Without a full layer, a change in one window leaves the others alone."""
    torch.manual_seed(1)
    encoder = VisionEncoder(
        VisionConfig(**{**CONFIG.__dict__, "fullatt_block_indexes": (), "depth": 2})
    )
    layout = WindowLayout.for_grid(16, 12, CONFIG)
    patches = torch.randn(1, layout.patches, 588)
    changed = patches.clone()
    changed[:, :64] += 1
    moved = (encoder.features(changed, layout) != encoder.features(patches, layout)).any(-1)[0]
    assert moved[:64].all()
    assert not moved[64:].any()


@torch.inference_mode()
def test_a_widened_tower_computes_what_it_did(encoder: VisionEncoder) -> None:
    widened = copy.deepcopy(encoder)
    widened.widen()
    [patches], [layout] = batch(WHOLE[:1], rubbish=0.0)
    torch.testing.assert_close(widened(patches[None], layout), encoder(patches[None], layout))
    kept = encoder.state_dict()
    for name, weight in widened.state_dict().items():
        torch.testing.assert_close(weight, kept[name])


@torch.inference_mode()
def test_half_precision(encoder: VisionEncoder) -> None:
    patches, layouts = batch(GRIDS, rubbish=40.0)
    packed = PackedLayout.collate(layouts)
    expected = encoder(patches, packed)
    with torch.autocast("cpu", torch.bfloat16):
        tokens = encoder(patches, packed)
    for row, layout in enumerate(layouts):
        apart = (tokens - expected)[row, : layout.tokens].abs().max()
        assert apart < 0.05 * expected[row, : layout.tokens].abs().max()
