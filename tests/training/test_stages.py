from training.stages import rehearsal, stages


def test_the_recipe_goes_from_letters_to_whole_pages() -> None:
    recipe = stages()
    assert [stage.name for stage in recipe] == ["glyphs", "crops", "small documents", "documents"]
    assert [stage.gate is not None for stage in recipe] == [True, True, True, False]
    assert not recipe[0].mixture.text and all(stage.mixture.text for stage in recipe[1:])
    # The last stage takes what is left, and something is.
    assert recipe[-1].share == 1.0 and sum(stage.share for stage in recipe[:-1]) < 0.6
    assert recipe[-1].canvas.image_tokens == 1568


def test_a_canvas_holds_its_pages_and_their_text() -> None:
    for stage in (*stages(), *rehearsal()):
        canvas, crop = stage.canvas, stage.mixture.crop
        # Both ends of the image and room for text beside the largest page.
        assert canvas.length >= canvas.image_tokens + 2 + canvas.text // 2
        if crop:
            assert crop[0] * crop[1] == canvas.patches * 14 * 14 == canvas.windows * 112 * 112


def test_a_rehearsal_is_the_recipe_in_small() -> None:
    for small, stage in zip(rehearsal(), stages(), strict=True):
        assert (small.name, small.mixture, small.gate) == (stage.name, stage.mixture, stage.gate)
        assert small.steps is not None and small.steps < 10 and small.batch < stage.batch
