import re

import numpy as np
import pymupdf
import pytest

from training.synthetic.pages import PageFactory

FACES = {
    "Sans-Regular": "helv",
    "Sans-Bold": "hebo",
    "Mono-Regular": "cour",
    "Mono-Bold": "cobo",
    "Serif-Regular": "tiro",
}
KINDS = (
    "receipt",
    "invoice",
    "form",
    "purchase_order",
    "delivery_note",
    "statement",
    "utility_bill",
    "prose",
    "blank",
)
WORDS = """apple river stone window market garden bottle candle winter summer paper silver
bridge corner dinner engine forest guitar hammer island jacket kitchen ladder mirror needle
orange pencil quarter ribbon saddle ticket uncle valley wagon yellow zebra anchor basket cousin
dragon elbow feather ginger helmet insect jungle kettle lemon magnet napkin oyster parrot rocket
Adams Baker Carter Dixon Evans Fisher Grant Hudson"""


@pytest.fixture(scope="session")
def factory(tmp_path_factory: pytest.TempPathFactory) -> PageFactory:
    """A factory that needs nothing fetched: MuPDF carries the faces of PDF's base fonts."""
    folder = tmp_path_factory.mktemp("synthetic")
    words = folder / "words"
    words.write_text(WORDS)
    fonts = folder / "fonts"
    fonts.mkdir()
    for name, code in FACES.items():
        (fonts / f"{name}.otf").write_bytes(pymupdf.Font(code).buffer)
    return PageFactory(fonts, words)


def leaves(node: object) -> list[str]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in leaves(value)]
    if isinstance(node, list):
        return [leaf for value in node for leaf in leaves(value)]
    return [] if node is None else [str(node)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_tokens", [392, 1568, 3136])
def test_a_document_keeps_to_its_budget(factory: PageFactory, kind: str, max_tokens: int) -> None:
    for seed in range(6):
        page = factory.document(np.random.default_rng(seed), max_tokens, kind)
        height, width = page.pixels.shape
        assert page.pixels.dtype == np.uint8 and page.glyphs.dtype == np.int32
        assert height % 28 == width % 28 == 0
        assert height * width <= max_tokens * 784
        assert page.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_stands_on_the_page_as_printed(factory: PageFactory, kind: str) -> None:
    for seed in range(20):
        page = factory.document(np.random.default_rng(seed), 1568, kind)
        shown = " ".join(page.lines)
        printed = set(re.split(r"\s+", shown))
        for value in leaves(page.record):
            # A value over several lines, or beside another column, stands there word by word.
            missing = [
                word for word in value.split() if not any(word in other for other in printed)
            ]
            assert not missing, (seed, value, shown)


def amount(text: str) -> int:
    """The cents of an amount with two decimals, whatever its separators."""
    return int(re.sub(r"[^0-9-]", "", text))


def test_the_sums_of_an_invoice_add_up(factory: PageFactory) -> None:
    added = 0
    for seed in range(60):
        record = factory.document(np.random.default_rng(seed), 784, "invoice").record
        sums = [record[key] for key in ("net_total", "tax_total", "total")]
        if None not in sums:
            net, tax, total = map(amount, sums)
            assert net + tax == total, seed
            added += 1
    assert added > 20


def test_some_invoices_are_a_page_of_several(factory: PageFactory) -> None:
    records = [factory.document(np.random.default_rng(s), 784, "invoice").record for s in range(80)]
    assert any(r["total"] is None and r["buyer_name"] for r in records)
    assert any(r["buyer_name"] is None and r["total"] for r in records)
    assert any(r["line_items"] == [] for r in records)
    assert all(r["currency"] is None for r in records if r["total"] is None)


def test_a_merchant_is_named_without_its_number_and_lives_without_its_telephone(
    factory: PageFactory,
) -> None:
    numbered = 0
    for seed in range(80):
        record = factory.document(np.random.default_rng(seed), 784, "receipt").record
        number, phone = record["registration_number"], record["merchant_phone"]
        address = record["merchant_address"] or ""
        assert number is None or number not in record["merchant_name"] + address
        assert phone is None or phone not in address
        numbered += number is not None
    assert numbered > 10


def test_some_receipts_end_before_their_total(factory: PageFactory) -> None:
    records = [factory.document(np.random.default_rng(s), 500, "receipt").record for s in range(90)]
    ended = [record for record in records if record["total"] is None]
    assert ended
    for record in ended:
        assert record["line_items"] and record["currency"] is record["change"] is None


@pytest.mark.parametrize("kind", ["blank", "prose"])
def test_a_page_that_says_nothing_answers_nothing(factory: PageFactory, kind: str) -> None:
    shapes = set()
    for seed in range(40):
        page = factory.document(np.random.default_rng(seed), 784, kind)
        assert page.record and not leaves(page.record)
        assert kind == "prose" or len(page.lines) <= 1
        shapes.add(tuple(page.record))
    assert len(shapes) > 2


def test_a_document_is_the_same_at_every_resolution(factory: PageFactory) -> None:
    for kind in KINDS:
        if kind != "blank":
            coarse, fine = (factory.document(np.random.default_rng(3), tokens, kind)
                            for tokens in (784, 3400))  # fmt: skip
            assert coarse.record == fine.record
            assert coarse.pixels.size < fine.pixels.size


def test_amounts_carry_no_currency_sign(factory: PageFactory) -> None:
    signs = re.compile(r"[€£$¥]|RM|EUR|USD")
    for seed in range(20):
        for kind in ("receipt", "invoice"):
            record = factory.document(np.random.default_rng(seed), 1568, kind).record
            amounts = [record["total"], *(item["amount"] for item in record["line_items"])]
            assert not [amount for amount in amounts if amount and signs.search(amount)]


def test_a_currency_in_the_record_is_printed(factory: PageFactory) -> None:
    for seed in range(30):
        for kind in ("receipt", "invoice"):
            page = factory.document(np.random.default_rng(seed), 1568, kind)
            if page.record["currency"] is not None:
                assert page.record["currency"] in "\n".join(page.lines), (seed, kind)


def test_the_letters_are_those_of_the_lines(factory: PageFactory) -> None:
    for seed in range(10):
        page = factory.document(np.random.default_rng(seed), 1568, "receipt")
        drawn = sorted(map(chr, page.glyphs[:, 2]))
        written = sorted("".join(page.lines).replace(" ", ""))
        assert len(drawn) >= 0.97 * len(written)
        assert len(drawn) <= len(written)


def test_ink_lies_where_the_letters_are(factory: PageFactory) -> None:
    shares = []
    for seed in range(30):
        page = factory.document(np.random.default_rng(seed), 1568, "receipt")
        for x, y, code in page.glyphs:
            if chr(code) not in "EFHSXZ235689aesz":  # letters that are inked in the middle
                continue
            near = page.pixels[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5]
            shares.append(int(near.max()) - int(near.min()) > 20)
    assert len(shares) > 1000
    assert np.mean(shares) > 0.97


def test_the_same_seed_gives_the_same_page(factory: PageFactory) -> None:
    for kind in KINDS:
        one, two = (factory.document(np.random.default_rng(5), 800, kind) for _ in range(2))
        assert np.array_equal(one.pixels, two.pixels)
        assert np.array_equal(one.glyphs, two.glyphs)
        assert one.lines == two.lines and one.record == two.record


def test_a_crop_has_the_size_asked_for_and_its_lines_in_order(factory: PageFactory) -> None:
    for seed in range(20):
        page = factory.crop(np.random.default_rng(seed), 448, 224, lines=(1, 6))
        assert page.pixels.shape == (224, 448)
        assert 1 <= len(page.lines) <= 6
        assert page.kind == "crop" and page.record == {}
        assert set(map(chr, page.glyphs[:, 2])) <= set("".join(page.lines))


def test_an_unknown_kind_is_named(factory: PageFactory) -> None:
    with pytest.raises(ValueError, match="no such kind of page: passport"):
        factory.document(np.random.default_rng(0), 800, "passport")
