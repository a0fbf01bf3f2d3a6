import io
import math
from typing import Any

import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageDraw

from docextract import count
from docextract.confidence import Calibration
from docextract.counting.tiles import MANY
from docextract.errors import ModelError, NotADocumentError, TimedOutError, UsageError
from docextract.pointing import location_text
from docextract.readers import Reading
from docextract.readers.scripted import ScriptedReader
from docextract.settings import Settings

TAUGHT = {"bottle": ("bottles",), "playing card": ("card", "cards")}


def picture(width: int = 560, height: int = 280, **options: Any) -> bytes:
    """Large and smooth, which is blank to those who look for print."""
    made = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(made).ellipse((10, 10, 90, 90), fill="orange")
    content = io.BytesIO()
    made.save(content, "JPEG", **options)
    return content.getvalue()


class Dots(ScriptedReader):
    """Sees the dark dots of a picture and points at them, as a very good model would."""

    def __init__(self) -> None:
        super().__init__([], default_budget=400)

    def read(self, images: Any, *_: Any) -> Reading:
        self.shown.append([image.shape for image in images])
        grey = images[0][:, :, 0]
        height, width = grey.shape
        dark = {(int(y), int(x)) for y, x in np.argwhere(grey < 100)}
        points = []
        while dark:
            dot = [dark.pop()]
            for y, x in dot:
                near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & dark
                dark -= near
                dot.extend(near)
            middle = np.mean(dot, 0)
            points.append((float(middle[1]), float(middle[0])))
        return Reading(location_text(points, width, height))


def dots(columns: int, rows: int) -> bytes:
    made = Image.new("L", (40 * columns, 60 * rows), "white")
    pen = ImageDraw.Draw(made)
    for x in range(columns):
        for y in range(rows):
            pen.ellipse((40 * x + 14, 60 * y + 24, 40 * x + 26, 60 * y + 36), fill="black")
    content = io.BytesIO()
    made.save(content, "PNG")
    return content.getvalue()


def test_marks_stand_in_pixels_of_the_picture_and_are_the_count() -> None:
    reader = ScriptedReader([location_text([(140, 70), (70, 35)], 280, 140)], default_budget=50)
    [found] = count(picture(), "bottle", reader)
    assert reader.shown == [[(140, 280, 3)]]
    assert reader.asked == ["<|count|>bottle"]
    assert (found.count, found.status, found.reason, found.page) == (2, "ok", None, 1)
    places = [place for mark in found.marks for place in (mark.x, mark.y)]
    assert places == pytest.approx([140, 70, 280, 140], abs=0.6)
    assert found.size == (560, 280) and found.confidence is None


def test_the_picture_is_as_a_person_sees_it() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    [found] = count(picture(exif=turned), "bottle", ScriptedReader(["<loc_0><loc_999>"]))
    assert found.size == (280, 560)
    assert (found.marks[0].x, found.marks[0].y) == pytest.approx((280, 0), abs=0.5)


def test_none_is_a_confident_answer() -> None:
    [found] = count(picture(), "bottle", ScriptedReader([Reading("", [2], [math.log(0.99)])]))
    assert (found.count, found.status, found.marks) == (0, "ok", ())


def test_each_object_on_each_page_has_a_count_in_points_of_the_page() -> None:
    with pymupdf.open() as made:
        for _ in range(2):
            made.new_page(width=200, height=100).draw_rect((20, 20, 60, 60), fill=(0, 0, 0))
        content = made.tobytes()
    answers = ["", "<loc_500><loc_250>", "", "<loc_500><loc_250><loc_500><loc_750>"]
    found = count(content, ["stamp", "signature"], ScriptedReader(answers))
    assert [(one.page, one.object, one.count) for one in found] == [
        (1, "stamp", 0),
        (1, "signature", 1),
        (2, "stamp", 0),
        (2, "signature", 2),
    ]
    assert (found[1].marks[0].x, found[1].marks[0].y) == pytest.approx((50, 50), abs=0.5)
    [second] = count(content, "stamp", ScriptedReader([""]), Settings(pages="2"))
    assert second.page == 2


def test_other_words_for_an_object_are_asked_as_the_one_that_was_taught() -> None:
    reader = ScriptedReader(["", "", ""], objects=TAUGHT)
    found = count(picture(), ["Cards", "bottle", "zeppelin"], reader)
    assert reader.asked == ["<|count|>playing card", "<|count|>bottle", "<|count|>zeppelin"]
    assert [one.object for one in found] == ["Cards", "bottle", "zeppelin"]
    assert [one.status for one in found] == ["ok", "ok", "review"]
    assert "not taught to count 'zeppelin'" in str(found[2].reason)


def test_an_unsure_end_asks_for_review() -> None:
    sure, unsure = (
        Reading("<loc_5><loc_5>", range(3), [-0.1, -0.1, math.log(end)]) for end in (0.9, 0.2)
    )
    statuses = [count(picture(), "can", ScriptedReader([one]))[0].status for one in (sure, unsure)]
    assert statuses == ["ok", "review"]


def test_none_is_an_answer_of_which_the_model_must_be_sure() -> None:
    sure, unsure = (Reading("", [2], [math.log(end)]) for end in (0.9, 0.7))
    founds = [count(picture(), "can", ScriptedReader([one]))[0] for one in (sure, unsure)]
    assert [(found.count, found.status) for found in founds] == [(0, "ok"), (0, "review")]
    assert founds[1].reason == "the model was not sure that there are none"


def test_a_number_alone_is_counted_without_marks_and_reviewed() -> None:
    [found] = count(picture(), "can", ScriptedReader(["There are 7."], dialect="instruct"))
    assert (found.count, found.marks, found.form, found.status) == (7, (), "number", "review")


def test_a_stated_number_that_differs_is_told() -> None:
    answer = '{"count": 3, "points": [[10, 20], [30, 20]]}'
    reader = ScriptedReader([answer], dialect="instruct")
    [found] = count(picture(), "can", reader)
    assert (found.count, found.status) == (2, "review")
    assert found.reason == "the model says 3 and marks 2"
    assert '"can"' in reader.asked[0] and "pixels wide" in reader.asked[0]


def test_an_answer_that_is_none_fails_its_object_alone() -> None:
    reader = ScriptedReader(["Sorry.", "[[10, 20]]"], dialect="instruct")
    failed, found = count(picture(), ["can", "jar"], reader)
    assert failed.status == "failed" and failed.count is None
    assert failed.error is not None and failed.error["name"] == "answer"
    assert found.count == 1


def test_a_dense_picture_is_counted_in_tiles() -> None:
    reader = Dots()
    [found] = count(dots(12, 5), "dot", reader)
    assert MANY <= 60 and found.count == 60 and found.status == "ok"
    assert len(found.tiles) == len(reader.shown) - 1 >= 4
    places = sorted((round(mark.x / 20), round(mark.y / 30)) for mark in found.marks)
    assert places == sorted((2 * x + 1, 2 * y + 1) for x in range(12) for y in range(5))


def test_tiles_can_be_forced_and_forbidden() -> None:
    for tiles, looks in (("never", 1), ("always", 5)):
        reader = Dots()
        size = (12, 5) if tiles == "never" else (3, 2)
        [found] = count(dots(*size), "dot", reader, Settings(tiles=tiles))  # type: ignore[arg-type]
        assert (found.count, len(reader.shown)) == (math.prod(size), looks)


def test_tiles_that_tell_another_story_ask_for_review() -> None:
    lines = [location_text([(10 + 20 * at, 30) for at in range(MANY)], 1008, 56)]
    reader = ScriptedReader([*lines, *[""] * 20], default_budget=72)
    [found] = count(dots(MANY, 1), "dot", reader)
    assert (found.count, found.status) == (0, "review")
    assert found.reason == f"{MANY} in the whole picture, 0 in its tiles"


class Sure(ScriptedReader):
    count_calibration = Calibration(0.0, {"sure_stop": 1.0})


def test_a_calibrated_reader_says_how_sure_a_count_is() -> None:
    [found] = count(picture(), "can", Sure([Reading("", [2], [math.log(0.88)])]))
    assert found.confidence == pytest.approx(0.88, abs=0.01) and found.status == "ok"
    unsure = Settings(min_confidence=0.9)
    [found] = count(picture(), "can", Sure([Reading("", [2], [math.log(0.88)])]), unsure)
    assert (found.status, found.reason) == ("review", "the confidence 0.88 is below 0.9")
    with pytest.raises(ModelError, match="calibration"):
        count(picture(), "can", ScriptedReader([""]), unsure)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(NotADocumentError):
        count(b"hello", "can", ScriptedReader([""]))
    with pytest.raises(TimedOutError):
        count(picture(), "can", ScriptedReader([""]), Settings(timeout=0.0))
    for nothing in ([], "", ["can", " "]):
        with pytest.raises(UsageError, match="nothing is to be counted"):
            count(picture(), nothing, ScriptedReader([""]))


def test_weights_that_cannot_point_are_not_asked_to() -> None:
    reader = ScriptedReader(["<loc_1><loc_2>"], objects={})
    with pytest.raises(ModelError, match="not taught to count"):
        count(picture(), "bottle", reader)
    assert not reader.asked
    elsewhere = ScriptedReader(['[{"x": 5, "y": 5}]'], objects={}, dialect="instruct")
    [found] = count(picture(), "bottle", elsewhere)
    assert found.count == 1 and "taught" not in str(found.reason)
