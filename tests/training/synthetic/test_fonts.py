from pathlib import Path

import numpy as np
import pymupdf
import pytest

from training.synthetic.fonts import KEPT_OUT, FontShelf


@pytest.fixture
def shelf(tmp_path: Path) -> FontShelf:
    for name, code in (("Sans-Regular", "helv"), ("Sans-Bold", "hebo"), ("Mono", "cour")):
        (tmp_path / f"{name}.otf").write_bytes(pymupdf.Font(code).buffer)
    return FontShelf(tmp_path)


def test_faces_know_what_they_are(shelf: FontShelf) -> None:
    mono, bold, plain = shelf.faces
    assert (mono.mono, bold.mono, plain.mono) == (True, False, False)
    assert (mono.bold, bold.bold, plain.bold) == (False, True, False)
    assert shelf.bold(plain, "A") is bold
    assert shelf.bold(mono, "A") is mono


def test_a_face_is_picked_that_draws_all_letters(shelf: FontShelf) -> None:
    assert "é" in shelf.pick(np.random.default_rng(0), "Café").covers
    with pytest.raises(ValueError, match="no face draws all of .*語"):
        shelf.pick(np.random.default_rng(0), "日本語")


def test_widths_grow_with_the_size_and_monospaced_ones_stay_whole(shelf: FontShelf) -> None:
    mono, _, plain = shelf.faces
    assert plain.at(20).width("Total") == pytest.approx(2 * plain.at(10).width("Total"))
    assert len(set(mono.at(15).advances("iW. "))) == 1
    assert mono.at(15).advances("i")[0].is_integer()


def test_a_folder_without_faces_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no .ttf or .otf files"):
        FontShelf(tmp_path)


def test_what_is_kept_out_of_the_training_is_drawn_for_the_exam_alone(tmp_path: Path) -> None:
    kept_out = sorted(KEPT_OUT)[0]
    for name in ("Sans-Regular.otf", kept_out):
        (tmp_path / name).write_bytes(pymupdf.Font("helv").buffer)
    assert [face.path.name for face in FontShelf(tmp_path).faces] == ["Sans-Regular.otf"]
    assert [face.path.name for face in FontShelf(tmp_path, kept_out=True).faces] == [kept_out]
    (tmp_path / kept_out).unlink()
    with pytest.raises(FileNotFoundError, match="kept out of the training"):
        FontShelf(tmp_path, kept_out=True)
