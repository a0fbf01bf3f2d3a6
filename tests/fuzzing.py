"""The places where bytes of strangers come in, under a fuzzer.

    python tests/fuzzing.py pages -max_total_time=60

The contract is the same everywhere: a sensible value or a typed error. It wants Linux and
`pip install 'docextract[fuzz]'`; what follows the name of the target goes to libFuzzer, which finds
ways through the code that the property tests beside each of these modules do not look for.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

Target = Callable[[bytes], None]


def pages() -> Target:
    """Documents are opened and drawn, or refused."""
    from docextract.errors import DocextractError, ExitCode
    from docextract.pages import open_document
    from docextract.settings import Limits

    def read(data: bytes) -> None:
        try:
            with open_document(data, Limits(max_pages=50, max_pixels=10**7)) as document:
                for number in document.numbers()[:3]:
                    assert 0 < document.render(number, 16).pixels.size <= 16 * 784 * 3
        except DocextractError as error:
            assert error.exit_code in (ExitCode.INPUT, ExitCode.ENCRYPTED), error

    return read


def answer() -> Target:
    """Whatever a model writes becomes a record with every key, or an error of its own kind."""
    from docextract.answer import parse_answer
    from docextract.errors import AnswerError
    from docextract.schema import load_schema

    schema = load_schema("invoice")

    def read(data: bytes) -> None:
        try:
            record = parse_answer(data.decode("utf-8", "replace"), schema.fields).record
        except AnswerError:
            return
        assert record.keys() == schema.fields.fields.keys()
        json.dumps(record)

    return read


def schema() -> Target:
    """A schema in quotes or in one line, or an error that says what is wrong with it."""
    from docextract.errors import SchemaError
    from docextract.schema import load_schema

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        if ".py" in text:
            return  # the name of a file, whose code would be run
        try:
            json.dumps(load_schema(text).twin)
        except SchemaError as error:
            assert error.message

    return read


def checkpoint() -> Target:
    """A folder whose config.json or whose weights are these bytes is a model, or a ModelError.

    The first byte says which of the two they are.
    """
    from zamba2_vl.checkpoint import build, load, save
    from zamba2_vl.config import TextConfig, Zamba2VLConfig
    from zamba2_vl.errors import ModelError

    small = TextConfig(
        vocab_size=16,
        hidden_size=16,
        num_hidden_layers=2,
        hybrid_layer_ids=(1,),
        intermediate_size=16,
        num_attention_heads=2,
        num_key_value_heads=2,
        adapter_rank=2,
        mamba_d_state=4,
        n_mamba_heads=2,
    )
    folder = Path(tempfile.mkdtemp())
    save(build(Zamba2VLConfig(small)), folder)
    whole = {name: (folder / name).read_bytes() for name in ("config.json", "model.safetensors")}

    def read(data: bytes) -> None:
        name = ("config.json", "model.safetensors")[data[:1] >= b"m"]
        (folder / name).write_bytes(data[1:])
        try:
            assert not load(folder).training
        except ModelError:
            pass
        finally:
            (folder / name).write_bytes(whole[name])

    return read


TARGETS: Mapping[str, Callable[[], Target]] = {
    target.__name__: target for target in (pages, answer, schema, checkpoint)
}


def main() -> None:
    import atheris

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"name one of {', '.join(TARGETS)}")
    with atheris.instrument_imports(include=["docextract", "zamba2_vl"]):
        target = TARGETS[name]()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
