import pickle

import pytest

from docextract.errors import DocextractError, EncryptedError, ExitCode, did_you_mean


def test_the_codes_are_those_that_people_script_against() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "INPUT": 3,
        "SCHEMA": 4,
        "MODEL": 5,
        "DEVICE": 6,
        "ANSWER": 7,
        "ENCRYPTED": 8,
        "NOTHING": 9,
        "SOME_FAILED": 10,
        "ALL_FAILED": 11,
        "REVIEW": 12,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("error", [EncryptedError("shut", hint="open it"), DocextractError("odd")])
def test_an_error_crosses_a_process_border(error: DocextractError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.message, copy.hint) == (str(error), error.message, error.hint)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("recipt", "did you mean receipt? there are more"),
        ("nothing like it", "there are more"),
        ("", "there are more"),
    ],
)
def test_the_nearest_word_is_guessed(word: str, hint: str) -> None:
    assert did_you_mean(word, ["invoice", "receipt"], "there are more") == hint
