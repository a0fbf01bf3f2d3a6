import torch
from torch.nn.functional import cosine_similarity

from training import places
from training.bundled import configuration
from training.vocabulary import LOCATIONS, build
from zamba2_vl.model import VisionLanguageModel


def test_locations_near_each_other_begin_alike() -> None:
    model = VisionLanguageModel(configuration(tiny=True))
    table = model.language_model.model.embed_tokens.weight
    before = table.detach().clone()
    places.lay_out(model)
    first = build().token_to_id(LOCATIONS[0])
    rows = table.detach()[first : first + len(LOCATIONS)]
    assert cosine_similarity(rows[:-1], rows[1:]).min() > 0.8
    assert cosine_similarity(rows[:-40], rows[40:]).mean() < 0.8
    assert cosine_similarity(rows[:-500], rows[500:]).abs().mean() < 0.5
    others = torch.cat([before[:first], before[first + len(LOCATIONS) :]])
    torch.testing.assert_close(rows.norm(dim=1), others.norm(dim=1).median().expand(len(rows)))
    now = torch.cat([table.detach()[:first], table.detach()[first + len(LOCATIONS) :]])
    assert torch.equal(now, others)
