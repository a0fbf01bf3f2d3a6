import pytest

from training.stages import Stage, rehearsal, stages, warm_stages

RECIPES = [stages(), warm_stages()]


def test_the_recipe_goes_from_letters_to_whole_pages() -> None:
    recipe = stages()
    assert [stage.name for stage in recipe] == ["glyphs", "crops", "small documents", "documents"]
    assert [stage.gate is not None for stage in recipe] == [True, True, True, False]
    assert not recipe[0].mixture.text and all(stage.mixture.text for stage in recipe[1:])
    # The last stage takes what is left, and something is.
    assert recipe[-1].share == 1.0 and sum(stage.share for stage in recipe[:-1]) < 0.6


def test_a_warm_start_refits_the_head_and_goes_on_with_the_documents() -> None:
    head, documents = warm_stages()
    assert head.head and head.gate is not None and head.share < 0.05 and not head.mixture.text
    assert documents == stages()[-1] and not documents.head


def test_documents_are_looked_at_as_the_app_shows_them_and_serve_every_budget() -> None:
    looked_at, *others = stages()[-1].sheets
    assert looked_at.canvas.image_tokens == 1568
    assert max(sheet.canvas.image_tokens for sheet in others) == 3400
    assert min(sheet.least for sheet in others) <= 800


@pytest.mark.parametrize("recipe", [*RECIPES, *map(rehearsal, RECIPES)])
def test_a_canvas_holds_its_pages_and_their_text(recipe: list[Stage]) -> None:
    for stage in recipe:
        for sheet in stage.sheets:
            canvas, crop = sheet.canvas, stage.mixture.crop
            # Both ends of the image and room for text beside the largest page.
            assert canvas.length >= canvas.image_tokens + 2 + canvas.text // 2
            assert sheet.least < canvas.image_tokens
            if crop:
                assert crop[0] * crop[1] == canvas.patches * 14 * 14 == canvas.windows * 112 * 112


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_rehearsal_is_the_recipe_in_small(recipe: list[Stage]) -> None:
    for small, stage in zip(rehearsal(recipe), recipe, strict=True):
        assert (small.name, small.mixture, small.gate) == (stage.name, stage.mixture, stage.gate)
        assert small.steps is not None and small.steps < 10
        assert all(sheet.batch == 2 for sheet in small.sheets)
