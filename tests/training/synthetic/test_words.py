from itertools import product
from pathlib import Path

import numpy as np

from training.synthetic.words import Words, is_kept_out


def test_the_training_never_draws_a_word_of_the_exam(tmp_path: Path) -> None:
    listed = ["".join(letters) for letters in product("bdfgklmnprst", "aeiou", "bdfgklmnprst")]
    path = tmp_path / "words"
    path.write_text("\n".join([*listed, *map(str.title, listed)]))
    taught, kept_out = Words(path), Words(path, kept_out=True)
    assert {*taught.words, *kept_out.words} == set(listed)
    assert not {*taught.words} & {*kept_out.words}
    assert {name.lower() for name in kept_out.names} == {*kept_out.words}
    rng = np.random.default_rng(0)
    assert all(is_kept_out(word) for word in kept_out.phrase(rng, 9, 9).split())
    assert not any(is_kept_out(word) for word in taught.phrase(rng, 9, 9).split())
